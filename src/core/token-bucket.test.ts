import test from 'ava';
import fc from 'fast-check';
import { createTokenBuckets } from './token-bucket.ts';

function newBuckets(ratePerSecond: number, burst: number) {
  const clock = { time: 1_000_000, now: () => clock.time };
  return { clock, buckets: createTokenBuckets<string>({ ratePerSecond, burst, clock }) };
}

test('a burst passes, the next one is told when to come back', (t) => {
  const { buckets, clock } = newBuckets(20, 100);
  for (let taken = 0; taken < 100; taken++) t.is(buckets.take('a'), 0);
  t.is(buckets.take('a'), 50);
  t.is(buckets.take('a'), 50, 'a refusal takes nothing');
  t.is(buckets.take('b'), 0, 'others are not held up');
  clock.time += 49;
  t.is(buckets.take('a'), 1);
  clock.time += 1;
  t.is(buckets.take('a'), 0);
  t.is(buckets.take('a'), 50);
});

test('full buckets are forgotten', (t) => {
  const { buckets, clock } = newBuckets(20, 100);
  for (let user = 0; user < 1000; user++) buckets.take(`user ${user}`);
  t.is(buckets.size, 1000);
  clock.time += 5_001;
  buckets.take('somebody');
  t.is(buckets.size, 1);
});

test('a clock that is set back locks nobody out for longer than an empty bucket does', (t) => {
  const { buckets, clock } = newBuckets(10, 5);
  for (let taken = 0; taken < 5; taken++) buckets.take('a');
  clock.time -= 3_600_000;
  t.is(buckets.take('a'), 100);
  clock.time += 100;
  t.is(buckets.take('a'), 0);
});

test('it lets through what a bucket of tokens lets through', (t) => {
  const steps = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), waitMs: fc.integer({ min: 0, max: 300 }) }));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 10 }), steps, (rate, burst, sequence) => {
      const { buckets, clock } = newBuckets(rate, burst);
      const tokens = { a: { count: burst, at: clock.time }, b: { count: burst, at: clock.time } };
      for (const { key, waitMs } of sequence) {
        clock.time += waitMs;
        const bucket = tokens[key];
        bucket.count = Math.min(burst, bucket.count + ((clock.time - bucket.at) * rate) / 1000);
        bucket.at = clock.time;
        const isThere = bucket.count >= 1 - 1e-6;
        const retryAfterMs = buckets.take(key);
        if (isThere) bucket.count -= 1;
        t.is(retryAfterMs === 0, isThere);
        if (!isThere) t.true(Math.abs(retryAfterMs - ((1 - bucket.count) * 1000) / rate) <= 1.001);
      }
    }),
  );
});

test('what was taken elsewhere is owed here, and never more than a whole bucket', (t) => {
  const there = newBuckets(20, 100);
  const here = newBuckets(20, 100);
  t.is(there.buckets.debtMs('a'), 0);
  for (let taken = 0; taken < 100; taken++) there.buckets.take('a');
  t.is(there.buckets.debtMs('a'), 5000);
  here.buckets.owe('a', there.buckets.debtMs('a'));
  here.buckets.owe('a', 10);
  t.is(here.buckets.take('a'), 50);
  here.buckets.owe('b', 1_000_000);
  t.is(here.buckets.debtMs('b'), 5000);
  here.buckets.owe('c', 0);
  t.is(here.buckets.size, 2);
});
