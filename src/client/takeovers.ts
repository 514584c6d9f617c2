/**
 * Whether `resumed-elsewhere` is believed. The session may have passed to a request of this client itself, or of the one
 * that handed it over: an attempt that was given up and arrived all the same, or a poll that something on the way sent
 * twice. Then the session is there to be had back. Another client that really goes on with it has it back as well, and
 * this one, which lost it first, is the first to believe it.
 */
import type { TransportKind } from './transports/transport.ts';

export const takeoverLimits = {
  /** Milliseconds in which an attempt that was given up may still arrive; and after which the count begins anew. */
  strayMs: 30_000,
  /** How often in that time the session is asked for again. */
  disputes: 3,
} as const;

export class Takeovers {
  readonly #now: () => number;
  #strayAt = Number.NEGATIVE_INFINITY;
  #disputedAt = Number.NEGATIVE_INFINITY;
  #disputes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** An attempt with the session's cursor did not open, and may be under way still. */
  onStray(): void {
    this.#strayAt = this.#now();
  }

  /** The session passed away from a line of `kind`. Tells whether to ask for it again, which counts. */
  isDisputed(kind: TransportKind): boolean {
    const { strayMs, disputes } = takeoverLimits;
    const now = this.#now();
    if (kind !== 'poll' && now - this.#strayAt > strayMs) return false;
    if (now - this.#disputedAt > strayMs) this.#disputes = 0;
    this.#disputedAt = now;
    this.#disputes += 1;
    return this.#disputes <= disputes;
  }
}
