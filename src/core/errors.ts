/**
 * The errors that the core's use cases throw on purpose. They are data: what went wrong and, where it helps, when to
 * come back. They know no status and no frame; each edge (HTTP, command line) has one place that turns them into answers.
 */

/** Sentences by field; all faults of all fields at once. */
export type FieldFaults = Record<string, string[]>;

/** What was given cannot be taken. */
export class FieldErrors extends Error {
  readonly fields: Readonly<FieldFaults>;
  constructor(fields: FieldFaults, options?: ErrorOptions) {
    super(
      Object.entries(fields)
        .map(([field, faults]) => `${field}: ${faults.join(' ')}`)
        .join(' '),
      options,
    );
    this.name = 'FieldErrors';
    this.fields = fields;
  }
}

/** Unknown user, wrong password or inactive user: which of them is nobody's business. */
export class BadCredentials extends Error {
  constructor() {
    super('Unable to log in with provided credentials.');
    this.name = 'BadCredentials';
  }
}

/** A token that opens nothing. A token of an inactive user counts as unknown. */
export class AuthenticationError extends Error {
  readonly reason: 'unknown' | 'expired';
  constructor(reason: 'unknown' | 'expired') {
    super(reason === 'expired' ? 'Token has expired.' : 'Invalid token.');
    this.name = 'AuthenticationError';
    this.reason = reason;
  }
}

/** Too many attempts in a window of time. */
export class TooManyAttempts extends Error {
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number) {
    super('Request was throttled.');
    this.name = 'TooManyAttempts';
    this.retryAfterMs = retryAfterMs;
  }
}

/** A bounded queue is full: nothing was done, the same call may be made again later. */
export class Overloaded extends Error {
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number) {
    super('The server is busy.');
    this.name = 'Overloaded';
    this.retryAfterMs = retryAfterMs;
  }
}

/** What was named does not exist (any more). The message is a sentence that says what. */
export class NotFound extends Error {
  readonly what: 'room' | 'message' | 'user' | 'token';
  constructor(what: 'room' | 'message' | 'user' | 'token', name: string | number) {
    super(`There is no ${what} ${name}.`);
    this.name = 'NotFound';
    this.what = what;
  }
}

/** Whoever began an act was an administrator then, and is none any more. */
export class RightsLost extends Error {
  constructor() {
    super('Only administrators may do this.');
    this.name = 'RightsLost';
  }
}

/** An act that is refused though everything in it exists: on oneself, and it would lock one out. The message is a sentence. */
export class NotAllowed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotAllowed';
  }
}
