import test from 'ava';
import { createTurns } from './turns.ts';

test('users take turns, each with the oldest job first, and no more run at once than may', async (t) => {
  const turns = createTurns(2);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const jobs = ['mallory 1', 'mallory 2', 'mallory 3', 'mallory 4', 'ann 1', 'bob 1', 'ann 2'].map((name) =>
    turns.run(name.split(' ')[0] ?? '', () => {
      begun.push(name);
      return new Promise((resolve) => ends.push(resolve));
    }),
  );
  await new Promise<void>((resolve) => setImmediate(resolve));
  t.is(turns.waiting, 5);
  while (begun.length < jobs.length) {
    t.true(ends.length <= 2);
    ends.shift()?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  for (const end of ends) end();
  await Promise.all(jobs);
  t.deepEqual(begun, ['mallory 1', 'mallory 2', 'mallory 3', 'ann 1', 'bob 1', 'mallory 4', 'ann 2']);
  t.is(turns.waiting, 0);
});

test('a job that fails gives its place to the next', async (t) => {
  const turns = createTurns(1);
  await t.throwsAsync(
    turns.run('ann', () => Promise.reject(new Error('no luck'))),
    { message: 'no luck' },
  );
  await t.notThrowsAsync(turns.run('ann', () => Promise.resolve()));
});
