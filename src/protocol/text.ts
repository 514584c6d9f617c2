/** What counts as text here, and how names compare. */

/**
 * Whether a string has neither a NUL, which PostgreSQL cannot store, nor a lone surrogate, which UTF-8 cannot encode:
 * the only strings the server takes.
 */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

/**
 * Whether everything that a JSON text can mean is storable, told from the text alone: false means only that the value
 * must be looked at. Raw NULs are no JSON, so what is left are escapes and, in texts that were never UTF-8, raw surrogates.
 */
export function isPlainJsonText(text: string): boolean {
  return !text.includes('\\u') && text.isWellFormed();
}

/** Whether every string in a JSON value, keys included, is storable. The value must be free of cycles, as `JSON.parse` gives it. */
export function isStorableJson(value: unknown): boolean {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value !== 'object' || value === null) return true;
  const pending: object[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [key, inner] of Object.entries(next)) {
      if (!isStorable(key)) return false;
      if (typeof inner === 'string') {
        if (!isStorable(inner)) return false;
      } else if (typeof inner === 'object' && inner !== null) pending.push(inner);
    }
  }
  return true;
}

/** Marks beyond 30 on one letter (Unicode's Stream-Safe Text Format, UAX #15 §13); the halfwidth ones count, too. */
const surplusMarks = /([\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]+/gu;

/**
 * NFKC. It sorts the marks on a letter, in time that grows with the square of their number: a short request would keep
 * everybody else waiting for a second. No script has letters with dozens of them, so those beyond are dropped.
 */
export function normalForm(text: string): string {
  return text.replace(surplusMarks, '$1').normalize('NFKC');
}

/**
 * The form in which names are compared and kept unique: NFKC, without regard to case. Lower case alone keeps letters
 * apart that share a capital (σ and ς, ß and ss), and changes of case can undo NFKC; so both are done twice.
 * Folding a folded name changes nothing.
 */
export function foldName(name: string): string {
  return normalForm(normalForm(name).toLowerCase().toUpperCase().toLowerCase());
}

const dayMs = 86_400_000;
const twoDigits: readonly string[] = Array.from({ length: 60 }, (_, n) => String(n).padStart(2, '0'));
let latest = { day: Number.NaN, date: '' };

/**
 * `YYYY-MM-DD HH:MM:SS` in UTC. `ms`: milliseconds since the epoch. The date is remembered: to write it costs a
 * microsecond, and each message has its stamp twice, each answer with history fifty of them.
 */
export function formatStamp(ms: number): string {
  const whole = Math.trunc(ms);
  const day = Math.floor(whole / dayMs);
  if (day !== latest.day) latest = { day, date: new Date(whole).toISOString().slice(0, 10) };
  const seconds = Math.floor((whole - day * dayMs) / 1000);
  const hour = twoDigits[Math.floor(seconds / 3600)];
  const minute = twoDigits[Math.floor(seconds / 60) % 60];
  return `${latest.date} ${hour}:${minute}:${twoDigits[seconds % 60]}`;
}

/** ISO 8601 in UTC. `ms`: milliseconds since the epoch. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
