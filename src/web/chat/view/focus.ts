/** The focus is never lost: when what had it goes away, the heading of what came instead has it. */
import { useEffect } from 'preact/hooks';

/** `shown` changes when something else is shown. Whoever wants the focus for itself has taken it before. */
export function useKeptFocus(shown: string): void {
  useEffect(() => {
    const { activeElement } = document;
    const isLost = activeElement === null || activeElement === document.body || !isSeen(activeElement);
    if (isLost) headings().find(isSeen)?.focus({ preventScroll: true });
  }, [shown]);
}

const headings = (): HTMLElement[] =>
  Array.from(document.querySelectorAll<HTMLElement>('main [data-heading], [data-heading]'));

/** A phone shows one part of the page at a time; the others are there, without a place. */
const isSeen = (element: Element): boolean => element.getClientRects().length > 0;
