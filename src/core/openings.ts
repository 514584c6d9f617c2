/**
 * Who is at a user's place at the moment: one session a user begins, comes, goes or is asked for a proof at a time. Knows
 * users and keys of sessions only.
 */

import { createSettling } from './settling.ts';

/** `key`: of the session whose being here is not known yet; undefined: known of each. `isSlow`: see `noteSlow`. */
type Opening = { key: string | undefined; done: Promise<void>; isSlow: boolean };

type Wanted = { readonly userId: number; readonly key: string };

export class Openings {
  readonly #byUser = new Map<number, Opening>();

  has(userId: number): boolean {
    return this.#byUser.has(userId);
  }

  /** To be called when there is none for the user; it is over when what this returns is called. */
  begin(userId: number, key: string | undefined): () => void {
    const { over, settle } = createSettling();
    this.#byUser.set(userId, { key, done: over, isSlow: false });
    return () => {
      this.#byUser.delete(userId);
      settle();
    };
  }

  /** What is under way for the user waits for no client's proof any more, but for a store or another node. */
  noteSlow(userId: number): void {
    const opening = this.#byUser.get(userId);
    if (opening !== undefined) opening.isSlow = true;
  }

  isSlow(userId: number): boolean {
    return this.#byUser.get(userId)?.isSlow === true;
  }

  /** Whether it is known if the session is here: not while it is about to begin, to come or to go. */
  isSettled({ userId, key }: Wanted): boolean {
    return this.#byUser.get(userId)?.key !== key;
  }

  /** Resolves when it is known whether the session is here. */
  async settled({ userId, key }: Wanted): Promise<void> {
    const opening = this.#byUser.get(userId);
    if (opening?.key === key) await opening.done;
  }

  /** Resolves when the one that there is now is over. The next may have begun by then: see `has`. */
  async done(userId: number): Promise<void> {
    await this.#byUser.get(userId)?.done;
  }
}
