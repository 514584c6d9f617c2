import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { Openings } from './openings.ts';

test('it is not known whether a session is here while that one begins or goes, and of others of its user it is', async (t) => {
  const openings = new Openings();
  const [own, other] = [
    { userId: 1, key: 'own' },
    { userId: 1, key: 'other' },
  ];
  t.true(openings.isSettled(own));
  const finish = openings.begin(1, 'own');
  t.deepEqual([openings.has(1), openings.has(2)], [true, false]);
  t.deepEqual([openings.isSettled(own), openings.isSettled(other)], [false, true]);
  await openings.settled(other);
  await openings.settled({ userId: 2, key: 'own' });
  let isSettled = false;
  const settled = openings.settled(own).then(() => (isSettled = true));
  await turn();
  t.false(isSettled);
  finish();
  await settled;
  t.deepEqual([openings.has(1), openings.isSettled(own)], [false, true]);
});

test('who waits for what is under way goes on when that is over, and at once where there is nothing', async (t) => {
  const openings = new Openings();
  await openings.done(1);
  const finish = openings.begin(1, undefined);
  t.false(openings.isSlow(1));
  openings.noteSlow(1);
  openings.noteSlow(2);
  t.deepEqual([openings.isSlow(1), openings.isSlow(2)], [true, false]);
  let isDone = false;
  const done = openings.done(1).then(() => (isDone = true));
  await turn();
  t.false(isDone);
  finish();
  await done;
  openings.begin(1, 'next');
  t.false(openings.isSlow(1));
});
