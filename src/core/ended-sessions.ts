/**
 * How sessions ended by a fatal whose clients may not have heard it: one that was between two polls, or cut off, comes
 * with its cursor, and is told then. Knows ids only.
 */
import type { FatalCode } from '../protocol/errors.ts';
import { parseCursor } from './cursor.ts';
import type { Clock } from './ports.ts';

/** Kept at once: far more than end this way in the time; about 2 MB. */
const maxKept = 10_000;

export class EndedSessions {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #keepMs: number;
  /** By id, oldest first. */
  readonly #ends = new Map<string, { code: FatalCode; at: number }>();

  /** `keepMs`: for how long a client may come back. */
  constructor(clock: Pick<Clock, 'now'>, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /** `id` undefined: nobody can come back to it. */
  note(id: string | undefined, code: FatalCode): void {
    if (id === undefined) return;
    const now = this.#clock.now();
    for (const [oldest, { at }] of this.#ends) {
      if (at > now - this.#keepMs && this.#ends.size < maxKept) break;
      this.#ends.delete(oldest);
    }
    this.#ends.set(id, { code, at: now });
  }

  /** The fatal that ended the cursor's session; undefined: not known of any. */
  codeOf(cursor: string): FatalCode | undefined {
    const end = this.#ends.get(parseCursor(cursor)?.session ?? '');
    return end !== undefined && end.at > this.#clock.now() - this.#keepMs ? end.code : undefined;
  }
}
