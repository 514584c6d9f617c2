/**
 * Lets so many calls through at once and the others wait, in order: so a crowd of one kind leaves connections of the
 * pool to everybody else.
 */
import { StoreError } from '../core/ports.ts';

export type Turnstile = <T>(call: () => Promise<T>) => Promise<T>;

/** As long as a call waits for a connection: whoever has waited longer is turned away when its turn comes. */
const longestWaitMs = 5000;

export function createTurnstile(places: number): Turnstile {
  /** Those who wait, oldest first: a set, because an array's front is slow to take from. */
  const waiting = new Set<() => void>();
  let inside = 0;

  const leave = (): void => {
    const [next] = waiting;
    if (next === undefined) inside -= 1;
    else {
      // Its place is handed on.
      waiting.delete(next);
      next();
    }
  };

  return async (call) => {
    if (inside < places) inside += 1;
    else {
      const since = performance.now();
      await new Promise<void>((resolve) => waiting.add(resolve));
      if (performance.now() - since > longestWaitMs) {
        leave();
        throw new StoreError('unavailable', 'The database has too much to do.');
      }
    }
    try {
      return await call();
    } finally {
      leave();
    }
  };
}
