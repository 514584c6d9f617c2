/**
 * The pages of lists: how many rows, and where the next page begins. A place is opaque to clients: the key of the row
 * before it, in base64url; one that no list can have given is a fault of `after`. Knows no list.
 */
import { z } from 'zod';
import { tooLong } from '../core/fields.ts';
import { limits } from '../protocol/limits.ts';
import { isStorable } from '../protocol/text.ts';
import { text, wholeNumber } from './guard.ts';

const notAPlace = 'Give the `next` of the page before, as it is.';

export const pageLimit: z.ZodType<number | undefined> = wholeNumber(1, limits.pageRows);

/** What a list is searched for or filtered by; an empty text does not filter. */
export const filter: z.ZodType<string | undefined> = text
  .max(limits.searchLength, tooLong(limits.searchLength))
  .transform((value) => (value === '' ? undefined : value))
  .optional();

/** After the row of this name. */
export const afterName: z.ZodType<string | undefined> = place((key) => key);

/** After the row of this number. */
export const afterNumber: z.ZodType<number | undefined> = place((key) =>
  /^[1-9]\d{0,15}$/.test(key) && Number.isSafeInteger(Number(key)) ? Number(key) : undefined,
);

/** After what the store itself has called `next`. */
export const afterKey: z.ZodType<string | undefined> = afterName;

/**
 * A page's rows of those that were read, one more than it may have: the one more says that there is another page.
 * `key`: of a row, what the page after it begins with.
 */
export function cutPage<Row>(
  rows: readonly Row[],
  limit: number,
  key: (row: Row) => string | number,
): { rows: Row[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown, next: rows.length > limit && last !== undefined ? encodeKey(key(last)) : null };
}

function place<Key>(read: (key: string) => Key | undefined): z.ZodType<Key | undefined> {
  return z
    .string()
    .transform((text, check) => {
      const key = decodeKey(text);
      const found = key === undefined ? undefined : read(key);
      if (found === undefined) check.addIssue({ code: 'custom', message: notAPlace });
      return found;
    })
    .optional();
}

/** A place for clients, by the key of the row before it. */
export function encodeKey(key: string | number): string {
  return Buffer.from(String(key)).toString('base64url');
}

/** Undefined: not what `encodeKey` makes of any storable text. (Buffer passes over what is no base64url, and no UTF-8.) */
function decodeKey(text: string): string | undefined {
  const key = Buffer.from(text, 'base64url').toString();
  return key !== '' && encodeKey(key) === text && isStorable(key) ? key : undefined;
}
