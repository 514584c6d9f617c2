/** How much the chat does: messages and deliveries a second, as means of the last minute, from its counters. */
import type { Counters } from './counters.ts';
import type { Clock } from './ports.ts';

const windowMs = 60_000;
/** Between two looks at the counters: the mean is of the last minute, give or take this. */
const lookMs = 5_000;

export interface Rates {
  /** Means since the start while that is less than a minute ago. */
  now(): { messagesPerSecond: number; deliveriesPerSecond: number };
  close(): void;
}

type Look = { at: number; stored: number; delivered: number };

export function openRates(counters: Pick<Counters, 'stored' | 'delivered'>, clock: Clock): Rates {
  const look = (): Look => ({ at: clock.now(), stored: counters.stored, delivered: counters.delivered });
  /** Of the last minute, oldest first. */
  const looks: Look[] = [];
  let cancel: () => void = () => {};

  function run(): void {
    looks.push(look());
    if (looks.length > windowMs / lookMs) looks.shift();
    cancel = clock.after(lookMs, run);
  }

  run();
  return {
    now() {
      const last = look();
      const first = looks[0] ?? last;
      // In the first moments a single message would look like hundreds a second.
      const seconds = Math.max(last.at - first.at, lookMs) / 1000;
      return {
        messagesPerSecond: (last.stored - first.stored) / seconds,
        deliveriesPerSecond: (last.delivered - first.delivered) / seconds,
      };
    },
    close: () => cancel(),
  };
}
