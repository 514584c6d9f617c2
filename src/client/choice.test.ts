import test from 'ava';
import { Choice } from './choice.ts';
import { connectionTimes } from './connection-times.ts';

const { climbMs, climbMaxMs, openMs, tryMs } = connectionTimes;

/** A choice among all three, and its clock. */
function create(): { choice: Choice; clock: { now: number } } {
  const clock = { now: 0 };
  return { choice: new Choice(['websocket', 'sse', 'poll'], () => clock.now), clock };
}

test('what does not open leads to the next at once, and after the last one a wait to the first', (t) => {
  const { choice } = create();
  t.deepEqual([choice.kind, choice.openMs], ['websocket', tryMs]);
  t.true(choice.onFailed());
  t.deepEqual([choice.kind, choice.openMs], ['sse', tryMs]);
  t.true(choice.onFailed());
  t.deepEqual([choice.kind, choice.openMs], ['poll', openMs]);
  t.false(choice.onFailed());
  t.is(choice.kind, 'websocket');
});

test('a transport whose connections die young twice in a row is left, one that lasted in between is not', (t) => {
  const { choice } = create();
  for (const isYoung of [true, false, true]) choice.onDied(isYoung, false);
  t.is(choice.kind, 'websocket');
  choice.onDied(true, false);
  t.is(choice.kind, 'sse');
  for (const isYoung of [true, true]) choice.onDied(isYoung, false);
  t.is(choice.kind, 'poll');
  for (const isYoung of [true, true]) choice.onDied(isYoung, false);
  t.is(choice.kind, 'websocket');
});

test('a transport that carries answers and dies young is left after five in a row, and waits longer to be tried again', (t) => {
  const { choice } = create();
  for (let death = 1; death <= 4; death += 1) choice.onDied(true, true);
  choice.onDied(false, true);
  for (let death = 1; death <= 4; death += 1) choice.onDied(true, true);
  t.is(choice.kind, 'websocket');
  choice.onDied(true, true);
  t.is(choice.kind, 'sse');
  choice.onClimbed('websocket');
  for (let death = 1; death <= 5; death += 1) choice.onDied(true, true);
  t.deepEqual([choice.kind, choice.climbWaitMs()], ['sse', 2 * connectionTimes.climbMs]);
});

test('a transport that is the only one is never left', (t) => {
  const choice = new Choice(['poll'], () => 0);
  for (const isYoung of [true, true]) choice.onDied(isYoung, false);
  t.false(choice.onFailed());
  t.deepEqual([choice.kind, choice.openMs, choice.climbWaitMs()], ['poll', openMs, undefined]);
});

test('on the best there is nothing to climb to, below it the better ones are tried from the best on', (t) => {
  const { choice } = create();
  t.is(choice.climbWaitMs(), undefined);
  choice.onFailed();
  t.deepEqual([choice.better, choice.climbWaitMs()], [['websocket'], climbMs]);
  choice.onFailed();
  t.deepEqual([...choice.better], ['websocket', 'sse']);
});

test('the time until the better ones are tried runs on while connections come and go', (t) => {
  const { choice, clock } = create();
  choice.onFailed();
  t.is(choice.climbWaitMs(), climbMs);
  clock.now = 45_000;
  choice.onDied(false, false);
  t.is(choice.climbWaitMs(), climbMs - 45_000);
  clock.now = 10 * climbMs;
  t.is(choice.climbWaitMs(), 0);
});

test('each vain round doubles the time up to ten minutes, and a lasting connection over the best makes it short again', (t) => {
  const { choice } = create();
  choice.onFailed();
  const waits: unknown[] = [];
  for (let round = 0; round < 6; round += 1) {
    waits.push(choice.climbWaitMs());
    choice.onClimbed(undefined);
  }
  t.deepEqual(waits, [climbMs, 2 * climbMs, 4 * climbMs, 8 * climbMs, climbMaxMs, climbMaxMs]);
  // One that lasted over a lesser one says nothing of the best.
  choice.onDied(false, false);
  choice.onClimbed(undefined);
  t.is(choice.climbWaitMs(), climbMaxMs);
  choice.onClimbed('websocket');
  t.is(choice.kind, 'websocket');
  // It opens, as it did before, and dies.
  for (const isYoung of [true, true]) choice.onDied(isYoung, false);
  t.deepEqual([choice.kind, choice.climbWaitMs()], ['sse', climbMaxMs]);
  choice.onClimbed('websocket');
  choice.onDied(false, false);
  choice.onFailed();
  t.is(choice.climbWaitMs(), climbMs);
});
