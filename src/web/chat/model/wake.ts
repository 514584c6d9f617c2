/**
 * What the browser says of the page and its machine: seen again, a network again, awake again. Then nobody wants to wait
 * for what the client would find out by itself later.
 */
import { effect, type ReadonlySignal, untracked } from '@preact/signals';
import type { Timers } from '../../../client/index.ts';

/** Milliseconds between two looks at the clock, and by how much it is ahead after a sleep; more than a busy page is late. */
const lookMs = 10_000;
const sleptMs = 20_000;

export type WakeDeps = {
  isVisible: ReadonlySignal<boolean>;
  isOnline: ReadonlySignal<boolean> | undefined;
  /** Milliseconds since the epoch: that clock goes on while a machine sleeps. */
  now: () => number;
  timers: Timers;
  onVisible: () => void;
  onNetwork: (isOnline: boolean) => void;
  /** The connection may have broken unseen, or may be had again. */
  onWake: () => void;
};

/** Returns what stops it. */
export function watchWake({ isVisible, isOnline, now, timers, onVisible, onNetwork, onWake }: WakeDeps): () => void {
  let wasOnline = isOnline?.peek() ?? true;
  let lookedAt = now();
  let timer: unknown;
  const look = (): void => {
    // The browser lets a hidden page's timers sleep, which says nothing.
    if (isVisible.peek() && now() - lookedAt > lookMs + sleptMs) onWake();
    lookedAt = now();
    timer = timers.setTimeout(look, lookMs);
  };
  timer = timers.setTimeout(look, lookMs);
  const stops = [
    effect(() => {
      if (!isVisible.value) return;
      untracked(() => {
        onVisible();
        onWake();
      });
    }),
    effect(() => {
      const online = isOnline?.value ?? true;
      if (online === wasOnline) return;
      wasOnline = online;
      untracked(() => {
        onNetwork(online);
        // Also where the network is gone: a connection that hangs in the air is found out soon.
        onWake();
      });
    }),
  ];
  return () => {
    timers.clearTimeout(timer);
    for (const stop of stops) stop();
  };
}
