import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { watchOwn } from './cpu.ts';
import { generatorNotes } from './measured.ts';

test.serial('a process that never rests was the limit, one that waits was not', async (t) => {
  const readBusy = watchOwn();
  const end = performance.now() + 200;
  while (performance.now() < end);
  const busy = readBusy();
  t.true(busy.wasLimit);
  t.true(busy.seconds > 0);
  const readIdle = watchOwn();
  // Not a wait for something to happen: a loop that has nothing to do is what is measured.
  await sleep(200);
  t.false(readIdle().wasLimit);
});

test('it is said when the generator was the limit, or cost more than the server', (t) => {
  t.deepEqual(generatorNotes(true, 1, 2), ['the generator had no time left: the server might do more']);
  t.deepEqual(generatorNotes(false, 2, 1), ['the generator cost more than the server']);
  t.deepEqual(generatorNotes(false, 1, 2), []);
  t.deepEqual(generatorNotes(false, 1, undefined), []);
});
