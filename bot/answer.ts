/** The text and the `ref` of an answer. */
import { createHash } from 'node:crypto';
import type { Command } from './command.ts';

/**
 * The same for the same command, so that an answer sent again (after a broken connection, by a bot started anew) is
 * stored once. 43 characters.
 */
export function answerRef({ id, room, user, command, payload, stamp }: Command): string {
  // JSON keeps the fields apart: "ab" + "c" is not "a" + "bc".
  return createHash('sha256')
    .update(JSON.stringify([id, room, user, command, payload, stamp]))
    .digest('base64url');
}

/** The text, cut to `maxLength` UTF-16 units with … at its end, never within a character. */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  let end = Math.max(0, maxLength - 1);
  if (isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
  return `${text.slice(0, end)}…`;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
