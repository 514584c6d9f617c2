/** What the chat counts about itself: plain numbers, cheap on the path of a message; the metrics read them when asked. */
import type { ErrorCode, FatalCode } from '../protocol/errors.ts';

export type Counters = {
  /** Messages that were stored and shown. */
  stored: number;
  /** Room frames handed to members. */
  delivered: number;
  /** Connections that went on with a session, and those that wanted to and could not. */
  resumed: number;
  notResumed: number;
  readonly errors: Map<ErrorCode | FatalCode, number>;
};

export function createCounters(): Counters {
  return { stored: 0, delivered: 0, resumed: 0, notResumed: 0, errors: new Map() };
}

export function countError(counters: Counters, code: ErrorCode | FatalCode): void {
  counters.errors.set(code, (counters.errors.get(code) ?? 0) + 1);
}
