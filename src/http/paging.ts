/**
 * The pages of lists: how many rows, and where the next page begins. A place is opaque to clients: the key of the row
 * before it, with the list's name, in base64url; one that this list cannot have given is a fault of `after`. Knows no list.
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

export type Places = {
  /** The query's `after`: the key of the row before the page. */
  after: z.ZodType<string | undefined>;
  /** What clients are given for a key; null: there is no other page. */
  next(key: string | null): string | null;
  /** A page of those rows that were read, one more than it may have: the one more says that there is another page. */
  cut<Row>(rows: readonly Row[], limit: number, key: (row: Row) => string): { rows: Row[]; next: string | null };
};

/** The places of one list; those of another are none of its own. `form`: of its keys. */
export function placesOf(list: string, form: RegExp = /./): Places {
  const prefix = `${list}:`;
  const encode = (key: string): string => Buffer.from(prefix + key).toString('base64url');
  // Buffer passes over what is no base64url and no UTF-8: only what would be written the same way was a place.
  const decode = (text: string): string | undefined => {
    const key = Buffer.from(text, 'base64url').toString().slice(prefix.length);
    return encode(key) === text && isStorable(key) && form.test(key) ? key : undefined;
  };
  const after = z.string().transform((text, check) => {
    const key = decode(text);
    if (key === undefined) check.addIssue({ code: 'custom', message: notAPlace });
    return key;
  });
  const next = (key: string | null): string | null => (key === null ? null : encode(key));
  return {
    after: after.optional(),
    next,
    cut(rows, limit, key) {
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? shown.at(-1) : undefined;
      return { rows: shown, next: last === undefined ? null : next(key(last)) };
    },
  };
}
