import test from 'ava';
import { duration, megabytes, number, shortTime } from './format.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

test('a length of time is said in its two largest units', (t) => {
  t.is(duration(0), '0 seconds');
  t.is(duration(-5), '0 seconds');
  t.is(duration(second), '1 second');
  t.is(duration(90 * second), '1 minute, 30 seconds');
  t.is(duration(hour + 30 * second), '1 hour');
  t.is(duration(3 * day + 4 * hour + 5 * minute), '3 days, 4 hours');
});

test('a time is written as short as it can be told apart', (t) => {
  const now = new Date(2026, 5, 15, 12, 0).getTime();
  const today = shortTime(new Date(2026, 5, 15, 9, 5).toISOString(), now);
  const thisYear = shortTime(new Date(2026, 5, 14, 9, 5).toISOString(), now);
  const before = shortTime(new Date(2025, 5, 15, 9, 5).toISOString(), now);
  t.regex(today, /05/);
  t.notRegex(today, /15|2026|Jun/);
  t.regex(thisYear, /14/);
  t.notRegex(thisYear, /2026/);
  t.regex(before, /2025/);
});

test('sizes and numbers are rounded for people', (t) => {
  t.is(megabytes(150 * 1_048_576 + 3), '150 MiB');
  t.is(number(0.123), '0.1');
  t.is(number(12_345), '12,345');
});
