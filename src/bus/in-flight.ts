/** What was published and is not answered yet: bounded, so that a Redis that stands still does not fill the memory. */

/** About a second of a busy node; beyond, the connection does not carry what is said. */
export const maxInFlight: number = 20_000;
/** In characters; some moves of sessions with full outboxes (2 MiB each) fit in. */
export const maxInFlightLength: number = 64 * 1024 * 1024;

type Publication = {
  readonly at: number;
  readonly answered: Promise<number | undefined>;
  settle(hearing: number | undefined): void;
};

export class InFlight {
  /** In the order in which they were published. */
  readonly #all = new Set<Publication>();
  readonly #now: () => number;
  #length = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  hasRoomFor(length: number): boolean {
    return this.#all.size < maxInFlight && this.#length + length <= maxInFlightLength;
  }

  /** Resolves as `answered`, which must not reject, or undefined when it was given up before. */
  add(length: number, answered: Promise<number | undefined>): Promise<number | undefined> {
    return new Promise((resolve) => {
      const publication: Publication = { at: this.#now(), answered, settle: resolve };
      this.#all.add(publication);
      this.#length += length;
      void answered.then((hearing) => {
        this.#all.delete(publication);
        this.#length -= length;
        resolve(hearing);
      });
    });
  }

  async allAnswered(): Promise<void> {
    await Promise.all([...this.#all].map(({ answered }) => answered));
  }

  /** Nobody waits for those any longer that were published before; they count until they are answered. */
  giveUp(before: number): void {
    for (const publication of this.#all) {
      if (publication.at > before) break;
      publication.settle(undefined);
    }
  }
}
