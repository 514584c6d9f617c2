/**
 * What nobody needs any more, kept for a while before it is dropped, because it is dear to get again. Bounded. It must not
 * know what is kept; whether it is needed again by then is the business of whoever drops it.
 */
import type { Clock } from './ports.ts';

/** A user joins and parts ten times a second at most; this makes one opening of ten seconds of it, and a memory is short. */
const lingerMsDefault = 10_000;
/** Each may have the list of a large room, and its newest messages. More than some users can leave in that time. */
const maxLingering = 1_000;

export type LingeringOptions<Thing> = {
  clock: Pick<Clock, 'after'>;
  drop: (thing: Thing) => void;
  lingerMs?: number;
};

export class Lingering<Thing> {
  readonly #options: LingeringOptions<Thing>;
  /** With what calls off its end, the oldest first. */
  readonly #all = new Map<Thing, () => void>();

  constructor(options: LingeringOptions<Thing>) {
    this.#options = options;
  }

  /** It is kept from now on, or for as long again. */
  add(thing: Thing): void {
    this.#all.get(thing)?.();
    this.#all.delete(thing);
    const { clock, lingerMs } = this.#options;
    this.#all.set(
      thing,
      clock.after(lingerMs ?? lingerMsDefault, () => this.#end(thing)),
    );
    const [oldest] = this.#all.keys();
    if (this.#all.size > maxLingering && oldest !== undefined) this.#end(oldest);
  }

  #end(thing: Thing): void {
    this.#all.get(thing)?.();
    this.#all.delete(thing);
    this.#options.drop(thing);
  }
}
