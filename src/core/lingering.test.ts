import test from 'ava';
import { createManualTimers } from '../../test/support/manual-timers.ts';
import { Lingering } from './lingering.ts';

function openLingering() {
  const timers = createManualTimers();
  const dropped: number[] = [];
  const lingering = new Lingering<number>({
    clock: {
      after(ms, run) {
        const handle = timers.setTimeout(run, ms);
        return () => timers.clearTimeout(handle);
      },
    },
    drop: (thing) => void dropped.push(thing),
    lingerMs: 100,
  });
  return { lingering, dropped, pass: (ms: number) => timers.advance(ms) };
}

test('what lingers is dropped after its time, which begins anew when it is left again', (t) => {
  const { lingering, dropped, pass } = openLingering();
  lingering.add(1);
  pass(60);
  lingering.add(2);
  lingering.add(1);
  pass(60);
  t.deepEqual(dropped, []);
  pass(40);
  t.deepEqual(dropped, [2, 1]);
  pass(1_000);
  t.is(dropped.length, 2);
});

test('of too many the oldest is dropped before its time', (t) => {
  const { lingering, dropped, pass } = openLingering();
  for (let thing = 0; thing < 1_000; thing += 1) lingering.add(thing);
  lingering.add(0);
  t.deepEqual(dropped, []);
  lingering.add(1_000);
  t.deepEqual(dropped, [1]);
  pass(100);
  t.is(dropped.length, 1_001);
  t.is(new Set(dropped).size, 1_001);
});
