/**
 * The message log: group commit between the sessions and the message store. It owns the queue, the retries and the
 * verdict on each message; it knows no table, no room's members and no connection.
 *
 * One batch is under way at a time. What arrives in one turn of the event loop, or until the turn after a batch was
 * shown, forms the next one. A failed batch is dealt with before any other, by the kind of its StoreError:
 *   busy, unavailable  nothing was done: tried again after a short wait
 *   unknown            perhaps done: tried again with the same refs; rows found there are this batch's own
 *   rejected           split, until the guilty message stands alone and is answered `unavailable`
 *   fenced             this node was marked dead: everything that waits is answered `unavailable`, as is what was taken
 *                      in the name of a node that is not this one any more
 * So ids are answered in ascending order, and a message is never stored twice.
 */
import type { AppendOutcome, Clock, MessageStore, NewMessage, RandomText } from './ports.ts';
import { StoreError } from './ports.ts';

/** What the log lets wait, and for how long. */
export const messageLogLimits = {
  /** Messages of one user that wait: what a client within its rate can have under way, and a fair share of the queue. */
  perUser: 256,
  /** Messages that wait in all: with bodies of 4,096 characters at most about 80 MB. */
  inAll: 10_000,
  /** Messages in one batch: on SQLite a commit stops the event loop, and 500 rows take about 10 ms. */
  batchMessages: 500,
  /** Rooms whose highest id is remembered: for longer than a retry takes, at 500 messages a batch; less than 1 MB. */
  rooms: 10_000,
  /** Characters of bodies in one batch (one message at least), for the same reason. */
  batchCharacters: 524_288,
  /**
   * After so long a message that a failing store did not take is answered `unavailable`, when the attempt under way has
   * ended: clients that get no answer resend by then.
   */
  deadlineMs: 10_000,
  /** Longest wait after `busy`: others hold the lock for less than 50 ms at a time. */
  busyWaitMs: 20,
  /** Longest first wait after a lost connection; doubled after each failure in a row. */
  outageWaitMs: 50,
  /** Longest wait in an outage: a store that is back is noticed within a second. */
  outageWaitMaxMs: 1_000,
} as const;

export type LogEntry = {
  roomId: number;
  userId: number;
  body: string;
  /** The client's idempotency key, 1–64 characters. */
  ref?: string;
};

export type LogOutcome =
  /** Committed now, once: to be shown. `createdAt` is the message's time. */
  | { status: 'stored'; id: number; createdAt: number }
  | Exclude<AppendOutcome, { status: 'stored' }>
  /** Not known to be stored: the same ref may be sent again. */
  | { status: 'unavailable' };

export interface MessageLog {
  /**
   * Takes a message; `done` gets its outcome, once. Never throws. Outcomes of one batch come in one go, synchronously, in
   * the order of the appends: those that are `stored` have ascending ids in each room. Beyond a limit or after `close`,
   * `done` is called with `unavailable` before this returns.
   */
  append(entry: LogEntry, done: (outcome: LogOutcome) => void): void;
  /** Messages that have no outcome yet. */
  readonly pending: number;
  /** Resolves when nothing is pending. */
  idle(): Promise<void>;
  /** Refuses new messages and resolves when the pending ones have their outcomes. */
  close(): Promise<void>;
}

export type MessageLogOptions = {
  store: Pick<MessageStore, 'append'>;
  clock: Clock;
  random: RandomText;
  log?: { warn(details: object, sentence: string): void; error(details: object, sentence: string): void };
  /** In whose name messages are stored; undefined: this node is alone. */
  node?: () => string | undefined;
  /** Nothing is stored in the name of `node` any more. */
  onFenced?: (node: string) => void;
  /** Messages of these rooms were answered `unavailable` and may nevertheless be stored, now or a little later. */
  onAbandoned?: (roomIds: number[]) => void;
};

type Waiting = {
  readonly message: NewMessage;
  readonly done: (outcome: LogOutcome) => void;
  /** In whose name it was taken. */
  readonly node: string | undefined;
  /** An attempt ended without saying whether the message was stored. */
  inDoubt: boolean;
};

