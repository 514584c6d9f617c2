/** What counts as text here, and how names compare. */

// A NUL cannot be stored by PostgreSQL; a lone surrogate cannot be encoded in UTF-8.
const unstorable = /\0|\p{Surrogate}/u;

/** Whether a string has neither a NUL nor a lone surrogate: the only strings the server takes. */
export function isStorable(text: string): boolean {
  return !unstorable.test(text);
}

/** Whether every string in a JSON value, keys included, is storable. The value must be free of cycles, as `JSON.parse` gives it. */
export function isStorableJson(value: unknown): boolean {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value !== 'object' || value === null) return true;
  const pending: object[] = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [key, inner] of Object.entries(next)) {
      if (!isStorable(key)) return false;
      if (typeof inner === 'string' ? !isStorable(inner) : false) return false;
      if (typeof inner === 'object' && inner !== null) pending.push(inner);
    }
  }
  return true;
}

/** The form in which names are compared and kept unique: NFKC, without regard to case. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

/** `YYYY-MM-DD HH:MM:SS` in UTC. `ms`: milliseconds since the epoch. */
export function formatStamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}
