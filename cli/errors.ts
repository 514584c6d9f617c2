/** Which errors are sentences for people, and what a command ends with. Knows no command. */

import type { NotFound } from '../src/core/errors.ts';

/** Exit codes, as shells and manage.py's users expect them. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/** A refusal whose message is a sentence that says what to do. Ends with exit 1. */
export class CommandError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
  }
}

/** Arguments that do not fit together. Ends with exit 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** Somebody pressed Ctrl-C or Ctrl-D at a prompt. */
export class Cancelled extends Error {
  constructor() {
    super('Operation cancelled.');
    this.name = 'Cancelled';
  }
}

/** Ends a command whose output is complete with another code than 0: a check that found faults. */
export class ExitWith extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.name = 'ExitWith';
    this.code = code;
  }
}

/**
 * Errors whose messages were written for people, by name: importing the modules of other layers here would slow every
 * start. The project throws plain Errors with sentences; mistakes are TypeErrors and their like.
 */
const spoken = new Set(['Error', 'CommandError', 'UsageError', 'Cancelled', 'ConfigError', 'StoreError', 'NotAllowed']);

/** The text for stderr. What was not foreseen shows its stack: it is a fault to report. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `Unexpected error: ${String(error)}`;
  if (isFieldErrors(error)) return describeFields(error.fields);
  if (isNotFound(error)) return `${error.message} See ${whereToLook[error.what]}.`;
  if (spoken.has(error.name)) return error.message;
  return `Unexpected error: ${error.stack ?? error.message}`;
}

function isFieldErrors(error: Error): error is Error & { fields: Readonly<Record<string, readonly string[]>> } {
  return error.name === 'FieldErrors' && 'fields' in error;
}

const whereToLook: Readonly<Record<NotFound['what'], string>> = {
  room: '"finchat rooms list"',
  user: '"finchat users list", or "finchat users create"',
  token: '"finchat tokens list --all"',
  message: '"finchat messages list ROOM"',
};

function isNotFound(error: Error): error is NotFound {
  return error.name === 'NotFound' && 'what' in error;
}

/** `The password: This password is too common.` A line a field, the first letter of each sentence as it is. */
function describeFields(fields: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(fields)
    .map(([field, faults]) => `The ${field} cannot be taken: ${faults.join(' ')}`)
    .join('\n');
}
