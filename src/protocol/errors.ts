/**
 * The codes of every `error` and `fatal` message, with the sentence that explains each. One table for the server,
 * which sends the codes, the client SDK, which turns them into errors, and the documents.
 */
import type { CloseName } from './close-codes.ts';

export const errorCodes = {
  'invalid-format': 'The message is no JSON object, or a field has the wrong type.',
  'rate-limited': 'Too many messages in a short time: wait `retry_after` seconds.',
  'unsupported-command': 'There is no client message of that type.',
  'room:invalid': 'There is no room of that name.',
  'room:already-joined': 'You are in that room already.',
  'room:not-joined': 'You are not in that room.',
  'room:empty-message': 'The message is empty.',
  'room:empty-custom': 'The command or its payload is empty.',
  'room:message-too-long': 'The text is longer than `max_length` characters.',
  'ref-reused': 'The ref was used before, with another text.',
  unavailable: 'The server could not do this now. It is not known to be stored: send it again with the same ref.',
} as const;
export type ErrorCode = keyof typeof errorCodes;

export const fatalCodes = {
  'not-authenticated': { close: 'notAuthenticated', meaning: 'There is no token, or the token is not valid.' },
  'already-chatting': { close: 'alreadyChatting', meaning: 'The user is chatting over another connection.' },
  kicked: { close: 'kicked', meaning: 'An administrator removed or deactivated the user.' },
  'resumed-elsewhere': { close: 'resumedElsewhere', meaning: 'The session went on over another connection.' },
  'session-expired': { close: 'normal', meaning: 'The session has ended: start a new one.' },
} as const;
export type FatalCode = keyof typeof fatalCodes;

/** The close code's name that follows a fatal. */
export function closeAfter(code: FatalCode): CloseName {
  return fatalCodes[code].close;
}
