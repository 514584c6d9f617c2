import test from 'ava';
import fc from 'fast-check';
import { backoff, backoffDelay } from './backoff.ts';

test('a wait is anywhere between nothing and twice the bound of the wait before', (t) => {
  const bounds = [0, 1, 2, 3].map((attempt) => backoffDelay(attempt, () => 0.999_999));
  t.deepEqual(bounds, [499, 999, 1999, 3999]);
  t.is(
    backoffDelay(3, () => 0),
    0,
  );
});

test('no wait exceeds the cap, however often it was tried', (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, chance) => {
        const delay = backoffDelay(attempt, () => chance);
        return delay >= 0 && delay <= backoff.capMs;
      }),
    ),
  );
});
