import { signal } from '@preact/signals';
import test from 'ava';
import { createManualTimers } from '../../../../test/support/manual-timers.ts';
import { watchWake } from './wake.ts';

function watch(isVisible = true) {
  const timers = createManualTimers();
  const told: string[] = [];
  let asleepMs = 0;
  const visible = signal(isVisible);
  const online = signal(true);
  const stop = watchWake({
    isVisible: visible,
    isOnline: online,
    now: () => timers.now() + asleepMs,
    timers,
    onVisible: () => told.push('visible'),
    onNetwork: (isOnline) => told.push(isOnline ? 'online' : 'offline'),
    onWake: () => told.push('wake'),
  });
  told.length = 0;
  return { timers, told, visible, online, stop, sleep: (ms: number) => void (asleepMs += ms) };
}

test('a machine that has slept is noticed within ten seconds, one that has not is left alone', (t) => {
  const { timers, told, sleep, stop } = watch();
  timers.advance(60_000);
  t.deepEqual(told, []);
  sleep(3_600_000);
  timers.advance(10_000);
  t.deepEqual(told, ['wake']);
  timers.advance(60_000);
  t.deepEqual(told, ['wake']);
  stop();
});

test('a hidden page, whose timers are late anyway, does not take that for a sleep', (t) => {
  const { timers, told, sleep, stop } = watch(false);
  sleep(60_000);
  timers.advance(10_000);
  t.deepEqual(told, []);
  stop();
});

test('what the browser says is passed on once', (t) => {
  const { told, visible, online, stop, timers } = watch();
  visible.value = false;
  visible.value = true;
  online.value = false;
  online.value = true;
  t.deepEqual(told, ['visible', 'wake', 'offline', 'wake', 'online', 'wake']);
  stop();
  visible.value = false;
  visible.value = true;
  online.value = false;
  t.is(told.length, 6);
  t.deepEqual(timers.waits, []);
});
