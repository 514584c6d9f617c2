/** Who is in a room, by name without regard to case. */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { foldName } from '../../../protocol/text.ts';

export type User = { name: string; you: boolean };
/** `key`: the name as it sorts, made once, since a large room comes and goes one by one. */
type Entry = { key: string; user: User };

export class Roster {
  readonly #users: Signal<readonly User[]> = signal([]);
  #entries: readonly Entry[] = [];

  get users(): ReadonlySignal<readonly User[]> {
    return this.#users;
  }

  replace(users: readonly User[]): void {
    this.#set(users.map(entryOf).sort((a, b) => (a.key < b.key ? -1 : 1)));
  }

  /** Somebody came, or was here already. */
  add(user: User): void {
    const entry = entryOf(user);
    const others = this.#entries.filter(({ key }) => key !== entry.key);
    const place = others.findIndex(({ key }) => key > entry.key);
    this.#set(place === -1 ? [...others, entry] : [...others.slice(0, place), entry, ...others.slice(place)]);
  }

  remove(name: string): void {
    const gone = foldName(name);
    this.#set(this.#entries.filter(({ key }) => key !== gone));
  }

  #set(entries: readonly Entry[]): void {
    this.#entries = entries;
    this.#users.value = entries.map(({ user }) => user);
  }
}

function entryOf(user: User): Entry {
  return { key: foldName(user.name), user };
}
