/**
 * The outbox of a resumable session: its counted messages, from those that its client may still ask for again to those
 * that no connection has taken yet. Owns numbers and bounds; it must not know rooms or what is in a message. It keeps the
 * lists of messages as they were pushed, which are those of all other receivers, too: a turn of a busy room costs an
 * outbox one list, and the connection gets that very list, by which its bytes are found ready-made. In a list of 64 that
 * is 13 ns a message, and 57 where each is kept by itself.
 *
 *      dropped        kept for a resume          unsent
 *   1 ··········│ first ············· sent │ sent+1 ······ last │
 */
import { limits } from '../protocol/limits.ts';
import type { OutboxExport } from './session-state.ts';
import type { EncodedFrame, Transport } from './transport.ts';

/** Places of the smallest ring: a power of two. */
const leastRing = 4;

function sizeOf(frames: Iterable<EncodedFrame>): number {
  let bytes = 0;
  for (const frame of frames) bytes += frame.bytes.length;
  return bytes;
}

export class Outbox {
  readonly #session: string;
  readonly #maxBytes: number;
  /**
   * A ring: an array from which the oldest are cut off now and then is made anew as often, which was 3 % of what a
   * delivery costs in a busy room of 200.
   *
   * Where a list begins is counted from the end, and not kept: an object for each list with the number of its first
   * message costs twice as much at one message a turn, because what lives for some thousand turns is the dearest to collect.
   */
  #ring: (readonly EncodedFrame[] | undefined)[] = [];
  /** Where in the ring the oldest list is, or its rest. */
  #head = 0;
  /** How many lists there are. */
  #count = 0;
  /** How many messages of the oldest list are dropped. */
  #skip = 0;
  #first = 1;
  #last = 0;
  #sent = 0;
  /** The highest number ever handed to a connection. */
  #highest = 0;
  #bytes = 0;
  #unsentBytes = 0;
  /** How far it was sent at some earlier instants, oldest first. */
  #marks: { n: number; at: number }[] = [];

  /** `maxBytes`: of all messages that are kept. `from`: goes on where another one was when it was exported. */
  constructor(session: string, maxBytes: number, from?: OutboxExport) {
    this.#session = session;
    this.#maxBytes = maxBytes;
    if (from === undefined) return;
    this.#last = from.last - from.frames.length;
    this.#first = this.#last + 1;
    // Each in a list of its own: a list is kept as long as one of its messages.
    for (const text of from.frames) this.push([{ bytes: Buffer.from(text) }]);
    this.#sent = from.sent;
    this.#highest = from.highest;
    this.#unsentBytes = sizeOf(this.#after(from.sent));
  }

