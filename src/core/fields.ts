/**
 * The sentences about a field's value, in the wording that clients of Django REST servers know, and the check that
 * every text passes: no NUL, no lone surrogate.
 */
export const fieldSentences = {
  required: 'This field is required.',
  null: 'This field may not be null.',
  notText: 'Not a valid string.',
  blank: 'This field may not be blank.',
  usernameTaken: 'A user with that username already exists.',
  email: 'Enter a valid email address.',
  nul: 'Null characters are not allowed.',
} as const;

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
