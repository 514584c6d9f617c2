import test from 'ava';
import { createTimes } from './time.ts';

const at = Date.UTC(2026, 10, 23, 2, 5, 9);
const hour = 3_600_000;

test("a time is the reader's, in the reader's zone", (t) => {
  t.is(createTimes({ locale: 'en-GB', timeZone: 'UTC' }).clock(at), '02:05');
  t.is(createTimes({ locale: 'en-GB', timeZone: 'Asia/Kolkata' }).clock(at), '07:35');
  t.regex(createTimes({ locale: 'en-US', timeZone: 'UTC' }).clock(at), /^2:05\sAM$/);
  t.is(createTimes({ locale: 'en-US', timeZone: 'UTC', hourCycle: 'h23' }).clock(at), '02:05');
  t.regex(createTimes({ locale: 'en-GB', timeZone: 'UTC' }).full(at), /^Monday,? 23 November 2026 at 02:05:09$/);
});

test("days are those of the reader's zone", (t) => {
  const utc = createTimes({ locale: 'en-GB', timeZone: 'UTC' });
  const west = createTimes({ locale: 'en-GB', timeZone: 'America/New_York' });
  t.is(utc.day(at), '2026-11-23');
  t.is(west.day(at), '2026-11-22');
  t.is(west.dayName(at, at + 4 * hour), 'Yesterday');
  t.is(utc.dayName(at, at + 4 * hour), 'Today');
});

test('a day is named from where one stands', (t) => {
  const times = createTimes({ locale: 'en-GB', timeZone: 'Europe/Berlin' });
  // With a comma or without one, as the runtime's tables have it.
  t.regex(times.dayName(at - 48 * hour, at), /^Saturday,? 21 November$/);
  // A clock that is slow makes what was just said a thing of tomorrow: no word would be right for that.
  t.regex(times.dayName(at + 24 * hour, at), /^Tuesday,? 24 November$/);
  t.regex(times.dayName(Date.UTC(2025, 11, 31), at), /^Wednesday,? 31 December 2025$/);
});

test('yesterday is yesterday on the day after the clocks changed', (t) => {
  const times = createTimes({ locale: 'en-GB', timeZone: 'Europe/Berlin' });
  // 25 October 2026 has 25 hours there.
  t.is(times.dayName(Date.UTC(2026, 9, 24, 22, 30), Date.UTC(2026, 9, 26, 22, 30)), 'Yesterday');
  t.is(times.dayName(Date.UTC(2026, 9, 25, 0), Date.UTC(2026, 9, 25, 22)), 'Today');
});
