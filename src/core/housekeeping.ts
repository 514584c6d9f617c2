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

/** Begins at once. `close` breaks off what is under way and resolves when it has ended. */
export function startHousekeeping({ storage, clock, log }: HousekeepingOptions): { close(): Promise<void> } {
  const abort = new AbortController();
  let cancel: () => void = () => {};
  let running: Promise<void> = Promise.resolve();

  async function clean(): Promise<void> {
    try {
      await storage.changes.prune(clock.now() - keepChangesMs);
      await storage.tokens.deleteExpired(clock.now() - keepExpiredTokensMs);
      await storage.rooms.purge(abort.signal);
    } catch (error: unknown) {
      if (!abort.signal.aborted)
        log.warn({ err: error }, 'Old rows could not be deleted; it is tried again in an hour.');
    }
    if (!abort.signal.aborted) cancel = clock.after(intervalMs, run);
  }

  function run(): void {
    running = clean();
  }

  run();
  return {
    async close() {
      abort.abort();
      cancel();
      await running;
    },
  };
}
