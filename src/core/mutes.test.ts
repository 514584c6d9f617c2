import test from 'ava';
import { Mutes } from './mutes.ts';

function open(): { mutes: Mutes; clock: { now(): number; at: number } } {
  const clock = { at: 1_000, now: () => clock.at };
  return { mutes: new Mutes(clock), clock };
}

test('a mute holds for its user until its time is over, and is forgotten then', (t) => {
  const { mutes, clock } = open();
  mutes.set(1, 5_000);
  t.is(mutes.until(1), 5_000);
  t.is(mutes.until(2), undefined);
  clock.at = 4_999;
  t.is(mutes.until(1), 5_000);
  clock.at = 5_000;
  t.is(mutes.until(1), undefined);
  t.is(mutes.size, 0);
});

test('a later word on the same user counts: longer, shorter, or none', (t) => {
  const { mutes } = open();
  mutes.set(1, 5_000);
  mutes.set(1, 2_000);
  t.is(mutes.until(1), 2_000);
  mutes.set(1, 9_000);
  t.is(mutes.until(1), 9_000);
  mutes.set(1, null);
  t.is(mutes.until(1), undefined);
  mutes.set(1, 1_000);
  t.is(mutes.size, 0);
});

test('users who never speak again leave nothing behind', (t) => {
  const { mutes, clock } = open();
  for (let id = 1; id <= 100; id += 1) mutes.set(id, 2_000);
  clock.at = 3_000;
  mutes.set(101, 4_000);
  t.is(mutes.size, 1);
});

test('what is loaded replaces what was known', (t) => {
  const { mutes } = open();
  mutes.set(1, 5_000);
  mutes.reset([{ id: 2, until: 6_000 }]);
  t.deepEqual([mutes.until(1), mutes.until(2)], [undefined, 6_000]);
});
