/** The day it is, for the names of days: it changes at the reader's midnight, or when a sleeping computer wakes up. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { times } from '../../../common/texts.ts';

const current = signal(times.day(Date.now()));
export const today: ReadonlySignal<string> = current;

const look = (): void => {
  current.value = times.day(Date.now());
};
/** Milliseconds: who reads at midnight waits so long for "Yesterday". */
setInterval(look, 60_000);
document.addEventListener('visibilitychange', look);
