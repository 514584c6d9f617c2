/** The focus is never lost: when what had it goes away, the heading of what came instead has it. */
import { useEffect } from 'preact/hooks';
import { hasMouse } from './layout.ts';

/** `shown` changes when something else is shown. Whoever wants the focus for itself has taken it before. */
export function useKeptFocus(shown: string): void {
  useEffect(() => {
    const { activeElement } = document;
    const isLost = activeElement === null || activeElement === document.body || !isSeen(activeElement);
    if (isLost) headings().find(isSeen)?.focus({ preventScroll: true });
  }, [shown]);
}

/** For a button that goes away when it was pressed: back to writing; or to the heading, where the keyboard would come up. */
export function focusWriting(): void {
  const composer = hasMouse.peek() ? document.querySelector<HTMLElement>('#composer') : null;
  (composer ?? headings().find(isSeen))?.focus({ preventScroll: true });
}

/** Those of what is shown before that of the whole page. */
const headings = (): HTMLElement[] =>
  ['main [data-heading]', '[data-heading]'].flatMap((all) => Array.from(document.querySelectorAll<HTMLElement>(all)));

/** A phone shows one part of the page at a time; the others are there, without a place. */
const isSeen = (element: Element): boolean => element.getClientRects().length > 0;
