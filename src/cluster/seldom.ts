/** Runs things that would repeat, at most once in a while each: what others send must not fill the log. */
import type { Clock } from '../core/ports.ts';

const onceAMinuteMs = 60_000;
/** Different names at once; beyond, nothing is run until one has waited long enough. */
const maxNames = 100;

export type Seldom = (name: string, run: () => void) => void;

export function createSeldom(clock: Pick<Clock, 'now'>, intervalMs: number = onceAMinuteMs): Seldom {
  const last = new Map<string, number>();
  return (name, run) => {
    const now = clock.now();
    for (const [oldest, at] of last) {
      if (at > now - intervalMs && at <= now) break;
      last.delete(oldest);
    }
    if (last.has(name) || last.size >= maxNames) return;
    last.set(name, now);
    run();
  };
}
