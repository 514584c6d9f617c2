/** A bus whose traffic is counted, for the metrics. */
import type { Bus } from '../core/cluster-ports.ts';

export type BusCounts = {
  /** Values that the bus has taken, to whatever channel. */
  handed: number;
  /** Those that it did not take, or that nobody knows of: it was away, or too much waited. */
  lost: number;
  /** Values heard, this node's own among them. */
  heard: number;
};

export function countBus(bus: Bus): Bus & { readonly counts: Readonly<BusCounts> } {
  const counts: BusCounts = { handed: 0, lost: 0, heard: 0 };
  return {
    counts,
    get isAlone() {
      return bus.isAlone;
    },
    async publish(channel, value) {
      const hearing = await bus.publish(channel, value);
      counts[hearing === undefined ? 'lost' : 'handed'] += 1;
      return hearing;
    },
    subscribe: (channel, receive) =>
      bus.subscribe(channel, (value) => {
        counts.heard += 1;
        receive(value);
      }),
    isHealthy: () => bus.isHealthy(),
    onRestored: (listener) => bus.onRestored(listener),
    close: () => bus.close(),
  };
}
