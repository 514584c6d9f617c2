/**
 * Whose turn it is to be looked at: everything once in ten seconds, a part with each look, so that no look is a large one.
 * It must not know what is looked at.
 */
import type { Clock } from './ports.ts';

/** A loss that nobody noticed waits for so long at most, in a room that was opened since the last round for one round more. */
const roundMs = 10_000;
/** Looks in which a round is done: at two a second it is over some seconds before the next begins. */
const looksPerRound = 14;
/** A statement costs as much as a hundred rooms in it: fewer at once would not spare anything. */
const minAtOnce = 500;

export class Rounds {
  readonly #clock: Pick<Clock, 'now'>;
  #beganAt: number;
  #left: number[] = [];
  #atOnce = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
    this.#beganAt = clock.now();
  }

  /** Those whose turn it is among all that there are. They have it again until they are `done`. */
  next(all: ReadonlyMap<number, unknown>): number[] {
    const now = this.#clock.now();
    // A clock that was set back does not put it off.
    const isDue = now - this.#beganAt >= roundMs || now < this.#beganAt;
    if (this.#left.length === 0 && isDue) {
      this.#beganAt = now;
      this.#left = Array.from(all.keys());
      this.#atOnce = Math.max(minAtOnce, Math.ceil(this.#left.length / looksPerRound));
    }
    return this.#left.slice(0, this.#atOnce).filter((id) => all.has(id));
  }

  /** What `next` gave was looked at. */
  done(): void {
    this.#left.splice(0, this.#atOnce);
  }
}
