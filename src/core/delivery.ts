/**
 * What is on its way to one session's client, and the connection that takes it: in an outbox where the session can be
 * resumed, else for the turn. Owns how much of it a connection is given, what it gives back, and when there is too much;
 * it must not know rooms, what is in a message, or when a session ends.
 */
import { limits } from '../protocol/limits.ts';
import type { Connection } from './connection.ts';
import type { Outbox } from './outbox.ts';
import type { OutboxExport } from './session-state.ts';
import type { EncodedFrame, Transport } from './transport.ts';

export class Delivery {
  readonly #outbox: Outbox | undefined;
  #connection: Connection | undefined;
  /** What a session without an outbox writes with this turn, in lists that others get, too. */
  #out: (readonly EncodedFrame[])[] = [];
  #isDue = false;
  #isLost = false;

  /** `outbox` undefined: nothing is kept for another connection. */
  constructor(outbox: Outbox | undefined) {
    this.#outbox = outbox;
  }

  /** Undefined: there is none at the moment. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  get isResumable(): boolean {
    return this.#outbox !== undefined;
  }

  /** Nobody has come for what waits, and there was no room for more. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Whether its connection has not taken all that there is for it. */
  get isBehind(): boolean {
    return this.#connection !== undefined && this.#outbox?.hasUnsent === true;
  }

  // ---- the connection ----

  attach(connection: Connection): void {
    this.#connection = connection;
  }

  /** Has no connection any more. Returns the transport of the one that there was; `isAlive`: its client lives. */
  release(isAlive: boolean): Transport | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.release(isAlive);
    return connection?.transport;
  }

  /** As `release`; what the connection had not taken is for the next one. */
  takeBack(): Transport | undefined {
    const transport = this.release(false);
    if (transport !== undefined) this.#outbox?.giveBack(transport.unwritten());
    return transport;
  }

  /** Whether a client that has `n` messages can go on from there. */
  reaches(n: number): boolean {
    return !this.#isLost && this.#outbox?.reaches(n) === true;
  }

  /** The client has `n` messages: needs `reaches(n)`. Returns how many bytes will be written once more. */
  rewind(n: number): number {
    return this.#outbox?.rewind(n) ?? 0;
  }

  /** Undefined: it cannot go on anywhere. */
  export(): OutboxExport | undefined {
    return this.#isLost ? undefined : this.#outbox?.export();
  }

  /** To be called with each heartbeat of the connection. */
  beat(now: number): void {
    if (this.#outbox === undefined) return;
    this.#outbox.age(now);
    if (this.#connection?.transport.unwritten() !== 0) this.#connection?.expectDrain();
  }

  // ---- what is on its way ----

  /** True: it is to be written when this turn ends. */
  push(frames: readonly EncodedFrame[]): boolean {
    if (this.#isLost || frames.length === 0) return false;
    const outbox = this.#outbox;
    if (outbox !== undefined) outbox.push(frames);
    else this.#out.push(frames);
    const isAttached = this.#connection !== undefined;
    if (!isAttached && outbox !== undefined) {
      outbox.trim(0);
      this.#isLost = outbox.isOver;
    }
    if (this.#isDue || (!isAttached && !this.#isLost)) return false;
    this.#isDue = true;
    return true;
  }

  /** False: more waits for the connection than is kept for it. */
  write(): boolean {
    this.#isDue = false;
    if (this.#connection === undefined) return true;
    if (this.#outbox === undefined) return this.#writeAll(this.#connection.transport);
    return this.#writeFrom(this.#outbox, this.#connection);
  }

  /** Whether an answer of that size fits beside what its client has not taken yet. */
  hasRoomFor(bytes: number): boolean {
    const unwritten = this.#connection?.transport.unwritten() ?? 0;
    if (this.#outbox !== undefined) return this.#outbox.hasRoomFor(bytes, unwritten);
    // What this turn has for it counts too: several answers may come in one.
    const due = this.#out.flat().reduce((sum, frame) => sum + frame.bytes.length, 0);
    return unwritten + due + bytes <= limits.unwrittenBytes;
  }

  #writeAll(transport: Transport): boolean {
    const [first, ...others] = this.#out;
    // What was written too much is told to everybody who writes, until it is taken.
    if (first === undefined) return transport.unwritten() <= limits.unwrittenBytes;
    this.#out = [];
    transport.write(others.length === 0 ? first : [first, ...others].flat());
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