export function createMessageLog(options: MessageLogOptions): MessageLog {
  const { store, clock, random, log, onAbandoned } = options;
  const makeRef = refMaker(random);
  const queue: Waiting[] = [];
  /** Parts of the batch under way that have no outcome yet, in order. */
  const parts: Waiting[][] = [];
  const pendingOf = new Map<number, number>();
  /** The highest id answered `stored`, by room; of so many rooms. */
  const lastStored = new Map<number, number>();
  let pending = 0;
  let failures = 0;
  let closed = false;
  let running = false;
  let waitingForIdle: (() => void)[] = [];

  function append(entry: LogEntry, done: (outcome: LogOutcome) => void): void {
    const ofUser = pendingOf.get(entry.userId) ?? 0;
    if (closed || pending >= messageLogLimits.inAll || ofUser >= messageLogLimits.perUser) {
      guard(() => done({ status: 'unavailable' }));
      return;
    }
    pending++;
    pendingOf.set(entry.userId, ofUser + 1);
    const { roomId, userId, body, ref = makeRef() } = entry;
    const message = { roomId, userId, body, ref, createdAt: clock.now() };
    queue.push({ message, done, node: options.node?.(), inDoubt: false });
    if (running) return;
    running = true;
    clock.endOfTurn(() => void run());
  }

  async function run(): Promise<void> {
    for (;;) {
      const taken = parts.shift() ?? takeBatch(queue);
      if (taken.length === 0) break;
      const node = options.node?.();
      // A session that ended with its node says nothing in the name of the next one.
      giveUp(taken.filter((waiting) => waiting.node !== node));
      const batch = taken.filter((waiting) => waiting.node === node);
      if (batch.length === 0) continue;
      const result = await attempt(batch, node);
      if (result.ok) {
        failures = 0;
        batch.forEach((waiting, index) => settle(waiting, verdict(waiting, result.outcomes[index])));
        // Not before these are shown and what their senders say next has been read: else the senders of a busy room fall
        // into two halves that wait for each other's batches, with twice the commits, and twice the writes to each member.
        await endOfTurn(clock);
        await endOfTurn(clock);
      } else {
        await handleFailure(batch, result.error, node);
      }
    }
    running = false;
    const resolves = waitingForIdle;
    waitingForIdle = [];
    for (const resolve of resolves) resolve();
  }

  async function attempt(
    batch: readonly Waiting[],
    node: string | undefined,
  ): Promise<{ ok: true; outcomes: readonly AppendOutcome[] } | { ok: false; error: unknown }> {
    try {
      const messages = batch.map((waiting) => waiting.message);
      const outcomes = await store.append(messages, node);
      if (outcomes.length !== batch.length) throw new Error('The store did not answer each message of a batch.');
      return { ok: true, outcomes };
    } catch (error) {
      return { ok: false, error };
    }
  }

  async function handleFailure(batch: Waiting[], error: unknown, node: string | undefined): Promise<void> {
    const kind = error instanceof StoreError ? error.kind : undefined;
    // An error that is none of the store's says nothing about what was done.
    if (kind === 'unknown' || kind === undefined) for (const waiting of batch) waiting.inDoubt = true;
    if (kind === 'rejected' || kind === undefined) {
      divide(batch, error);
      return;
    }
    if (kind === 'fenced') {
      giveUp([...batch, ...parts.splice(0).flat(), ...queue.splice(0)]);
      if (node !== undefined) guard(() => options.onFenced?.(node));
      return;
    }
    // `conflict`: another writer stored one of the refs at the same time; the next attempt finds it.
    const isShort = kind === 'busy' || kind === 'conflict';
    if (!isShort) failures++;
    if (!isShort && failures === 1)
      log?.warn({ err: error, messages: batch.length }, 'Messages could not be stored; trying again.');
    await wait(isShort ? messageLogLimits.busyWaitMs : outageWait(failures));
    const latest = clock.now() - messageLogLimits.deadlineMs;
    giveUp(takeOlder(batch, latest));
    if (batch.length > 0) parts.unshift(batch);
    else giveUp(takeOlder(queue, latest));
  }

  /** Halves a rejected batch; a message alone is the guilty one. */
  function divide(batch: Waiting[], error: unknown): void {
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      const { roomId, userId } = only.message;
      log?.error({ err: error, roomId, userId }, 'A message was refused by the store; its sender was told.');
      giveUp(batch);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    parts.unshift(batch.slice(0, half), batch.slice(half));
  }

  /**
   * The store's outcome as the session must see it. A `repeat` is the message's own first attempt, to be shown, when that
   * attempt was in doubt, the row has its time, and the row is newer than all that was shown from here: a message that
   * the client had sent before, and now sent again, has an older time, or an id that was shown.
   */
  function verdict({ message, inDoubt }: Waiting, outcome: AppendOutcome | undefined): LogOutcome {
    if (outcome === undefined) return { status: 'unavailable' };
    const isOwn =
      outcome.status === 'repeat' &&
      inDoubt &&
      outcome.createdAt === message.createdAt &&
      outcome.id > (lastStored.get(message.roomId) ?? 0);
    if (outcome.status === 'room-gone') lastStored.delete(message.roomId);
    if (outcome.status !== 'stored' && !isOwn) return outcome;
    lastStored.set(message.roomId, outcome.id);
    if (lastStored.size > messageLogLimits.rooms) {
      const [oldest = message.roomId] = lastStored.keys();
      lastStored.delete(oldest);
    }
    return { status: 'stored', id: outcome.id, createdAt: message.createdAt };
  }

  function settle(waiting: Waiting, outcome: LogOutcome): void {
    const { userId } = waiting.message;
    pending--;
    const left = (pendingOf.get(userId) ?? 1) - 1;
    if (left === 0) pendingOf.delete(userId);
    else pendingOf.set(userId, left);
    guard(() => waiting.done(outcome));
  }

  /** A listener that throws must not cost the others their outcomes. */
  function guard(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      log?.error({ err: error }, 'The outcome of a message could not be handled.');
    }
  }

  function giveUp(given: readonly Waiting[]): void {
    if (given.length === 0) return;
    log?.warn({ messages: given.length }, 'Messages were answered "unavailable": the store did not take them.');
    for (const waiting of given) settle(waiting, { status: 'unavailable' });
    const roomIds = new Set(given.filter((waiting) => waiting.inDoubt).map((waiting) => waiting.message.roomId));
    if (roomIds.size > 0) guard(() => onAbandoned?.([...roomIds]));
  }

  function wait(longestMs: number): Promise<void> {
    // Full jitter: nodes that failed together do not come back together.
    const fraction = (Buffer.from(random(1), 'base64url')[0] ?? 0) / 256;
    return new Promise((resolve) => {
      clock.after(1 + fraction * longestMs, resolve);
    });
  }

  function idle(): Promise<void> {
    return running ? new Promise((resolve) => waitingForIdle.push(resolve)) : Promise.resolve();
  }

  return {
    append,
    idle,
    get pending() {
      return pending;
    },
    close() {
      closed = true;
      return idle();
    },
  };
}

/** Refs for messages that came without one: `~` and a random part of the process keep them apart from clients' and other nodes'. */
function refMaker(random: RandomText): () => string {
  const prefix = `~${random(16)}.`;
  let made = 0;
  return () => prefix + (made++).toString(36);
}

/** Takes the next batch off the front of the queue; empty when nothing waits. */
function takeBatch(queue: Waiting[]): Waiting[] {
  let messages = 0;
  let characters = 0;
  for (const { message } of queue) {
    characters += message.body.length;
    const isFull = messages === messageLogLimits.batchMessages || characters > messageLogLimits.batchCharacters;
    if (isFull && messages > 0) break;
    messages++;
  }
  return queue.splice(0, messages);
}

/** Takes those that came at `latest` or before off the front. */
function takeOlder(list: Waiting[], latest: number): Waiting[] {
  const firstYounger = list.findIndex((waiting) => waiting.message.createdAt > latest);
  return list.splice(0, firstYounger === -1 ? list.length : firstYounger);
}

function outageWait(failures: number): number {
  return Math.min(messageLogLimits.outageWaitMs * 2 ** Math.min(failures - 1, 10), messageLogLimits.outageWaitMaxMs);
}

function endOfTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.endOfTurn(resolve));
}
