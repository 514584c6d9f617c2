/** Time that stands still until a test moves it: for waits of seconds that a test wants to see and not to sit out. */
import { systemClock } from '../../src/core/clock.ts';
import type { Clock } from '../../src/core/ports.ts';

export type ManualTimers = {
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  now(): number;
  /** Milliseconds until each timer that is set, shortest first. */
  readonly waits: readonly number[];
  /** Moves time on and runs what falls due, in order, also what that sets in turn. */
  advance(ms: number): void;
};

export function createManualTimers(): ManualTimers {
  let time = 0;
  let count = 0;
  const timers = new Map<number, { due: number; run: () => void }>();
  const sorted = (): [number, { due: number; run: () => void }][] =>
    [...timers].sort(([, one], [, other]) => one.due - other.due);
  return {
    setTimeout(run, ms) {
      count += 1;
      timers.set(count, { due: time + ms, run });
      return count;
    },
    clearTimeout(handle) {
      timers.delete(handle as number);
    },
    now: () => time,
    get waits() {
      return sorted().map(([, { due }]) => due - time);
    },
    advance(ms) {
      const end = time + ms;
      for (;;) {
        const [next] = sorted();
        if (next === undefined || next[1].due > end) break;
        time = Math.max(time, next[1].due);
        timers.delete(next[0]);
        next[1].run();
      }
      time = end;
    },
  };
}

export type StandingClock = Clock & { advance(ms: number): void };

/** A clock of such a time. However long a loaded machine takes, nothing falls due meanwhile. */
export function createStandingClock(): StandingClock {
  const timers = createManualTimers();
  return {
    now: () => 1_000_000 + timers.now(),
    after(ms, run) {
      const timer = timers.setTimeout(run, ms);
      return () => timers.clearTimeout(timer);
    },
    endOfTurn: (run) => systemClock.endOfTurn(run),
    advance: (ms) => timers.advance(ms),
  };
}
