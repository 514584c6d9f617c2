/**
 * The sentences about a field's value, in the wording that clients of Django REST servers know, and the check that
 * every text passes: no NUL, no lone surrogate.
 */
import type { FieldFaults } from './errors.ts';

export const fieldSentences = {
  required: 'This field is required.',
  null: 'This field may not be null.',
  notText: 'Not a valid string.',
  blank: 'This field may not be blank.',
  usernameTaken: 'A user with that username already exists.',
  email: 'Enter a valid email address.',
  nul: 'Null characters are not allowed.',
  oneLine: 'Give one line of text, without control characters.',
  noWord: 'Give at least one word: letters or digits.',
} as const;

/** The faults of each field that has one. */
export function gatherFaults(faults: Record<string, string | undefined>): FieldFaults {
  return Object.fromEntries(
    Object.entries(faults).flatMap(([field, fault]) => (fault === undefined ? [] : [[field, [fault]]])),
  );
}

export function tooLong(maxLength: number): string {
  return `Ensure this field has no more than ${maxLength} characters.`;
}

/** What makes a text unstorable, as a sentence, or undefined. */
export function textFault(text: string): string | undefined {
  if (text.includes('\0')) return fieldSentences.nul;
  const surrogate = /\p{Surrogate}/u.exec(text)?.[0];
  if (surrogate === undefined) return undefined;
  return `Surrogate characters are not allowed: U+${surrogate.charCodeAt(0).toString(16).toUpperCase()}.`;
}

/** What keeps a text from being one line of a page or table, as a sentence, or undefined. An empty text is one. */
export function lineFault(text: string, maxLength: number): string | undefined {
  const fault = textFault(text);
  if (fault !== undefined) return fault;
  if (text.length > maxLength) return tooLong(maxLength);
  return /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text) ? fieldSentences.oneLine : undefined;
}

/** Whether messages can be searched for this, as a sentence, or undefined. A blank text asks for nothing. */
export function searchFault(text: string): string | undefined {
  // Signs alone are no word: everything, or nothing, would be a misleading answer.
  return text.trim() === '' || /[\p{L}\p{M}\p{N}]/u.test(text.normalize('NFKC')) ? undefined : fieldSentences.noWord;
}
