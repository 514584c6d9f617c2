/**
 * Revocations of the last moments: a kick or a log-out that comes while a connection is being opened must not be missed.
 * Knows ids only.
 */
import type { FatalCode } from '../protocol/errors.ts';
import type { Principal } from './accounts.ts';
import type { Clock } from './ports.ts';

/** How long one is remembered: above what an opening can take (deadlines of the store, the proof, questions to other nodes). */
const keepMs = 60_000;

/** `tokenId` undefined: the user was sent away, whatever the token. */
type Revocation = { at: number; sequence: number; userId: number; tokenId: number | undefined };

export class Revocations {
  readonly #clock: Pick<Clock, 'now'>;
  #kept: Revocation[] = [];
  #sequence = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** The place of the latest one. */
  get latest(): number {
    return this.#sequence;
  }

  note(userId: number, tokenId: number | undefined): void {
    const now = this.#clock.now();
    this.#sequence += 1;
    this.#kept = this.#kept.filter((one) => one.at > now - keepMs);
    this.#kept.push({ at: now, sequence: this.#sequence, userId, tokenId });
  }

  /** What happened to the principal after the place `begun`. */
  since(begun: number, { user, token }: Principal): FatalCode | undefined {
    const one = this.#kept.find(
      ({ sequence, userId, tokenId }) =>
        sequence > begun && userId === user.id && (tokenId === undefined || tokenId === token.id),
    );
    return one && (one.tokenId === undefined ? 'kicked' : 'not-authenticated');
  }
}
