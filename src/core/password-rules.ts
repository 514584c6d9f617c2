/**
 * What a password must be. Pure but for the dictionary of common passwords, which is loaded when the first password
 * is checked: about 30 ms once and 6 MB, which a process that checks none does not pay.
 */
import { createRequire } from 'node:module';
import { distance } from 'fastest-levenshtein';
import { limits } from '../protocol/limits.ts';
import { fieldSentences, textFault } from './fields.ts';

export type PasswordOwner = { username?: string | undefined; email?: string | undefined };

/**
 * Faults that nobody can wave through: blank, unstorable, or longer than bcrypt reads (it would be cut in silence).
 */
export function passwordHardFaults(password: string): string[] {
  if (password === '') return [fieldSentences.blank];
  const faults: string[] = [];
  const unstorable = textFault(password);
  if (unstorable !== undefined) faults.push(unstorable);
  if (Buffer.byteLength(password) > limits.passwordMaxBytes) {
    faults.push(`This password is too long. It must contain at most ${limits.passwordMaxBytes} bytes in UTF-8.`);
  }
  return faults;
}

/** All faults of a password, as sentences; the owner's name and address are compared with it where they are given. */
export function passwordFaults(password: string, owner: PasswordOwner): string[] {
  const faults = passwordHardFaults(password);
  // A blank or overlong password has nothing more to be said about it, and the similarity of long texts costs time.
  if (password === '' || Buffer.byteLength(password) > limits.passwordMaxBytes) return faults;
  if (owner.username !== undefined && isSimilar(password, owner.username, limits.usernameLength)) {
    faults.push('The password is too similar to the username.');
  }
  if (owner.email !== undefined && isSimilar(password, owner.email, limits.emailLength)) {
    faults.push('The password is too similar to the email address.');
  }
  if (password.length < limits.passwordMinLength) {
    faults.push(`This password is too short. It must contain at least ${limits.passwordMinLength} characters.`);
  }
  if (isCommon(password)) faults.push('This password is too common.');
  if (/^\p{Nd}+$/u.test(password)) faults.push('This password is entirely numeric.');
  return faults;
}

// Django's UserAttributeSimilarityValidator: the ratio from which two texts count as alike.
const similarRatio = 0.7;

/** Whether a password is like a name or address, as a whole or any of its parts, without regard to case. */
function isSimilar(password: string, value: string, maxLength: number): boolean {
  if (value.length > maxLength) return false;
  const lower = password.toLowerCase();
  const whole = value.normalize('NFKC').toLowerCase();
  const words = whole.split(/[^\p{L}\p{N}_]+/u);
  return [whole, ...whole.split('@'), ...words].some((part) => isLike(lower, part));
}

function isLike(password: string, part: string): boolean {
  const [short, long] = password.length < part.length ? [password, part] : [part, password];
  // One inside the other, and at least half of it: "alice123" for alice, but not every sentence that names her.
  if (short.length * 2 >= long.length && long.includes(short)) return short !== '';
  // The ratio cannot reach the bound when the lengths alone are too far apart.
  if (short.length < long.length * similarRatio) return false;
  return 1 - distance(short, long) / long.length >= similarRatio;
}

let commonPasswords: ReadonlySet<string> | undefined;

function isCommon(password: string): boolean {
  commonPasswords ??= loadCommonPasswords();
  return commonPasswords.has(password.toLowerCase());
}

/** Loaded late but at once (`require`, not `import()`), so that a check needs no promise. */
function loadCommonPasswords(): ReadonlySet<string> {
  const load = createRequire(import.meta.url);
  const { dictionary } = load('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common');
  const words = dictionary['passwords-common'];
  // Shorter ones are refused for their length anyway.
  return new Set(words.filter((word) => word.length >= limits.passwordMinLength));
}
