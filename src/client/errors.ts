/** What the client's promises reject with. Every class says what happened and whether trying again makes sense. */
import { type ErrorCode, errorCodes, type FatalCode, fatalCodes } from '../protocol/errors.ts';
import type { ErrorDetails } from '../protocol/frames.ts';

/** The server refused one request. The connection goes on. */
export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  /** The `ref` of the refused request, where the server could read it. */
  readonly ref: string | undefined;

  constructor(code: ErrorCode, details: ErrorDetails = {}, ref?: string) {
    super(errorCodes[code] ?? `The server refused the request: ${code}.`);
    this.code = code;
    this.details = details;
    this.ref = ref;
  }
}

/**
 * Why a client ended for good: a `fatal` of the server; `logged-out` (the token was ended by a logout); `ended` (the
 * server closed normally); `blocked` (the platform refused to open a connection at all); `closed` (`close()` was called); `suspended`
 * (`suspend()` was called).
 */
export type EndReason = FatalCode | 'logged-out' | 'ended' | 'blocked' | 'closed' | 'suspended';

const endSentences: Record<Exclude<EndReason, FatalCode>, string> = {
  'logged-out': 'The token was logged out: log in and connect again.',
  ended: 'The server ended the connection: connect again when there is a reason to.',
  blocked: 'The platform refused to open a connection to this URL: see the cause.',
  closed: 'The client was closed: connect again to go on.',
  suspended: 'The client was suspended: its session can go on elsewhere, from what was exported.',
};

/** The chat ended and the client does not reconnect by itself. `connect()` starts anew. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
  readonly code: EndReason;

  constructor(code: EndReason, options?: ErrorOptions) {
    super(code in fatalCodes ? fatalCodes[code as FatalCode].meaning : sentenceOf(code), options);
    this.code = code;
  }
}

function sentenceOf(code: EndReason): string {
  return endSentences[code as Exclude<EndReason, FatalCode>] ?? `The chat ended: ${code}.`;
}

/**
 * - `not-connected`: `connect()` was not called, or the client has ended. Nothing was sent.
 * - `lost`: the session ended before a command was answered. It is not known whether it was delivered; it is not sent again.
 * - `timeout`: no answer within the time allowed. A message is not known to be stored: send it again with the same `ref`.
 * - `too-many-pending`: more requests wait for their answer than the client holds. Nothing was sent.
 */
export type ConnectionErrorReason = 'not-connected' | 'lost' | 'timeout' | 'too-many-pending';

const connectionSentences: Record<ConnectionErrorReason, string> = {
  'not-connected': 'The client is not connected: call connect() first.',
  lost: 'The session ended before the command was answered: it is not known to be delivered.',
  timeout:
    'No answer came in time: the request is not known to be done. A message can be sent again with the same ref.',
  'too-many-pending': 'Too many requests wait for their answer: wait for some before sending more.',
};

/** A request got no answer, for a reason of the line and not of the server. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly reason: ConnectionErrorReason;
  /** The request's `ref`: sending a message again with it stores it once only. */
  readonly ref: string | undefined;

  constructor(reason: ConnectionErrorReason, ref?: string) {
    super(connectionSentences[reason]);
    this.reason = reason;
    this.ref = ref;
  }
}

/** A REST call failed. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** The HTTP status; 0 when no answer came (the server cannot be reached, or was too slow). */
  readonly status: number;
  /** Sentences by field, `non_field_errors` among them. Empty when the server named none. */
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly detail: string | undefined;

  constructor(
    status: number,
    fields: Readonly<Record<string, readonly string[]>>,
    detail: string | undefined,
    options?: ErrorOptions,
  ) {
    super(detail ?? (Object.values(fields).flat().join(' ') || `The server answered with status ${status}.`), options);
    this.status = status;
    this.fields = fields;
    this.detail = detail;
  }
}
