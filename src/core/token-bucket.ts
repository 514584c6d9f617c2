/**
 * Token buckets, one a key: `burst` at once, `ratePerSecond` on average. A bucket is one number, the time at which it
 * will be full again (the generic cell rate algorithm, ITU-T I.371 annex A), so a full one is simply forgotten.
 */
import type { Clock } from './ports.ts';

export interface TokenBuckets<K> {
  /** Takes one token of the key's bucket: 0, or the milliseconds (1 at least) until there is one. A refusal takes nothing. */
  take(key: K): number;
  /** Whole milliseconds until the key's bucket is full again. */
  debtMs(key: K): number;
  /** The key's bucket is not full again before `ms` from now: as much was taken elsewhere. */
  owe(key: K, ms: number): void;
  /** Buckets remembered: of those keys that took a token within twice the time in which an empty bucket fills. */
  readonly size: number;
}

export function createTokenBuckets<K = number>(options: {
  ratePerSecond: number;
  burst: number;
  clock: Pick<Clock, 'now'>;
}): TokenBuckets<K> {
  const { burst, clock } = options;
  const msPerToken = 1000 / options.ratePerSecond;
  const fillMs = burst * msPerToken;
  const fullAt = new Map<K, number>();
  let nextSweep = clock.now() + fillMs;

  /** Forgets full buckets once in the time that one takes to fill: so a take costs little on average. */
  function sweep(now: number): void {
    // A clock that was set back must not put the sweep off.
    if (now < nextSweep && nextSweep - now <= fillMs) return;
    nextSweep = now + fillMs;
    for (const [key, time] of fullAt) if (time <= now) fullAt.delete(key);
  }

  return {
    take(key) {
      const now = clock.now();
      sweep(now);
      // Never more than empty, whatever the clock did.
      const from = Math.min(Math.max(fullAt.get(key) ?? now, now), now + fillMs);
      const excessMs = from + msPerToken - (now + fillMs);
      // Less than a thousandth of a millisecond is rounding.
      const isRefused = excessMs > 0.001;
      fullAt.set(key, isRefused ? from : from + msPerToken);
      return isRefused ? Math.ceil(excessMs) : 0;
    },
    debtMs: (key) => Math.ceil(Math.min(Math.max((fullAt.get(key) ?? 0) - clock.now(), 0), fillMs)),
    owe(key, ms) {
      const time = clock.now() + Math.min(ms, fillMs);
      if (ms > 0) fullAt.set(key, Math.max(fullAt.get(key) ?? 0, time));
    },
    get size() {
      return fullAt.size;
    },
  };
}
