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

/** Random bytes drawn at once: each drawing is a call to the system, a thirtieth of what a connect costs. */
const poolBytes = 4096;
let pool = Buffer.alloc(0);
let taken = 0;

export const randomText: RandomText = (bytes) => {
  if (bytes > pool.length - taken) {
    pool = randomBytes(Math.max(poolBytes, bytes));
    taken = 0;
  }
  taken += bytes;
  const text = pool.toString('base64url', taken - bytes, taken);
  // What was given away is a secret of its holder.
  pool.fill(0, taken - bytes, taken);
  return text;
};
