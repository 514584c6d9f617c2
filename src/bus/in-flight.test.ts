import test from 'ava';
import { InFlight, maxInFlight, maxInFlightLength } from './in-flight.ts';

const never = new Promise<undefined>(() => {});

test('publications are bounded in number, and have room again when they are answered', async (t) => {
  const inFlight = new InFlight(() => 0);
  let answer: (count: number) => void = () => {};
  const first = inFlight.add(1, new Promise((resolve) => (answer = resolve)));
  for (let n = 1; n < maxInFlight; n++) void inFlight.add(1, never);
  t.false(inFlight.hasRoomFor(1));
  answer(2);
  t.is(await first, 2);
  t.true(inFlight.hasRoomFor(1));
});

test('they are bounded in length', async (t) => {
  const inFlight = new InFlight(() => 0);
  const half = inFlight.add(maxInFlightLength / 2, Promise.resolve(1));
  t.true(inFlight.hasRoomFor(maxInFlightLength / 2));
  t.false(inFlight.hasRoomFor(maxInFlightLength / 2 + 1));
  await half;
  t.true(inFlight.hasRoomFor(maxInFlightLength));
  await inFlight.allAnswered();
});

test('nobody waits for what was given up, and it counts on', async (t) => {
  let now = 0;
  const inFlight = new InFlight(() => now);
  const first = inFlight.add(maxInFlightLength, never);
  now = 10;
  const second = inFlight.add(1, Promise.resolve(3));
  inFlight.giveUp(9);
  t.is(await first, undefined);
  t.is(await second, 3);
  t.false(inFlight.hasRoomFor(1));
});
