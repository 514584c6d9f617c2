/** How much fits beside each other. The widths are those of shell.css. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { browserStore } from '../../common/storage.ts';

function matches(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const is = signal(list.matches);
  list.addEventListener('change', () => {
    is.value = list.matches;
  });
  return is;
}

/** One thing at a time: the rooms, or a room. */
export const isNarrow: ReadonlySignal<boolean> = matches('(width < 44rem)');
/** The people of a room have a column of their own. */
export const isWide: ReadonlySignal<boolean> = matches('(width >= 68rem)');
/** Whoever uses a mouse wants to type at once; on a phone the keyboard would hide half the page. */
export const hasMouse: ReadonlySignal<boolean> = matches('(pointer: fine)');

const key = 'finchat.people';

const shown = signal(browserStore.readText(key) !== 'hidden');
/** Whether the column of people is shown where there is room for it. */
export const isPeopleColumnShown: ReadonlySignal<boolean> = shown;

export function showPeopleColumn(isShown: boolean): void {
  shown.value = isShown;
  browserStore.writeText(key, isShown ? undefined : 'hidden');
}
