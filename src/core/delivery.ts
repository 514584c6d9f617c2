/**
 * What is on its way to one session's client: in its outbox where it can be resumed, else for the turn. Owns how much of
 * it a connection is given, and when there is too much; it must not know rooms or what is in a message.
 */
import { limits } from '../protocol/limits.ts';
import type { Connection } from './connection.ts';
import type { Outbox } from './outbox.ts';
import type { EncodedFrame, Transport } from './transport.ts';

export class Delivery {
  readonly #outbox: Outbox | undefined;
  /** What a session without an outbox writes with this turn. */
  #out: EncodedFrame[] = [];
  #isDue = false;
  #isLost = false;

  constructor(outbox: Outbox | undefined) {
    this.#outbox = outbox;
  }

  /** Nobody has come for what waits, and there was no room for more. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** True: it is to be written when this turn ends. */
  push(frames: readonly EncodedFrame[], isAttached: boolean): boolean {
    if (this.#isLost) return false;
    const outbox = this.#outbox;
    for (const frame of frames) {
      if (outbox === undefined) this.#out.push(frame);
      else outbox.push(frame);
    }
    if (!isAttached && outbox !== undefined) {
      outbox.trim(0);
      this.#isLost = outbox.isOver;
    }
    if (this.#isDue || (!isAttached && !this.#isLost)) return false;
    this.#isDue = true;
    return true;
  }

  /** False: more waits for the connection than is kept for it. `connection` undefined: there is none. */
  writeTo(connection: Connection | undefined): boolean {
    this.#isDue = false;
    if (connection === undefined) return true;
    if (this.#outbox === undefined) return this.#writeAll(connection.transport);
    return this.#writeFrom(this.#outbox, connection);
  }

  /** Whether an answer of that size fits beside what its client has not taken yet. */
  hasRoomFor(bytes: number, connection: Connection | undefined): boolean {
    const unwritten = connection?.transport.unwritten() ?? 0;
    if (this.#outbox !== undefined) return this.#outbox.hasRoomFor(bytes, unwritten);
    return unwritten + bytes <= limits.unwrittenBytes;
  }

  #writeAll(transport: Transport): boolean {
    const frames = this.#out;
    if (frames.length === 0) return true;
    this.#out = [];
    transport.write(frames);
    return transport.unwritten() <= limits.unwrittenBytes;
  }

  /** The oldest fall out of a full outbox as long as it is full of what was sent. */
  #writeFrom(outbox: Outbox, connection: Connection): boolean {
    if (!connection.isBlocked) {
      outbox.writeTo(connection.transport);
      if (outbox.hasUnsent) connection.block();
    }
    outbox.trim(connection.transport.unwritten());
    // What is all sent is only a moment from being let go.
    return !outbox.isOver || !outbox.hasUnsent;
  }
}
