/** The forms of names, shared by the server's checks, the command line and the pages. Each returns the fault as a sentence, or undefined. */
import { limits } from './limits.ts';

const roomName = /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u;
const userName = /^[\p{L}\p{N}@.+_-]+$/u;
/** Letters that nobody sees (the fillers of Hangul): with them a name would look like another's, or like none. */
const invisible = /\p{Default_Ignorable_Code_Point}/u;

/** Room names: 1–64 letters, digits, `.`, `_`, `-`, beginning with a letter or digit. */
export function roomNameFault(name: string): string | undefined {
  if (name.length === 0) return 'A room needs a name.';
  if (name.length > limits.roomNameLength) return `A room's name has at most ${limits.roomNameLength} characters.`;
  if (!roomName.test(name) || invisible.test(name)) {
    return "A room's name has letters, digits and . _ - only, and begins with a letter or digit.";
  }
  return undefined;
}

/** User names, already in NFKC: 1–150 letters, digits and `@ . + - _`, but not `.` or `..`. */
export function usernameFault(name: string): string | undefined {
  if (name.length === 0) return 'This field may not be blank.';
  if (name.length > limits.usernameLength) {
    return `Ensure this field has no more than ${limits.usernameLength} characters.`;
  }
  if (!userName.test(name) || invisible.test(name))
    return 'Enter a valid username: letters, digits and @ . + - _ only.';
  // In an address they mean folders, also with their dots encoded: nobody could administer such a user.
  if (name === '.' || name === '..') return 'Enter a valid username: dots alone are too little.';
  return undefined;
}
