/**
 * A bounded queue in which nobody can keep others waiting: work of one key waits behind that key's own work, and the
 * keys take turns. When the queue is full, a newcomer displaces the newest work of the key that has most waiting.
 */
import { Overloaded } from './errors.ts';

export type FairQueueOptions = {
  /** Work under way at the same time. */
  concurrency: number;
  /** Work under way at the same time for one key; `concurrency` if left out. */
  perKey?: number;
  /** Work that may wait. */
  maxQueued: number;
  /** What a refused caller is told. */
  retryAfterMs: number;
};

export interface FairQueue {
  /** Runs `work` in its turn. Rejects with `Overloaded` without having run it, at once or while it waits. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>;
}

/** The waiting work of one key, oldest first. Keys stand in a map in the order of their next turns. */
type Job = { start: () => void; refuse: () => void };
type Lane = { waiting: Job[]; running: number };

export function createFairQueue(options: FairQueueOptions): FairQueue {
  const { concurrency, perKey = concurrency, maxQueued, retryAfterMs } = options;
  const lanes = new Map<string, Lane>();
  let running = 0;
  let queued = 0;

  /** Begins what may begin, one job of a key and then the next key's. */
  function next(): void {
    for (const [key, lane] of lanes) {
      if (running >= concurrency) return;
      if (lane.running >= perKey) continue;
      const job = lane.waiting.shift();
      if (job === undefined) continue;
      queued -= 1;
      running += 1;
      lane.running += 1;
      // Its next turn comes after all others'; a walk over a map reaches what is put behind.
      lanes.delete(key);
      lanes.set(key, lane);
      job.start();
    }
  }

  /**
   * The place is free from the next turn of the event loop on: work that never leaves its turn, taken up by each request
   * that arrives in that turn, would keep all others from it.
   */
  function end(key: string, lane: Lane): void {
    setImmediate(() => {
      running -= 1;
      lane.running -= 1;
      if (lane.running === 0 && lane.waiting.length === 0) lanes.delete(key);
      next();
    });
  }

  /** Makes room by refusing the newest work of the longest lane; false: that lane is the newcomer's own. */
  function displace(newcomer: Lane): boolean {
    let longest = newcomer;
    for (const lane of lanes.values()) if (lane.waiting.length > longest.waiting.length + 1) longest = lane;
    if (longest === newcomer) return false;
    queued -= 1;
    longest.waiting.pop()?.refuse();
    return true;
  }

  return {
    run<T>(key: string, work: () => Promise<T>): Promise<T> {
      const lane = lanes.get(key) ?? { waiting: [], running: 0 };
      const isFull = queued >= maxQueued && (running >= concurrency || lane.running >= perKey);
      if (isFull && !displace(lane)) return Promise.reject(new Overloaded(retryAfterMs));
      lanes.set(key, lane);
      return new Promise<T>((resolve, reject) => {
        queued += 1;
        lane.waiting.push({
          start: () =>
            void work()
              .then(resolve, reject)
              .finally(() => end(key, lane)),
          refuse: () => reject(new Overloaded(retryAfterMs)),
        });
        next();
      });
    },
  };
}
