/**
 * Who may not speak, and until when: in memory, so that no message waits for a look at the store. Loaded at the start and
 * kept by changes; what is over is forgotten.
 */
import type { Clock } from './ports.ts';

export type Mute = { id: number; until: number };

export class Mutes {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #byUser = new Map<number, number>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Until when the user is muted, in milliseconds since the epoch; undefined: may speak. */
  until(userId: number): number | undefined {
    const until = this.#byUser.get(userId);
    if (until === undefined || until > this.#clock.now()) return until;
    this.#byUser.delete(userId);
    return undefined;
  }

  /** `until` null: may speak again. */
  set(userId: number, until: number | null): void {
    const now = this.#clock.now();
    for (const [id, end] of this.#byUser) if (end <= now) this.#byUser.delete(id);
    if (until === null || until <= now) this.#byUser.delete(userId);
    else this.#byUser.set(userId, until);
  }

  /** Replaces everything. */
  reset(mutes: readonly Mute[]): void {
    this.#byUser.clear();
    for (const { id, until } of mutes) this.#byUser.set(id, until);
  }

  get size(): number {
    return this.#byUser.size;
  }
}
