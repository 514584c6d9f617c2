import test from 'ava';
import { createManualTimers, type ManualTimers } from '../../test/support/manual-timers.ts';
import { type Counters, createCounters } from './counters.ts';
import type { Clock } from './ports.ts';
import { openRates, type Rates } from './rates.ts';

function open(): { counters: Counters; clock: ManualTimers; rates: Rates } {
  const counters = createCounters();
  const timers = createManualTimers();
  const clock: Clock = {
    now: () => timers.now(),
    after(ms, run) {
      const handle = timers.setTimeout(run, ms);
      return () => timers.clearTimeout(handle);
    },
    endOfTurn: (run) => run(),
  };
  return { counters, clock: timers, rates: openRates(counters, clock) };
}

test('a rate is the mean of the last minute', (t) => {
  const { counters, clock, rates } = open();
  for (let second = 0; second < 120; second += 1) {
    counters.stored += 2;
    counters.delivered += 10;
    clock.advance(1_000);
  }
  const { messagesPerSecond, deliveriesPerSecond } = rates.now();
  t.is(messagesPerSecond, 2);
  t.is(deliveriesPerSecond, 10);
  rates.close();
});

test('what is more than a minute ago counts no more', (t) => {
  const { counters, clock, rates } = open();
  counters.stored += 600;
  for (let second = 0; second < 66; second += 1) clock.advance(1_000);
  t.deepEqual(rates.now(), { messagesPerSecond: 0, deliveriesPerSecond: 0 });
  rates.close();
});

test('in the first minute the mean is of the time since the start, and one message at once is no flood', (t) => {
  const { counters, clock, rates } = open();
  t.deepEqual(rates.now(), { messagesPerSecond: 0, deliveriesPerSecond: 0 });
  counters.stored += 1;
  t.is(rates.now().messagesPerSecond, 0.2);
  counters.stored += 29;
  for (let second = 0; second < 15; second += 1) clock.advance(1_000);
  t.is(rates.now().messagesPerSecond, 2);
  rates.close();
});
