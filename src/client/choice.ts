/**
 * Which transport to try: the best that works, and none given up for ever. Knows what became of the attempts, and does
 * nothing itself.
 *
 * The transports are rungs, the best on top. An attempt begins on the rung of the last connection that opened, on the
 * top one at first. One that does not open leads to the rung below, at once; below the last it is over with this round,
 * and after a wait the next begins on top. A rung whose connections die young in a row is left as well: twice where they
 * have carried no answer, a few times where they have.
 * On a lower rung the better ones are tried again after a time, which doubles with each vain round.
 */
import { connectionTimes } from './connection-times.ts';
import type { TransportKind } from './transports/transport.ts';

/** In a row; a network that breaks now and then is no reason to leave a transport, and breaks the others as well. */
const uselessDeaths = 2;
const youngDeaths = 5;

export class Choice {
  readonly #rungs: readonly TransportKind[];
  readonly #now: () => number;
  #rung = 0;
  #uselessDeaths = 0;
  #youngDeaths = 0;
  #waitMs: number = connectionTimes.climbMs;
  #climbAt: number | undefined;

  /** `rungs`: the best first, one at least. `now`: milliseconds of a clock that does not jump. */
  constructor(rungs: readonly TransportKind[], now: () => number) {
    this.#rungs = rungs;
    this.#now = now;
  }

  get kind(): TransportKind {
    return this.#rungs[this.#rung] as TransportKind;
  }

  /** Milliseconds from opening to the greeting. The last rung has nothing to make way for. */
  get openMs(): number {
    return this.#rung < this.#rungs.length - 1 ? connectionTimes.tryMs : connectionTimes.openMs;
  }

  /** The transports above, the best first. */
  get better(): readonly TransportKind[] {
    return this.#rungs.slice(0, this.#rung);
  }

  /**
   * Milliseconds until the better ones are to be tried; undefined where there are none. The time runs on while
   * connections come and go, or one that is cut every minute would never be left.
   */
  climbWaitMs(): number | undefined {
    if (this.#rung === 0) {
      this.#climbAt = undefined;
      return undefined;
    }
    this.#climbAt ??= this.#now() + this.#waitMs;
    return Math.max(0, this.#climbAt - this.#now());
  }

  /** The transport did not open. Tells whether the next may be tried at once. */
  onFailed(): boolean {
    this.#forgetDeaths();
    this.#rung = (this.#rung + 1) % this.#rungs.length;
    return this.#rung !== 0;
  }

  /** A connection is gone, by no wish of the server. `isYoung`: it opened moments ago. `hasServed`: it has carried an answer. */
  onDied(isYoung: boolean, hasServed: boolean): void {
    if (!isYoung) {
      this.#forgetDeaths();
      if (this.#rung === 0) this.#waitMs = connectionTimes.climbMs;
      return;
    }
    this.#youngDeaths += 1;
    this.#uselessDeaths = hasServed ? 0 : this.#uselessDeaths + 1;
    if (this.#uselessDeaths >= uselessDeaths || this.#youngDeaths >= youngDeaths) this.onFailed();
  }

  /** The better ones were tried; `kind` opened, or none. */
  onClimbed(kind: TransportKind | undefined): void {
    this.#climbAt = undefined;
    if (kind !== undefined) {
      this.#rung = this.#rungs.indexOf(kind);
      this.#forgetDeaths();
    }
    // It opened before and was left all the same: only what lasts makes the wait short again.
    this.#waitMs = Math.min(this.#waitMs * 2, connectionTimes.climbMaxMs);
  }

  #forgetDeaths(): void {
    this.#uselessDeaths = 0;
    this.#youngDeaths = 0;
  }
}
