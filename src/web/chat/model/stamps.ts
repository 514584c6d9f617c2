/** The server's times. */

/** `YYYY-MM-DD HH:MM:SS`, UTC, as milliseconds since the epoch. */
export function parseStamp(stamp: string): number {
  return Date.parse(`${stamp.replace(' ', 'T')}Z`);
}
