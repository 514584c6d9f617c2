/**
 * What other nodes' clocks show. Each publication carries its sender's clock; the one that took least time on its way
 * tells best. With it a question can say at what time of the other's clock it was asked, so that the other knows one
 * that was held up, by whatever lies between the two, without their clocks agreeing.
 */
import type { Clock } from '../core/ports.ts';

/** Clocks drift apart by some milliseconds in this time, and a clock that was set is believed again after two of it. */
const windowMs = 60_000;
/** Nodes whose clocks are known at once: more than a cluster has. */
const maxNodes = 10_000;

/** Differences to this node's clock, each too small by the time that the publication took. */
type Known = { since: number; best: number; bestBefore: number };

export class NodeClocks {
  readonly #clock: Pick<Clock, 'now'>;
  /** By node, those whose window began longest ago first. */
  readonly #known = new Map<string, Known>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  hear(node: string, at: number): void {
    const now = this.#clock.now();
    const known = this.#known.get(node);
    if (known !== undefined && isWithin(now - known.since, windowMs)) {
      known.best = Math.max(known.best, at - now);
      return;
    }
    const bestBefore = known !== undefined && isWithin(now - known.since, 2 * windowMs) ? known.best : -Infinity;
    this.#known.delete(node);
    this.#known.set(node, { since: now, best: at - now, bestBefore });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= maxNodes) break;
      this.#known.delete(oldest);
    }
  }

  /** What the node's clock shows now, or a little less; undefined: nothing was heard of it lately. */
  guess(node: string): number | undefined {
    const known = this.#known.get(node);
    const now = this.#clock.now();
    if (known === undefined || !isWithin(now - known.since, 2 * windowMs)) return undefined;
    return now + Math.max(known.best, known.bestBefore);
  }

  forget(node: string): void {
    this.#known.delete(node);
  }
}

/** Not when this node's own clock was set back. */
function isWithin(elapsedMs: number, limitMs: number): boolean {
  return elapsedMs >= 0 && elapsedMs < limitMs;
}
