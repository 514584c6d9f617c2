/**
 * How the server is, asked again and again while somebody looks: the last reading, when it was, and the course of the
 * last ones. Asks nothing while the page is hidden or paused, and at once when it is looked at again.
 */
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type { Now } from '../../protocol/admin.ts';
import type { AdminApi } from './api.ts';

/** Often enough to see something happen, seldom enough to cost the server nothing. */
export const readEveryMs = 5000;
/** Of five seconds each: the last five minutes. */
export const courseLength = 60;

export type Reading = { at: number; now: Now };
export type Watch = {
  /** The last that succeeded. */
  readonly last: ReadonlySignal<Reading | undefined>;
  /** Oldest first, `last` included. */
  readonly course: ReadonlySignal<readonly Reading[]>;
  /** What the last attempt ended with, if it failed. */
  readonly fault: ReadonlySignal<unknown>;
  readonly isPaused: ReadonlySignal<boolean>;
  setPaused(isPaused: boolean): void;
  /** Whether somebody can see it. */
  setVisible(isVisible: boolean): void;
  close(): void;
};

export type WatchParts = {
  api: Pick<AdminApi, 'now'>;
  now: () => number;
  /** Runs once after that time; returns how to prevent it. */
  after: (ms: number, run: () => void) => () => void;
};

export function openWatch({ api, now, after }: WatchParts): Watch {
  const last = signal<Reading | undefined>(undefined);
  const course = signal<readonly Reading[]>([]);
  const fault = signal<unknown>(undefined);
  const isPaused = signal(false);
  let isVisible = true;
  let cancelNext: () => void = () => {};
  let reading: AbortController | undefined;

  const rest = (): void => {
    cancelNext();
    reading?.abort();
    reading = undefined;
  };
  const read = async (): Promise<void> => {
    rest();
    const mine = new AbortController();
    reading = mine;
    try {
      const answer = await api.now({ signal: mine.signal });
      if (mine.signal.aborted) return;
      const taken = { at: now(), now: answer };
      batch(() => {
        last.value = taken;
        course.value = [...course.value, taken].slice(-courseLength);
        fault.value = undefined;
      });
    } catch (error) {
      if (mine.signal.aborted) return;
      fault.value = error;
    }
    // After the answer, not beside it: a slow server is not asked more often than it answers.
    cancelNext = after(readEveryMs, () => void read());
  };
  const follow = (): void => {
    if (isVisible && !isPaused.value) void read();
    else rest();
  };
  follow();
  return {
    last,
    course,
    fault,
    isPaused,
    setPaused(wanted) {
      isPaused.value = wanted;
      follow();
    },
    setVisible(wanted) {
      if (wanted === isVisible) return;
      isVisible = wanted;
      follow();
    },
    close: rest,
  };
}
