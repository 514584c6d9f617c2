/**
 * Holds back who sends more than any client needs to a node that does not have the session: before the bus and the
 * session's owner have work with it. The owner counts all the same, for it hears of every node; this one counts what comes
 * here. It must not know what is passed on.
 */
import type { Clock } from '../core/ports.ts';
import { RawCap } from '../core/raw-cap.ts';

/** Of one user: a client posts one after the other, and has a poll and the one after it. Many at once are pages that load. */
export const maxUnderWay = 64;
/** Users that are counted; beyond them the first is counted anew. About 2 MB, and more than one node serves in a second. */
const maxCounted = 10_000;

export class ForwardGuard {
  readonly #clock: Clock;
  readonly #hasCap: boolean;
  /** By user, for each has one session. */
  readonly #caps = new Map<number, RawCap>();
  readonly #underWay = new Map<number, number>();

  /** `hasCap` false: only what is under way is bounded. */
  constructor(clock: Clock, hasCap: boolean) {
    this.#clock = clock;
    this.#hasCap = hasCap;
  }

  /** Has it passed on, unless that is too much. A request without messages counts as one frame. */
  async pass<T>(
    userId: number,
    size: { frames: number; bytes: number },
    ask: () => Promise<T>,
  ): Promise<T | 'flooding'> {
    const underWay = this.#underWay.get(userId) ?? 0;
    const mayPass = !this.#hasCap || this.#capOf(userId).take(Math.max(1, size.frames), size.bytes);
    if (!mayPass || underWay >= maxUnderWay) return 'flooding';
    this.#underWay.set(userId, underWay + 1);
    try {
      return await ask();
    } finally {
      const left = (this.#underWay.get(userId) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(userId);
      else this.#underWay.set(userId, left);
    }
  }

  #capOf(userId: number): RawCap {
    const known = this.#caps.get(userId);
    if (known !== undefined) return known;
    const cap = new RawCap(this.#clock);
    this.#caps.set(userId, cap);
    const [oldest] = this.#caps.keys();
    if (this.#caps.size > maxCounted && oldest !== undefined) this.#caps.delete(oldest);
    return cap;
  }
}
