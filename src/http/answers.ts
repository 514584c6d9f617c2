/**
 * The one table from errors to answers. Errors are data: routes and use cases throw them, this file gives each its
 * status, its headers and its body in the contract's shape, and nothing else writes an error to a client.
 */
import {
  AuthenticationError,
  BadCredentials,
  FieldErrors,
  type FieldFaults,
  NotAllowed,
  NotFound,
  Overloaded,
  RightsLost,
  TooManyAttempts,
} from '../core/errors.ts';
import { StoreError } from '../core/ports.ts';

export type ErrorBody = { detail: string } | FieldFaults;

/** A refusal that HTTP itself gives rise to: a path, a method, a header, a body. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, body: string | ErrorBody, headers: Record<string, string> = {}) {
    super(typeof body === 'string' ? body : JSON.stringify(body));
    this.name = 'Refusal';
    this.status = status;
    this.body = typeof body === 'string' ? { detail: body } : body;
    this.headers = headers;
  }
}

export type Answer = {
  status: number;
  body: ErrorBody;
  headers: Readonly<Record<string, string>>;
  /** To be logged with the error: the store cannot be asked, or the server's own fault. */
  fault: 'store' | 'own' | undefined;
};

// A store that is away is seldom back at once, and a client that asks each second does no harm.
const storeRetrySeconds = 1;

/** What a client is answered when a request ended with this error. */
export function answerFor(error: unknown): Answer {
  if (error instanceof Refusal) return answer(error.status, error.body, error.headers);
  if (error instanceof FieldErrors) return answer(400, { ...error.fields });
  if (error instanceof BadCredentials) return answer(400, { non_field_errors: [error.message] });
  if (error instanceof AuthenticationError) return answerFor(unauthorized(error.message));
  if (error instanceof NotFound) return answer(404, { detail: error.message });
  if (error instanceof RightsLost) return answer(403, { detail: error.message });
  if (error instanceof NotAllowed) return answer(409, { detail: error.message });
  if (error instanceof TooManyAttempts) {
    const seconds = wholeSeconds(error.retryAfterMs);
    const available = `Expected available in ${seconds} second${seconds === 1 ? '' : 's'}.`;
    return answer(429, { detail: `${error.message} ${available}` }, { 'Retry-After': String(seconds) });
  }
  if (error instanceof Overloaded) {
    const detail = `${error.message} Try again in a moment.`;
    return answer(503, { detail }, { 'Retry-After': String(wholeSeconds(error.retryAfterMs)) });
  }
  if (error instanceof StoreError && error.kind !== 'rejected' && error.kind !== 'conflict') {
    const detail = 'The database cannot be asked at the moment. Try again.';
    return { ...answer(503, { detail }, { 'Retry-After': String(storeRetrySeconds) }), fault: 'store' };
  }
  return { ...answer(500, { detail: 'The server failed. Its log says why.' }), fault: 'own' };
}

/** 401 with the header that RFC 9110 §11.6.1 demands. */
export function unauthorized(detail: string): Refusal {
  return new Refusal(401, detail, { 'WWW-Authenticate': 'Token' });
}

export function notFound(): Refusal {
  return new Refusal(404, 'Not found.');
}

function answer(status: number, body: ErrorBody, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body, headers, fault: undefined };
}

function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
