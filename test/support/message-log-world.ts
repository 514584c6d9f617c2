/** A message log over a store that fails as a script says, for tests of what it makes of that. */
import { createMessageLog, type LogEntry, type LogOutcome, type MessageLog } from '../../src/core/message-log.ts';
import type { AppendOutcome, Clock, MessageStore, NewMessage } from '../../src/core/ports.ts';
import { StoreError, type StoreErrorKind } from '../../src/core/ports.ts';

/** What the store does with one call. `lost`: never done; `done`: done, then the answer is lost; `late`: done before the next call. */
export type Fault = Exclude<StoreErrorKind, 'unknown'> | 'lost' | 'done' | 'late' | 'bug';
type Row = NewMessage & { id: number };

export type ScriptedStore = {
  store: Pick<MessageStore, 'append'>;
  rows: Row[];
  /** What it was asked to append, call by call. */
  batches: NewMessage[][];
  script: (Fault | undefined)[];
  /** Ids of rooms that are not there any more. */
  gone: Set<number>;
  /** Does what an answer was lost for, but which was not done yet. */
  flushLate: () => void;
};

export type TestLog = ScriptedStore & {
  clock: Clock & { time: number };
  log: MessageLog;
  abandoned: number[][];
  fencedNodes: string[];
  self: { node: string };
};

/** A store that keeps the contract of MessageStore.append, with faults in the order of a script. */
export function scriptedStore(script: (Fault | undefined)[] = []): ScriptedStore {
  const rows: Row[] = [];
  const batches: NewMessage[][] = [];
  const gone = new Set<number>();
  let late: NewMessage[] = [];
  const byRef = new Map<string, Row>();
  const lastIds = new Map<number, number>();
  const apply = (message: NewMessage): AppendOutcome => {
    const key = `${message.roomId}/${message.userId}/${message.ref}`;
    const known = byRef.get(key);
    if (gone.has(message.roomId)) return { status: 'room-gone' };
    if (known !== undefined && known.body !== message.body) return { status: 'ref-reused' };
    if (known !== undefined) return { status: 'repeat', id: known.id, createdAt: known.createdAt };
    const id = (lastIds.get(message.roomId) ?? 0) + 1;
    const row = { ...message, id };
    lastIds.set(message.roomId, id);
    byRef.set(key, row);
    rows.push(row);
    return { status: 'stored', id };
  };
  const flushLate = (): void => {
    for (const message of late) apply(message);
    late = [];
  };
  const store: Pick<MessageStore, 'append'> = {
    async append(batch) {
      flushLate();
      batches.push([...batch]);
      const fault = script.shift();
      await Promise.resolve();
      if (fault === 'done') for (const message of batch) apply(message);
      if (fault === 'late') late = [...batch];
      if (fault === 'bug') throw new TypeError('not a store error');
      if (fault === 'lost' || fault === 'done' || fault === 'late') throw new StoreError('unknown', 'connection broke');
      if (fault !== undefined) throw new StoreError(fault, fault);
      if (batch.some((message) => message.body.includes('poison'))) throw new StoreError('rejected', 'bad body');
      return batch.map(apply);
    },
  };
  return { store, rows, batches, script, gone, flushLate };
}

/** Time that passes only while somebody waits for it. */
export function jumpingClock(): Clock & { time: number } {
  const clock = {
    time: 1_000_000,
    now: () => clock.time,
    after(ms: number, run: () => void) {
      const handle = setImmediate(() => {
        clock.time += Math.ceil(ms);
        run();
      });
      return () => clearImmediate(handle);
    },
    endOfTurn: (run: () => void) => {
      setImmediate(run);
    },
  };
  return clock;
}

/** A log over such a store, and what it reports. */
export function newLog(script: (Fault | undefined)[] = []): TestLog {
  const clock = jumpingClock();
  const fake = scriptedStore(script);
  const abandoned: number[][] = [];
  const random = (bytes: number): string => Buffer.alloc(bytes, 200).toString('base64url');
  const fencedNodes: string[] = [];
  const self = { node: 'this node' };
  const messageLog = createMessageLog({
    ...fake,
    clock,
    random,
    node: () => self.node,
    onFenced: (node) => fencedNodes.push(node),
    onAbandoned: (roomIds) => abandoned.push(roomIds),
  });
  return { ...fake, clock, log: messageLog, abandoned, fencedNodes, self };
}

export function send(log: MessageLog, entry: Partial<LogEntry> = {}): Promise<LogOutcome> {
  return new Promise((resolve) => log.append({ roomId: 1, userId: 1, body: 'hello', ...entry }, resolve));
}

export const statuses = (outcomes: LogOutcome[]): string[] => outcomes.map((outcome) => outcome.status);
