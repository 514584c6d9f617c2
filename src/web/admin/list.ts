/**
 * A list of the admin API as the page holds it: the pages read so far, whether there are more, and what went wrong.
 * What is shown stays while something else is being read, and what comes late for a filter of before is dropped.
 */
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Listing, ListWish } from './api.ts';

export type List<Filter, Item> = {
  /** Undefined: nothing was read yet. */
  readonly items: ReadonlySignal<readonly Item[] | undefined>;
  /** `first`: the items, if any, are of a filter or a moment before. `more`: the page that follows them. */
  readonly reading: ReadonlySignal<'first' | 'more' | undefined>;
  /** What the last reading ended with, when it failed. */
  readonly fault: ReadonlySignal<unknown>;
  readonly hasMore: ReadonlySignal<boolean>;
  /** Reads the first page for this filter. Never rejects, as the others do not. */
  show(filter: Filter): Promise<void>;
  /** The first page again, for what it was shown for. */
  reload(): Promise<void>;
  /** Does nothing while something is being read. */
  readMore(): Promise<void>;
  /** What an act has taken away. */
  remove(matches: (item: Item) => boolean): void;
  /** What is read is not wanted any more. */
  close(): void;
};

export function createList<Filter, Item>(
  read: (filter: Filter, wish: ListWish) => Promise<Listing<Item>>,
): List<Filter, Item> {
  const items = signal<readonly Item[] | undefined>(undefined);
  const reading = signal<'first' | 'more' | undefined>(undefined);
  const fault = signal<unknown>(undefined);
  const next = signal<string | null>(null);
  let shown: { filter: Filter } | undefined;
  let current: AbortController | undefined;

  const run = async (which: 'first' | 'more', filter: Filter, after: string | undefined): Promise<void> => {
    current?.abort();
    const mine = new AbortController();
    current = mine;
    batch(() => {
      reading.value = which;
      fault.value = undefined;
    });
    try {
      const page = await read(filter, { after, signal: mine.signal });
      if (mine.signal.aborted) return;
      batch(() => {
        items.value = which === 'first' ? page.items : [...(items.value ?? []), ...page.items];
        next.value = page.next;
        reading.value = undefined;
      });
    } catch (error) {
      if (mine.signal.aborted) return;
      batch(() => {
        fault.value = error;
        reading.value = undefined;
      });
    }
  };

  return {
    items,
    reading,
    fault,
    hasMore: computed(() => next.value !== null),
    show(filter) {
      shown = { filter };
      return run('first', filter, undefined);
    },
    async reload() {
      if (shown !== undefined) await run('first', shown.filter, undefined);
    },
    async readMore() {
      if (shown === undefined || reading.value !== undefined || next.value === null) return;
      await run('more', shown.filter, next.value);
    },
    remove(matches) {
      items.value = items.value?.filter((item) => !matches(item));
    },
    close: () => current?.abort(),
  };
}
