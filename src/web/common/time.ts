/** Times as the reader writes them, in the reader's zone. Times are milliseconds since the epoch. */

export type Times = {
  /** `14:05`. */
  clock(at: number): string;
  /** `14:05:09`. */
  seconds(at: number): string;
  /** `Monday, 23 November 2026 at 14:05:09`. */
  full(at: number): string;
  /** The same for all times of one day, and in the order of the days. */
  day(at: number): string;
  /** Today, Yesterday, or the date: with its weekday, and with its year unless it is this one. */
  dayName(at: number, now: number): string;
};

export type TimeStyle = { locale: string; timeZone?: string; hourCycle?: 'h23' | 'h12' };

const capital = (text: string): string => text.charAt(0).toLocaleUpperCase() + text.slice(1);

export function createTimes({ locale, timeZone, hourCycle }: TimeStyle): Times {
  const zone = timeZone === undefined ? {} : { timeZone };
  const cycle = hourCycle === undefined ? {} : { hourCycle };
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short', ...zone, ...cycle });
  const seconds = new Intl.DateTimeFormat(locale, { timeStyle: 'medium', ...zone, ...cycle });
  const full = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium', ...zone, ...cycle });
  // Its days are written year-month-day.
  const day = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', ...zone });
  const date = { weekday: 'long', day: 'numeric', month: 'long' } as const;
  const thisYear = new Intl.DateTimeFormat(locale, { ...date, ...zone });
  const otherYear = new Intl.DateTimeFormat(locale, { ...date, year: 'numeric', ...zone });
  const near = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  /** Days between two dates, whatever the hours of a day of changing clocks: both are taken as days of UTC. */
  const daysBetween = (one: string, other: string): number =>
    Math.round((Date.parse(one) - Date.parse(other)) / 86_400_000);
  return {
    clock: (at) => clock.format(at),
    seconds: (at) => seconds.format(at),
    full: (at) => full.format(at),
    day: (at) => day.format(at),
    dayName(at, now) {
      const [then, today] = [day.format(at), day.format(now)];
      const distance = daysBetween(then, today);
      if (distance === 0 || distance === -1) return capital(near.format(distance, 'day'));
      return (then.slice(0, 4) === today.slice(0, 4) ? thisYear : otherYear).format(at);
    },
  };
}
