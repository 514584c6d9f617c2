/**
 * The names of those in a room, sorted, and the same as JSON, kept while members come and go: each newcomer gets a copy in
 * which only its own entry differs. When 1,000 join at once, encoding the list anew for each takes a third of all the
 * CPU that is spent; so it takes a fortieth. It must not know who the members are beyond their names.
 *
 * Who comes or goes moves all entries behind its own, so that is done when somebody looks, and where it would be done
 * often, the list is made anew: a room that is told of 10,000 members at once has them in one go.
 */
import type { UserEntry } from '../protocol/frames.ts';

/** Entries of a small room. */
const leastBytes = 256;
/** Changes between two looks that are made one by one. Among 10,000 names so many cost some milliseconds, as making all anew does. */
const fewChanges = 32;

export class UserList {
  readonly #all: () => Iterable<string>;
  /** Since the last look, oldest first. Undefined: they were many, and nothing is kept until the next. */
  #changes: { name: string; comes: boolean }[] | undefined = [];
  #names: string[] = [];
  /** The entries in the order of the names, each with a comma behind it. */
  #bytes: Buffer = Buffer.alloc(leastBytes);
  /** Where each entry ends. */
  #ends: number[] = [];

  /** `all`: the names of those who are there, as the list was told, in any order. */
  constructor(all: () => Iterable<string>) {
    this.#all = all;
  }

  /** Sorted. */
  get names(): readonly string[] {
    this.#settle();
    return this.#names;
  }

  /** Of all entries. */
  get bytes(): number {
    this.#settle();
    return this.#length;
  }

  add(name: string): void {
    this.#note({ name, comes: true });
  }

  delete(name: string): void {
    this.#note({ name, comes: false });
  }

  /** `status.users`, as that user is to see it, who need not be in it yet: the entries, without the brackets. */
  encodedFor(name: string): Buffer {
    this.#settle();
    const index = this.#indexOf(name);
    const at = this.#startOf(index);
    const after = this.#names[index] === name ? this.#startOf(index + 1) : at;
    const own = encodeEntry({ name, you: true });
    const entries = Buffer.concat([this.#bytes.subarray(0, at), own, this.#bytes.subarray(after, this.#length)]);
    return entries.subarray(0, -1);
  }

  #note(change: { name: string; comes: boolean }): void {
    if (this.#changes === undefined) return;
    this.#changes.push(change);
    if (this.#changes.length > fewChanges) this.#forget();
  }

  #forget(): void {
    this.#changes = undefined;
    this.#names = [];
    this.#ends = [];
    this.#bytes = Buffer.alloc(0);
  }

  #settle(): void {
    const changes = this.#changes;
    if (changes?.length === 0) return;
    this.#changes = [];
    if (changes === undefined) return this.#makeAnew();
    for (const { name, comes } of changes) {
      if (comes) this.#insert(name);
      else this.#remove(name);
    }
  }

  #makeAnew(): void {
    this.#names = Array.from(this.#all()).sort();
    const entries = this.#names.map((name) => encodeEntry({ name, you: false }));
    this.#bytes = Buffer.concat(entries);
    let end = 0;
    this.#ends = entries.map(({ length }) => (end += length));
  }

  #insert(name: string): void {
    const index = this.#indexOf(name);
    const at = this.#startOf(index);
    const entry = encodeEntry({ name, you: false });
    this.#reserve(entry.length);
    this.#bytes.copyWithin(at + entry.length, at, this.#length);
    entry.copy(this.#bytes, at);
    this.#names.splice(index, 0, name);
    this.#ends.splice(index, 0, at);
    this.#shift(index, entry.length);
  }

  #remove(name: string): void {
    const index = this.#indexOf(name);
    if (this.#names[index] !== name) return;
    const at = this.#startOf(index);
    const end = this.#startOf(index + 1);
    this.#bytes.copyWithin(at, end, this.#length);
    this.#names.splice(index, 1);
    this.#ends.splice(index, 1);
    this.#shift(index, at - end);
  }

  get #length(): number {
    return this.#ends.at(-1) ?? 0;
  }

  #startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] as number);
  }

  #shift(from: number, by: number): void {
    for (let index = from; index < this.#ends.length; index += 1)
      this.#ends[index] = (this.#ends[index] as number) + by;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.alloc(needed * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }

  /** Of the first name that is not before `name`. By code units, as `Array.sort` does. */
  #indexOf(name: string): number {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#names[middle] as string) < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function encodeEntry(entry: UserEntry): Buffer {
  return Buffer.from(`${JSON.stringify(entry)},`);
}
