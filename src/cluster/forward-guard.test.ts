import test from 'ava';
import type { Clock } from '../core/ports.ts';
import { limits } from '../protocol/limits.ts';
import { ForwardGuard, maxUnderWay } from './forward-guard.ts';

const one = { frames: 1, bytes: 10 };
const done = async (): Promise<'done'> => 'done';

/** A guard and its time, which a test moves. */
function stand(hasCap = true): { guard: ForwardGuard; time: { now: number } } {
  const time = { now: 5_000 };
  const clock = { now: () => time.now } as Partial<Clock> as Clock;
  return { guard: new ForwardGuard(clock, hasCap), time };
}

test('as many frames and bytes of a user are passed on in a second as the owner would take', async (t) => {
  const { guard, time } = stand();
  const all = { frames: limits.rawFramesPerSecond, bytes: limits.rawBytesPerSecond };
  t.is(await guard.pass(1, all, done), 'done');
  t.is(await guard.pass(1, { frames: 0, bytes: 0 }, done), 'flooding');
  t.is(await guard.pass(2, one, done), 'done', 'others are not held back');
  time.now += 1_000;
  t.is(await guard.pass(1, one, done), 'done');
  t.is(await guard.pass(1, { frames: 1, bytes: limits.rawBytesPerSecond }, done), 'flooding');
});

test('a user has a bounded number of requests under way, whatever comes of them', async (t) => {
  const { guard } = stand(false);
  const ends: (() => void)[] = [];
  const underWay = Array.from({ length: maxUnderWay }, (_, n) =>
    guard.pass(1, one, async () => {
      await new Promise<void>((resolve) => ends.push(resolve));
      if (n % 2 === 0) throw new Error('silent');
      return 'done';
    }),
  );
  t.is(await guard.pass(1, one, done), 'flooding');
  t.is(await guard.pass(2, one, done), 'done');
  for (const end of ends) end();
  await Promise.allSettled(underWay);
  const many = Array.from({ length: maxUnderWay }, () => guard.pass(1, one, done));
  t.deepEqual(new Set(await Promise.all(many)), new Set(['done']));
});

test('without rate limits only what is under way is bounded', async (t) => {
  const { guard } = stand(false);
  t.is(await guard.pass(1, { frames: limits.rawFramesPerSecond + 1, bytes: 0 }, done), 'done');
  t.is(await guard.pass(1, one, done), 'done');
});
