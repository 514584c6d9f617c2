/** How times, lengths of time and sizes are written: in the reader's zone, and in the page's language. */
import { language, locale, times } from '../common/texts.ts';

const isSameDay = (a: Date, b: Date): boolean => a.toDateString() === b.toDateString();
const thisYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });
const otherYear = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', year: 'numeric' });

/** As short as can be told apart at `now`: the time of day today, else the date too, with the year where it is another. */
export function shortTime(iso: string, now: number): string {
  const at = new Date(iso);
  const today = new Date(now);
  if (isSameDay(at, today)) return times.clock(at.getTime());
  if (at.getFullYear() !== today.getFullYear()) return otherYear.format(at);
  return `${thisYear.format(at)}, ${times.clock(at.getTime())}`;
}

/** Everything there is to say. */
export function fullTime(iso: string): string {
  return times.full(Date.parse(iso));
}

type LongUnit = 'day' | 'hour' | 'minute' | 'second';
const units: readonly [LongUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** Its two largest units: "3 days, 4 hours". */
export function duration(ms: number): string {
  let rest = Math.max(0, Math.floor(ms / 1000));
  const said: string[] = [];
  for (const [unit, length] of units) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    // What follows the largest unit is said only where it is the next one: not "3 days, 2 seconds".
    if (said.length > 0 && count === 0) break;
    if (count === 0 && unit !== 'second') continue;
    said.push(new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(count));
    if (said.length === 2) break;
  }
  return said.join(', ');
}

/** Mebibytes, as operating systems count memory. */
export function megabytes(bytes: number): string {
  return `${number(bytes / 1_048_576, 0)} MiB`;
}

export function number(value: number, digits = 1): string {
  return value.toLocaleString(language, { maximumFractionDigits: digits });
}
