/**
 * How much of a room is rendered. A room that was read far back has thousands of messages at hand; opening it again shows
 * its end, and the rest as the reader scrolls up, as if it came from the server.
 */
import { useMemo, useState } from 'preact/hooks';
import type { Item } from '../../model/model.ts';

/** Items shown at once: some screens of them, rendered within a blink. */
const atFirst = 150;
/** Items added at a time: as many as a page of history has. */
const step = 50;

/** The index of the first item to show, at first. What is new is shown, whatever it costs. */
export function firstShown(items: readonly Item[], newFrom: string | undefined): number {
  const first = Math.max(0, items.length - atFirst);
  const fresh = newFrom === undefined ? -1 : items.findIndex((item) => item.key === newFrom);
  return fresh < 0 ? first : Math.min(first, Math.max(0, fresh - step));
}

export type Shown = {
  items: readonly Item[];
  /** Some that are at hand are not shown yet: `showMore` shows the next. */
  hasMore: boolean;
  showMore: () => void;
};

export function useShown(items: readonly Item[], newFrom: string | undefined): Shown {
  // A key, since an index would mean another item after a change. Undefined: everything is shown.
  const [fromKey, setFromKey] = useState(() => keyAt(items, firstShown(items, newFrom)));
  const index = fromKey === undefined ? 0 : items.findIndex((item) => item.key === fromKey);
  const from = Math.max(0, index);
  const shown = useMemo(() => (from === 0 ? items : items.slice(from)), [items, from]);
  return { items: shown, hasMore: from > 0, showMore: () => setFromKey(keyAt(items, Math.max(0, from - step))) };
}

const keyAt = (items: readonly Item[], index: number): string | undefined =>
  index === 0 ? undefined : items[index]?.key;
