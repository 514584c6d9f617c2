/** Between what `<input type="datetime-local">` has (the reader's clock, no zone) and what the API takes (ISO 8601, UTC). */

/** Empty for what is no time. */
export function isoOfLocal(local: string): string {
  if (local === '') return '';
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? '' : at.toISOString();
}

/** To the minute: what such an input shows. Empty for what is no time. */
export function localOfIso(iso: string): string {
  if (iso === '') return '';
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return '';
  const two = (value: number): string => String(value).padStart(2, '0');
  const year = String(at.getFullYear()).padStart(4, '0');
  return `${year}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
