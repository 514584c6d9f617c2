/**
 * The ordering gate of one room: lets message n+1 pass only after n, whatever order they come in, and what is held for a
 * position as soon as that has passed. It must not know members or frames. An id that the store does not have was
 * deleted: the gate passes it. States:
 * - `open`: everything up to `position` has passed.
 * - `patient`: a message is missing that is likely to come by itself; what comes in its turn passes.
 * - `filling`: a hole is being read from the store; what comes meanwhile waits.
 */
import type { Clock, StoredMessage } from './ports.ts';

/** Messages read at once while a hole is filled. */
const fillChunk = 500;
/** Waiting time before a failed read is tried again: the store is away, and one look a second does not burden it. */
const fillRetryMs = 1000;
/** Messages that may wait above a hole; beyond them they are dropped and read from the store with the hole. */
const maxWaiting = 2000;
/** Things that may be held for a position; beyond them the first is let go before its time. */
const maxHeld = 2000;

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
  /** Milliseconds in which a missing message is likely to come by itself; left out: it is not. */
  patienceMs?: () => number;
};

/** `closed`: the gate will never pass the position. */
type Held = { id: number; run: () => void; closed: (() => void) | undefined };

export class OrderingGate<Origin> {
  readonly #options: GateOptions<Origin>;
  readonly #waiting = new Map<number, Passing<Origin>>();
  #position: number;
  /** Up to here nothing was passed over but what the store has confirmed. */
  #sure: number;
  /** The highest id known to be stored. */
  #known: number;
  #state: 'open' | 'patient' | 'filling' = 'open';
  /** The position above which a message was missing when the patience began. */
  #awaited = 0;
  #cancelPatience: () => void = () => {};
  /** By position; those of one position in the order in which they came. */
  readonly #held: Held[] = [];
  #closed = false;

  constructor(options: GateOptions<Origin>) {
    this.#options = options;
    this.#position = options.position;
    this.#sure = options.position;
    this.#known = options.position;
  }

  /** The last id that has passed. */
  get position(): number {
    return this.#position;
  }

  /** What waits here: messages for those before them, and what other nodes say for its position. */
  get backlog(): number {
    return this.#waiting.size + this.#held.length;
  }

  /** A stored message comes. False: it has passed already, as one that was read from the store, and is dropped. */
  offer(passing: Passing<Origin>): boolean {
    const { id } = passing.message;
    if (this.#closed) return true;
    if (id <= this.#position) return false;
    this.#known = Math.max(this.#known, id);
    if (id === this.#position + 1 && this.#state !== 'filling') {
      this.#pass(passing);
      this.#drain();
      if (this.#state === 'patient') this.#settle();
      return true;
    }
    if (this.#waiting.size < maxWaiting) this.#waiting.set(id, passing);
    this.#settle();
    return true;
  }

  /** The store says that ids up to `lastId` were given: what has not come by itself is read. */
  catchUp(lastId: number): void {
    if (this.#closed || lastId <= this.#known) return;
    this.#known = lastId;
    this.#settle();
  }

  /**
   * The last id that the store has given, asked when the gate had come to `position`: what has not come by itself is read.
   * True: more had passed than there is, for whoever told of it was wrong; the gate went back to what it is sure of.
   */
  compare(position: number, lastId: number): boolean {
    const isAhead = position > lastId;
    if (!isAhead) this.#sure = Math.max(this.#sure, position);
    else if (this.#closed || this.#state !== 'open' || position !== this.#position) return false;
    else this.#position = this.#known = this.#sure = Math.min(this.#sure, lastId);
    this.catchUp(lastId);
    return isAhead;
  }

  /**
   * Runs `run` as soon as the message `id`, which is known to be stored, has passed, before the next one does. What is to
   * run after the same message runs in the order in which it came. `closed` runs instead when the gate closes first.
   */
  after(id: number, run: () => void, closed?: () => void): void {
    if (this.#closed) {
      closed?.();
      return;
    }
    if (id <= this.#position) {
      run();
      return;
    }
    let index = this.#held.length;
    while (index > 0 && (this.#held[index - 1] as Held).id > id) index -= 1;
    this.#held.splice(index, 0, { id, run, closed });
    if (this.#held.length > maxHeld) this.#held.shift()?.run();
    this.catchUp(id);
  }

  /** Those that wait for a message before them. */
  waiting(): Iterable<Passing<Origin>> {
    return this.#waiting.values();
  }

  close(): void {
    this.#closed = true;
    this.#cancelPatience();
    this.#waiting.clear();
    for (const { closed } of this.#held.splice(0)) closed?.();
  }

  #pass(passing: Passing<Origin>): void {
    if (this.#sure === this.#position) this.#sure = passing.message.id;
    this.#position = passing.message.id;
    this.#options.release(passing);
    if (this.#held.length > 0) this.#letGo();
  }

  #passOver(id: number): void {
    this.#position = id;
    if (this.#held.length > 0) this.#letGo();
  }

  #letGo(): void {
    while (this.#held[0] !== undefined && this.#held[0].id <= this.#position) this.#held.shift()?.run();
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

  /** Sees to what is missing below what is known. */
  #settle(patienceMs: number = this.#options.patienceMs?.() ?? 0): void {
    if (this.#state === 'filling' || this.#closed) return;
    this.#drain();
    if (this.#state === 'patient' && this.#position === this.#awaited) return;
    this.#cancelPatience();
    this.#state = 'open';
    if (this.#position >= this.#known) return;
    if (patienceMs === 0) {
      this.#fill();
      return;
    }
    this.#state = 'patient';
    this.#awaited = this.#position;
    this.#awaitMissing(patienceMs);
  }

  #awaitMissing(ms: number): void {
    const { clock } = this.#options;
    let isOver = false;
    const cancel = clock.after(ms, () => {
      // What has arrived while this process was busy is heard first.
      clock.endOfTurn(() => {
        if (!isOver) this.#fill();
      });
    });
    this.#cancelPatience = () => {
      isOver = true;
      cancel();
    };
  }

  #fill(): void {
    this.#state = 'filling';
    const from = this.#position + 1;
    // Up to the first message that waits; the rest needs no reading.
    const to = Math.min(this.#known, ...this.#lowestWaiting());
    this.#options.read(from, to, fillChunk).then(
      (messages) => this.#filled(to, messages),
      () => {
        this.#options.clock.after(fillRetryMs, () => {
          this.#state = 'open';
          this.#settle(0);
        });
      },
    );
  }

  #filled(to: number, messages: readonly StoredMessage[]): void {
    if (this.#closed) return;
    const last = messages.at(-1)?.id ?? to;
    const found = new Map(messages.map((message) => [message.id, message]));
    // A full chunk says nothing of what follows it; a short one says that the other ids of the hole were deleted.
    const isFull = messages.length === fillChunk;
    const end = isFull ? last : to;
    while (this.#position < end) {
      const id = this.#position + 1;
      const message = found.get(id);
      const passing = this.#waiting.get(id) ?? (message === undefined ? undefined : { message, origin: undefined });
      this.#waiting.delete(id);
      if (passing === undefined) this.#passOver(id);
      else this.#pass(passing);
    }
    this.#state = 'open';
    this.#settle(isFull ? 0 : undefined);
  }

  #lowestWaiting(): number[] {
    let lowest = Number.POSITIVE_INFINITY;
    for (const id of this.#waiting.keys()) lowest = Math.min(lowest, id);
    return Number.isFinite(lowest) ? [lowest - 1] : [];
  }
}
