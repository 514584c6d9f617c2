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
  'room:muted': 'An administrator has muted you: you may speak again at `until`.',
  'room:empty-message': 'The message is empty.',
  'room:empty-custom': 'The command or its payload is empty.',
  'room:message-too-long': 'The text is longer than `max_length` characters.',
  'ref-reused': 'The ref was used before, with another text.',
  unavailable: 'The server could not do this now. It is not known to be stored: send it again with the same ref.',
} as const;
export type ErrorCode = keyof typeof errorCodes;

/**
 * `close`: the WebSocket close code that follows. `status`: that of the HTTP answer where nothing was answered before.
 */
export const fatalCodes = {
  'not-authenticated': {
    close: 'notAuthenticated',
    status: 401,
    meaning: 'There is no token, or the token is not valid.',
  },
  'already-chatting': {
    close: 'alreadyChatting',
    status: 409,
    meaning: 'The user is chatting over another connection.',
  },
  kicked: { close: 'kicked', status: 403, meaning: 'An administrator has sent the user away.' },
  'resumed-elsewhere': {
    close: 'resumedElsewhere',
    status: 409,
    meaning: 'The session went on over another connection.',
  },
  'session-expired': { close: 'normal', status: 410, meaning: 'The session has ended: start a new one.' },
} as const;
export type FatalCode = keyof typeof fatalCodes;

/** The close code's name that follows a fatal. */
export function closeAfter(code: FatalCode): CloseName {
  return fatalCodes[code].close;
}

/** Body of a 503 to a chat request; over WebSocket the close code alone says it. */
export const unavailableBody = { type: 'fatal', code: 'unavailable' } as const;

/** What a POST or DELETE of a client that has no session is answered, with status 409. */
export const notConnectedBody = { type: 'error', code: 'not-connected' } as const;
