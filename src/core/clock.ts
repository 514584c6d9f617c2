/** The real clock and real chance, for the composition root. */
import { randomBytes } from 'node:crypto';
import type { Clock, RandomText } from './ports.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  endOfTurn: (run) => {
    setImmediate(run);
  },
};

export const randomText: RandomText = (bytes) => randomBytes(bytes).toString('base64url');
