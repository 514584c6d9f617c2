/** Deletes what is no longer needed, at the start and then each hour. A failure is said and tried again the next hour. */
import type { Clock, Storage } from './ports.ts';

const intervalMs = 3_600_000;
/** Changes live this long; a server that was away longer loads everything anew. */
const keepChangesMs = 24 * 3_600_000;
/** An expired token is kept this long, so that its owner reads "expired" and not "unknown". */
const keepExpiredTokensMs = 30 * 24 * 3_600_000;

export type HousekeepingOptions = {
  storage: Pick<Storage, 'changes' | 'tokens' | 'rooms'>;
  clock: Clock;
  log: { warn(details: object, sentence: string): void };
};

export interface Housekeeping {
  /** A room was just deleted: its messages need not wait for the hour. Returns at once; one purge runs at a time. */
  purgeRooms(): void;
  /** Breaks off what is under way and resolves when it has ended. */
  close(): Promise<void>;
}

/** Begins at once. */
export function startHousekeeping({ storage, clock, log }: HousekeepingOptions): Housekeeping {
  const abort = new AbortController();
  let cancel: () => void = () => {};
  let running: Promise<void> = Promise.resolve();
  let purging: Promise<void> = Promise.resolve();
  let isPurgeWaiting = false;

  /** A purge under way may have looked for rooms already, so one more follows it, for all who ask meanwhile. */
  function purgeRooms(): Promise<void> {
    if (isPurgeWaiting) return purging;
    isPurgeWaiting = true;
    const purge = async (): Promise<void> => {
      isPurgeWaiting = false;
      if (!abort.signal.aborted) await storage.rooms.purge(abort.signal);
    };
    purging = purging.then(purge, purge);
    return purging;
  }

  function warn(error: unknown, sentence: string): void {
    if (!abort.signal.aborted) log.warn({ err: error }, sentence);
  }

  async function clean(): Promise<void> {
    try {
      await storage.changes.prune(clock.now() - keepChangesMs);
      await storage.tokens.deleteExpired(clock.now() - keepExpiredTokensMs);
      await purgeRooms();
    } catch (error: unknown) {
      warn(error, 'Old rows could not be deleted; it is tried again in an hour.');
    }
    if (!abort.signal.aborted) cancel = clock.after(intervalMs, run);
  }

  function run(): void {
    running = clean();
  }

  run();
  return {
    purgeRooms() {
      purgeRooms().catch((error: unknown) => {
        warn(error, 'The messages of a deleted room could not be deleted; it is tried again within an hour.');
      });
    },
    async close() {
      abort.abort();
      cancel();
      await running;
      await purging.catch(() => {});
    },
  };
}
