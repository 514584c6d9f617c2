/**
 * Whether this node hears all that the others say, as far as it can know: each of them tells all others every second that
 * it can be heard, since a node that Redis does not hear looks to the others like one that has nothing to say. It must not
 * know what is heard.
 */
import type { Bus, Peers } from '../core/cluster-ports.ts';
import type { Clock } from '../core/ports.ts';

const tellMs = 1_000;
/** One tick that is late, or was lost, is no reason to ask SQL for everything. */
const heardWithinMs = 2_500;
/** After a loss it takes some seconds until everything that came of it is over. */
const settleMs = 5_000;

export interface Hearing {
  hearsAll(): boolean;
  close(): void;
}

export type HearingOptions = {
  bus: Pick<Bus, 'isHealthy' | 'onRestored'>;
  peers: Pick<Peers, 'id' | 'tellAll' | 'on'>;
  clock: Pick<Clock, 'now' | 'after'>;
  /** Nodes that live, this one included. */
  living: ReadonlySet<string>;
};

export function createHearing({ bus, peers, clock, living }: HearingOptions): Hearing {
  const heardAt = new Map<string, number>();
  /** When it was last in doubt: in the beginning, too. */
  let doubtedAt = clock.now();
  // Not at once: the bus is only just being reached.
  let cancel = clock.after(tellMs, tell);

  function tell(): void {
    cancel = clock.after(tellMs, tell);
    peers.tellAll('tick', {});
    for (const node of heardAt.keys()) if (!living.has(node)) heardAt.delete(node);
  }

  function isHeard(node: string, now: number): boolean {
    return node === peers.id || now - (heardAt.get(node) ?? Number.NEGATIVE_INFINITY) <= heardWithinMs;
  }

  peers.on('tick', (_value, from) => void heardAt.set(from, clock.now()));
  const endRestored = bus.onRestored(() => {
    doubtedAt = clock.now();
  });

  return {
    hearsAll() {
      const now = clock.now();
      const isComplete = bus.isHealthy() && Array.from(living).every((node) => isHeard(node, now));
      // Not later than now, in case this node's clock was set back.
      doubtedAt = isComplete ? Math.min(doubtedAt, now) : now;
      return now - doubtedAt > settleMs;
    },
    close() {
      endRestored();
      cancel();
    },
  };
}
