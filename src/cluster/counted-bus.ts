/** A bus whose traffic is counted, for the metrics. */
import type { Bus } from '../core/cluster-ports.ts';

export type BusCounts = {
  /** Values published, to whatever channel. */
  published: number;
  /** Those of them that reached nobody for certain: the bus was away, or too much waited. */
  lost: number;
  /** Values heard, this node's own among them. */
  heard: number;
};

export function countBus(bus: Bus): Bus & { readonly counts: Readonly<BusCounts> } {
  const counts: BusCounts = { published: 0, lost: 0, heard: 0 };
  return {
    counts,
    get isAlone() {
      return bus.isAlone;
    },
    async publish(channel, value) {
      counts.published += 1;
      const hearing = await bus.publish(channel, value);
      if (hearing === undefined) counts.lost += 1;
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