  export(): OutboxExport {
    const frames = Array.from(this.#after(this.#first - 1), ({ bytes }) => bytes.toString());
    return { last: this.#last, sent: this.#sent, highest: this.#highest, frames };
  }

  get hasUnsent(): boolean {
    return this.#sent < this.#last;
  }

  /** Whether `bytes` more fit beside what is unsent and what the connection has not taken yet. */
  hasRoomFor(bytes: number, unwritten: number): boolean {
    // Below `transportBytes` nobody says when it has drained; a poll that was answered takes nothing any more.
    const { transportBytes } = limits;
    const taken = Number.isFinite(unwritten) ? Math.max(unwritten, transportBytes) : transportBytes;
    return this.#unsentBytes + taken + bytes <= this.#maxBytes;
  }

  /** A single larger message may stand alone. */
  get isOver(): boolean {
    return this.#bytes > this.#maxBytes && this.#first < this.#last;
  }

  /** One message at least. The list is kept as it is, and must not change any more. */
  push(frames: readonly EncodedFrame[]): void {
    const bytes = sizeOf(frames);
    this.#addList(frames);
    this.#last += frames.length;
    this.#bytes += bytes;
    this.#unsentBytes += bytes;
  }

  /**
   * Hands over what is unsent, until the transport has `limits.transportBytes` unwritten; the last message may be over it.
   * (Below that, Node does not promise to say when it has drained.)
   */
  writeTo(transport: Transport): void {
    while (this.hasUnsent) {
      const room = limits.transportBytes - transport.unwritten();
      if (room <= 0) return;
      const first = { session: this.#session, n: this.#sent + 1 };
      transport.write(this.#take(room), first);
    }
  }

  /** Whether a client that has `n` messages can go on from there. (What it has presented before is dropped.) */
  reaches(n: number): boolean {
    return n >= this.#first - 1 && n <= this.#highest;
  }

  /**
   * The client has `n` messages: those are dropped, and all after them are unsent again. Needs `reaches(n)`. Returns how
   * many bytes will be written once more.
   */
  rewind(n: number): number {
    this.#dropTo(n);
    // What was given back and has arrived all the same was unsent, too, until now.
    const again = Math.max(0, this.#bytes - this.#unsentBytes);
    this.#sent = n;
    this.#unsentBytes = this.#bytes;
    this.#marks = [];
    return again;
  }

  /** A connection is gone that had not taken the newest `bytes` bytes: they are unsent again. */
  giveBack(bytes: number): void {
    let index = this.#count;
    let from = this.#last + 1;
    for (let left = bytes; left > 0 && this.#sent >= this.#first; this.#sent -= 1) {
      while (from > this.#sent) from -= this.#list(--index).length;
      const { length } = (this.#list(index)[this.#sent - from] as EncodedFrame).bytes;
      this.#unsentBytes += length;
      left -= length;
    }
  }

  /** Drops the oldest of what was sent until the rest fits, but nothing of the newest `unwritten` bytes. */
  trim(unwritten: number): void {
    while (this.isOver && this.#bytes - this.#unsentBytes > unwritten) this.#dropOldest();
  }

  /** To be called now and then while a connection lives: what was sent long ago has arrived on it. */
  age(now: number): void {
    if (this.#marks.at(-1)?.n !== this.#sent) this.#marks.push({ n: this.#sent, at: now });
    const [oldest] = this.#marks;
    if (oldest === undefined || now - oldest.at < limits.outboxAgeMs) return;
    this.#marks.shift();
    this.#dropTo(oldest.n);
  }

  /** The next unsent messages, one at least, at most `maxBytes` of them: where they are one list, that list. */
  #take(maxBytes: number): readonly EncodedFrame[] {
    const newest = this.#list(this.#count - 1);
    const isAll = this.#unsentBytes <= maxBytes && this.#last - newest.length === this.#sent;
    const taken = isAll ? newest : this.#gather(maxBytes);
    if (isAll) this.#unsentBytes = 0;
    else for (const { bytes } of taken) this.#unsentBytes -= bytes.length;
    this.#sent += taken.length;
    this.#highest = Math.max(this.#highest, this.#sent);
    return taken;
  }

  #gather(maxBytes: number): EncodedFrame[] {
    const gathered: EncodedFrame[] = [];
    let bytes = 0;
    for (const frame of this.#after(this.#sent)) {
      bytes += frame.bytes.length;
      if (gathered.length > 0 && bytes > maxBytes) break;
      gathered.push(frame);
    }
    return gathered;
  }

  /** Drops the messages up to `n`. */
  #dropTo(n: number): void {
    while (this.#first <= n) this.#dropOldest();
  }

  #dropOldest(): void {
    const list = this.#list(0);
    this.#bytes -= (list[this.#skip] as EncodedFrame).bytes.length;
    this.#first += 1;
    this.#skip += 1;
    if (this.#skip < list.length) return;
    this.#skip = 0;
    this.#dropList();
  }

  #addList(frames: readonly EncodedFrame[]): void {
    if (this.#count === this.#ring.length) this.#resize(Math.max(leastRing, this.#count * 2));
    this.#ring[this.#placeOf(this.#count)] = frames;
    this.#count += 1;
  }

  #dropList(): void {
    this.#ring[this.#head] = undefined;
    this.#head = this.#placeOf(1);
    this.#count -= 1;
    if (this.#count === 0) this.#ring = [];
    // What a busy hour needed is given back: up to 64 KB a session.
    else if (this.#ring.length > leastRing && this.#count * 8 <= this.#ring.length) this.#resize(this.#ring.length / 2);
  }

  /** `places`: a power of two, not less than there are lists. (`Array.from` and a function: 2 % of a delivery in a quiet room.) */
  #resize(places: number): void {
    const end = this.#head + this.#count;
    const wrapped = this.#ring.slice(0, Math.max(0, end - this.#ring.length));
    const lists = this.#ring.slice(this.#head, end).concat(wrapped);
    this.#ring = lists.concat(Array<undefined>(places - lists.length).fill(undefined));
    this.#head = 0;
  }

  /** The messages after the one with the number, which is kept or the one before those that are. */
  *#after(n: number): Generator<EncodedFrame> {
    // What is unsent is near the end.
    let index = this.#count;
    let from = this.#last + 1;
    while (from > n + 1) from -= this.#list(--index).length;
    for (; index < this.#count; index += 1) {
      for (const frame of this.#list(index)) if (from++ > n) yield frame;
    }
  }

  #list(index: number): readonly EncodedFrame[] {
    return this.#ring[this.#placeOf(index)] as readonly EncodedFrame[];
  }

  #placeOf(index: number): number {
    return (this.#head + index) & (this.#ring.length - 1);
  }
}
