/**
 * A process with some connections to Redis, as nodes have them, told over the channel to its parent what to do. So the
 * CPU of who publishes is measured apart from that of who hears.
 */

import { openRedisBus } from '../src/bus/redis-bus.ts';
import { systemClock } from '../src/core/clock.ts';
import type { Bus } from '../src/core/cluster-ports.ts';

export type BusOrder =
  | { kind: 'open'; url: string; buses: number; channel: string | null }
  | { kind: 'publish'; channel: string; value: object; count: number; atOnce: number }
  | { kind: 'heard' };
export type BusAnswer = { heard: number };

const buses: Bus[] = [];
let heard = 0;
const log = { info() {}, warn() {}, error() {} };

async function obey(order: BusOrder): Promise<void> {
  if (order.kind === 'open') {
    for (let index = 0; index < order.buses; index += 1) {
      const bus = openRedisBus(order.url, { clock: systemClock, log });
      buses.push(bus);
      if (order.channel !== null) await bus.subscribe(order.channel, () => void (heard += 1)).ready;
    }
    // Healthy: connected in both directions.
    while (buses.some((bus) => !bus.isHealthy())) await new Promise((resolve) => setTimeout(resolve, 20));
  } else if (order.kind === 'publish') {
    const publish = async (): Promise<unknown> => buses[0]?.publish(order.channel, order.value);
    for (let sent = 0; sent < order.count; sent += order.atOnce) {
      await Promise.all(Array.from({ length: order.atOnce }, publish));
    }
  }
}

process.once('disconnect', () => process.exit());
process.on('message', (order: BusOrder) => {
  void obey(order).then(() => process.send?.({ heard } satisfies BusAnswer));
});
