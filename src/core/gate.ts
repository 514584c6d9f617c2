/**
 * The ordering gate of one room: lets message n+1 pass only after n, whatever order they come in. It must not know
 * members or frames. States: `open` (everything up to `position` has passed) and `filling` (a hole is being read
 * from the store; what comes meanwhile waits). An id that the store does not have was deleted: the gate passes it.
 */
import type { Clock, StoredMessage } from './ports.ts';

/** Messages read at once while a hole is filled. */
const fillChunk = 500;
/** Waiting time before a failed read is tried again: the store is away, and one look a second does not burden it. */
const fillRetryMs = 1000;
/** Messages that may wait above a hole; beyond them they are dropped and read from the store with the hole. */
const maxWaiting = 2000;

/** A message with what only its sender's connection needs to know. */
export type Passing<Origin> = { message: StoredMessage; origin: Origin | undefined };

export type GateOptions<Origin> = {
  clock: Clock;
  /** The last id that counts as passed. */
  position: number;
  /** The messages with `from` <= id <= `to`, ascending, at most `limit`. */
  read: (from: number, to: number, limit: number) => Promise<StoredMessage[]>;
  /** Receives each message once, ids ascending. */
  release: (passing: Passing<Origin>) => void;
};

export class OrderingGate<Origin> {
  readonly #options: GateOptions<Origin>;
  readonly #waiting = new Map<number, Passing<Origin>>();
  #position: number;
  /** The highest id known to be stored. */
  #known: number;
  #filling = false;
  #closed = false;

  constructor(options: GateOptions<Origin>) {
    this.#options = options;
    this.#position = options.position;
    this.#known = options.position;
  }

  /** The last id that has passed. */
  get position(): number {
    return this.#position;
  }

  /** A stored message comes. False: it has passed already, as one that was read from the store, and is dropped. */
  offer(passing: Passing<Origin>): boolean {
    const { id } = passing.message;
    if (this.#closed) return true;
    if (id <= this.#position) return false;
    this.#known = Math.max(this.#known, id);
    if (id === this.#position + 1 && !this.#filling) {
      this.#pass(passing);
      this.#drain();
      return true;
    }
    if (this.#waiting.size < maxWaiting) this.#waiting.set(id, passing);
    this.#fill();
    return true;
  }

  /** The store says that ids up to `lastId` were given: what has not come by itself is read. */
  catchUp(lastId: number): void {
    if (this.#closed || lastId <= this.#known) return;
    this.#known = lastId;
    this.#fill();
  }

  close(): void {
    this.#closed = true;
    this.#waiting.clear();
  }

  #pass(passing: Passing<Origin>): void {
    this.#position = passing.message.id;
    this.#options.release(passing);
  }

  #drain(): void {
    for (
      let next = this.#waiting.get(this.#position + 1);
      next !== undefined;
      next = this.#waiting.get(this.#position + 1)
    ) {
      this.#waiting.delete(next.message.id);
      this.#pass(next);
    }
  }

  #fill(): void {
    if (this.#filling || this.#closed) return;
    this.#drain();
    if (this.#position >= this.#known) return;
    this.#filling = true;
    const from = this.#position + 1;
    // Up to the first message that waits; the rest needs no reading.
    const to = Math.min(this.#known, ...this.#lowestWaiting());
    this.#options.read(from, to, fillChunk).then(
      (messages) => this.#filled(to, messages),
      () => {
        this.#options.clock.after(fillRetryMs, () => {
          this.#filling = false;
          this.#fill();
        });
      },
    );
  }

  #filled(to: number, messages: readonly StoredMessage[]): void {
    this.#filling = false;
    if (this.#closed) return;
    const last = messages.at(-1)?.id ?? to;
    const found = new Map(messages.map((message) => [message.id, message]));
    // A full chunk says nothing of what follows it; a short one says that the other ids of the hole were deleted.
    const end = messages.length < fillChunk ? to : last;
    while (this.#position < end) {
      const id = this.#position + 1;
      const message = found.get(id);
      const passing = this.#waiting.get(id) ?? (message === undefined ? undefined : { message, origin: undefined });
      this.#waiting.delete(id);
      if (passing === undefined) this.#position = id;
      else this.#pass(passing);
    }
    this.#fill();
  }

  #lowestWaiting(): number[] {
    let lowest = Number.POSITIVE_INFINITY;
    for (const id of this.#waiting.keys()) lowest = Math.min(lowest, id);
    return Number.isFinite(lowest) ? [lowest - 1] : [];
  }
}
