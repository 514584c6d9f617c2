/**
 * The embedded bus: attempts counted in this process's memory. Bounded, because whoever tries many names or comes from
 * many addresses chooses how many keys there are.
 */
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { AttemptCounter } from '../core/ports.ts';

/** Keys remembered, those least recently counted forgotten first: some 30 MB at most. */
const maxKeysDefault = 100_000;

export function createMemoryAttemptCounter(options: { maxKeys?: number } = {}): AttemptCounter {
  // Limits and windows come with each count, so the limiter's own are never met.
  const limiter = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: 1 });
  const known = new LRUCache<string, true>({
    max: options.maxKeys ?? maxKeysDefault,
    dispose: (_value, key) => void limiter.delete(key),
  });
  return {
    async count(keys) {
      const counted = await Promise.all(
        keys.map(async ({ key, limit, windowMs }) => {
          known.set(key, true);
          const result = await limiter.penalty(key, 1, { customDuration: wholeSeconds(windowMs) });
          return { limit, consumed: result.consumedPoints, windowLeftMs: result.msBeforeNext };
        }),
      );
      return judge(counted);
    },
    async forget(keys) {
      for (const key of keys) known.delete(key);
    },
    async close() {
      known.clear();
    },
  };
}

/** Windows are whole seconds, as in Redis, rounded up. */
export function wholeSeconds(windowMs: number): number {
  return Math.max(1, Math.ceil(windowMs / 1000));
}

/** The verdict over all keys: refused if one is over its limit, until the last of those windows has ended. */
export function judge(counted: readonly { limit: number; consumed: number; windowLeftMs: number }[]): {
  allowed: boolean;
  retryAfterMs: number;
} {
  const over = counted.filter(({ limit, consumed }) => consumed > limit);
  const retryAfterMs = Math.max(0, ...over.map(({ windowLeftMs }) => Math.max(1, windowLeftMs)));
  return { allowed: over.length === 0, retryAfterMs };
}
