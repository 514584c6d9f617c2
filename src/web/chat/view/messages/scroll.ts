/**
 * Where the list of messages is scrolled to. It stays at its end as long as it was there; and when older messages come
 * in at the top, what is being read stays where it is: the distance from the bottom is kept, since not every browser
 * anchors by itself, and none does at the very top.
 */
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Item } from '../../model/model.ts';

/** Pixels from the end that still count as being there: less than a line. */
const nearPx = 24;

export type Scroll = {
  viewport: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  isAtEnd: boolean;
  /** Messages of others that came while it was not at the end. */
  newBelow: number;
  onScroll: () => void;
  toEnd: () => void;
};

/** What the scrolling needs to know of the rendering before. */
type Before = { first: string | undefined; last: string | undefined; isAtEnd: boolean };

const distanceOf = (element: HTMLElement): number => element.scrollHeight - element.scrollTop - element.clientHeight;
export const isNearEnd = (element: HTMLElement): boolean => distanceOf(element) < nearPx;

export function useScroll(items: readonly Item[], onAtEnd: (isAtEnd: boolean) => void): Scroll {
  const viewport = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const before = useRef<Before>({ first: undefined, last: undefined, isAtEnd: true });
  const [isAtEnd, setAtEnd] = useState(true);
  const [seenKey, setSeenKey] = useState<string | undefined>(undefined);
  // While rendering, the document is still as it was.
  const distance = viewport.current === null ? 0 : distanceOf(viewport.current);

  const note = (is: boolean): void => {
    if (before.current.isAtEnd === is) return;
    before.current.isAtEnd = is;
    setAtEnd(is);
    setSeenKey(is ? undefined : items.at(-1)?.key);
    onAtEnd(is);
  };
  const toEnd = (): void => {
    if (viewport.current !== null) viewport.current.scrollTop = viewport.current.scrollHeight;
    note(true);
  };

  useLayoutEffect(() => {
    const element = viewport.current;
    const { first, last, isAtEnd: wasAtEnd } = before.current;
    const newest = items.at(-1);
    before.current.first = items[0]?.key;
    before.current.last = newest?.key;
    if (element === null) return;
    const hasWritten =
      newest !== undefined && newest.key !== last && newest.you && last !== undefined && isWritten(newest);
    if (wasAtEnd || hasWritten) toEnd();
    else if (first !== undefined && first !== items[0]?.key) {
      element.scrollTop = element.scrollHeight - element.clientHeight - distance;
    }
  }, [items]);
  useStick(viewport, content, before, toEnd);
  return {
    viewport,
    content,
    isAtEnd,
    newBelow: isAtEnd ? 0 : countAfter(items, seenKey),
    onScroll: () => viewport.current !== null && note(isNearEnd(viewport.current)),
    toEnd,
  };
}

const isWritten = (item: Item): boolean => item.kind === 'message' || item.kind === 'command';

function countAfter(items: readonly Item[], key: string | undefined): number {
  let count = 0;
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const item = items[index];
    if (item === undefined || item.key === key) return count;
    if (item.kind === 'message' && !item.you) count += 1;
  }
  // The item is gone: nothing is known.
  return 0;
}

/** Stays at the end when the list, or what is in it, changes its size: a keyboard comes up, the composer grows. */
function useStick(
  viewport: RefObject<HTMLDivElement | null>,
  content: RefObject<HTMLDivElement | null>,
  before: { readonly current: Before },
  toEnd: () => void,
): void {
  useEffect(() => {
    const observer = new ResizeObserver(() => before.current.isAtEnd && toEnd());
    for (const { current } of [viewport, content]) if (current !== null) observer.observe(current);
    return () => observer.disconnect();
  }, []);
}
