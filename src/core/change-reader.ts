/**
 * Follows the `changes` table: what the command line, or another part of this process, changed takes effect here within
 * a second. Owns the place in the table; what a change means is the caller's.
 */
import type { Change, ChangeStore, Clock } from './ports.ts';

/** Without a hint the table is read this often: the contract promises a second. */
const pollMs = 500;
/** Changes read at once. */
const chunk = 200;

export type ChangeReaderOptions = {
  store: Pick<ChangeStore, 'latestId' | 'readAfter'>;
  clock: Clock;
  /** Must not throw. */
  apply: (change: Change) => void;
  /** Loads everything anew, because the place in the table is lost. */
  reload: () => Promise<void>;
  /** Runs with every look, for what else is looked at each second. */
  alongside: () => Promise<void>;
  log: { warn(details: object, sentence: string): void };
};

export interface ChangeReader {
  /** Reads what is there now. Calls at the same time share one reading that began after the call. Rejects with StoreError. */
  read(): Promise<void>;
  close(): void;
}

/** Begins after change `startId`, which was read before anything was loaded. */
export function createChangeReader(options: ChangeReaderOptions, startId: number): ChangeReader {
  const { store, clock, apply, reload, alongside, log } = options;
  let place = startId;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let isClosed = false;
  let isFailing = false;
  let cancel: () => void = () => {};

  async function readAll(): Promise<void> {
    for (;;) {
      const { changes, lost } = await store.readAfter(place, chunk);
      if (lost) {
        const latest = await store.latestId();
        await reload();
        // Only now: a reload that fails is tried again with the next reading.
        place = latest;
        return;
      }
      for (const { id, change } of changes) {
        apply(change);
        place = id;
      }
      if (changes.length < chunk) return;
    }
  }

  function start(): Promise<void> {
    running = readAll().finally(() => {
      running = undefined;
    });
    return running;
  }

  function read(): Promise<void> {
    // The reading under way may have passed the row already: one more follows it, shared by all who ask until it begins.
    if (next === undefined && running !== undefined) next = running.then(begin, begin);
    return next ?? start();
  }

  function begin(): Promise<void> {
    next = undefined;
    return start();
  }

  async function look(): Promise<void> {
    try {
      await read();
      await alongside();
      isFailing = false;
    } catch (error: unknown) {
      if (!isFailing) log.warn({ err: error }, 'The changes could not be read; it is tried again.');
      isFailing = true;
    }
    schedule();
  }

  function schedule(): void {
    if (isClosed) return;
    cancel = clock.after(pollMs, () => {
      void look();
    });
  }

  schedule();
  return {
    read,
    close() {
      isClosed = true;
      cancel();
    },
  };
}
