/**
 * The outbox of a resumable session: its counted messages, from those that its client may still ask for again to those
 * that no connection has taken yet. Owns numbers and bounds; it must not know rooms or what is in a message. The buffers
 * are shared with all other receivers.
 *
 *      dropped        kept for a resume          unsent
 *   1 ··········│ first ············· sent │ sent+1 ······ last │
 */
import { limits } from '../protocol/limits.ts';
import type { OutboxExport } from './session-state.ts';
import type { EncodedFrame, Transport } from './transport.ts';

export class Outbox {
  readonly #session: string;
  readonly #maxBytes: number;
  #frames: (EncodedFrame | undefined)[] = [];
  /** Index of the oldest message that is kept: what is before it is dropped in one go now and then. */
  #head = 0;
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
    for (const text of from.frames) this.push({ bytes: Buffer.from(text) });
    this.#sent = from.sent;
    this.#highest = from.highest;
    for (let index = 0; index < from.sent - this.#first + 1; index += 1) {
      this.#unsentBytes -= (this.#frames[index] as EncodedFrame).bytes.length;
    }
  }

  export(): OutboxExport {
    const frames = this.#frames.slice(this.#head).map((frame) => (frame as EncodedFrame).bytes.toString());
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
    return this.#bytes > this.#maxBytes && this.#frames.length - this.#head > 1;
  }

  push(frame: EncodedFrame): void {
    this.#frames.push(frame);
    this.#last += 1;
    this.#bytes += frame.bytes.length;
    this.#unsentBytes += frame.bytes.length;
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
    for (let left = bytes; left > 0 && this.#sent >= this.#first; this.#sent -= 1) {
      const { length } = (this.#frames[this.#head + this.#sent - this.#first] as EncodedFrame).bytes;
      this.#unsentBytes += length;
      left -= length;
    }
  }

  /** Drops the oldest of what was sent until the rest fits, but nothing of the newest `unwritten` bytes. */
  trim(unwritten: number): void {
    while (this.isOver && this.#bytes - this.#unsentBytes > unwritten) {
      this.#dropTo(this.#first);
    }
  }

  /** To be called now and then while a connection lives: what was sent long ago has arrived on it. */
  age(now: number): void {
    if (this.#marks.at(-1)?.n !== this.#sent) this.#marks.push({ n: this.#sent, at: now });
    const [oldest] = this.#marks;
    if (oldest === undefined || now - oldest.at < limits.outboxAgeMs) return;
    this.#marks.shift();
    this.#dropTo(oldest.n);
  }

  get #first(): number {
    return this.#last - (this.#frames.length - this.#head) + 1;
  }

  /** The next unsent frames, one at least, at most `maxBytes` of them. */
  #take(maxBytes: number): EncodedFrame[] {
    const from = this.#head + (this.#sent + 1 - this.#first);
    let to = from;
    let bytes = 0;
    for (; to < this.#frames.length; to += 1) {
      const { length } = (this.#frames[to] as EncodedFrame).bytes;
      if (to > from && bytes + length > maxBytes) break;
      bytes += length;
    }
    this.#sent += to - from;
    this.#highest = Math.max(this.#highest, this.#sent);
    this.#unsentBytes -= bytes;
    return this.#frames.slice(from, to) as EncodedFrame[];
  }

  /** Drops the messages up to `n`. */
  #dropTo(n: number): void {
    for (let first = this.#first; first <= n; first += 1) {
      this.#bytes -= (this.#frames[this.#head] as EncodedFrame).bytes.length;
      this.#frames[this.#head] = undefined;
      this.#head += 1;
    }
    // Moving the rest costs as much as what was dropped meanwhile.
    if (this.#head * 2 < this.#frames.length) return;
    this.#frames = this.#frames.slice(this.#head);
    this.#head = 0;
  }
}
