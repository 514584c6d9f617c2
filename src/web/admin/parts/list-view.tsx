/** A list in each of its states: being loaded, empty, failed, shown, and with more to come. */
import './list-view.css';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Button } from '../../common/components/button.tsx';
import { Skeleton } from '../../common/components/empty.tsx';
import { Notice } from '../../common/components/notice.tsx';
import { texts } from '../../common/texts.ts';
import { sentenceOf } from '../faults.ts';
import type { List } from '../list.ts';

const said = texts.admin.list;

type ListViewProps<Filter, Item> = {
  list: List<Filter, Item>;
  empty: ComponentChildren;
  children: (items: readonly Item[], isStale: boolean) => ComponentChildren;
};

export function ListView<Filter, Item>({ list, empty, children }: ListViewProps<Filter, Item>) {
  const items = list.items.value;
  const reading = list.reading.value;
  const fault = list.fault.value;
  if (items === undefined) {
    return fault === undefined ? <Loading /> : <Failed fault={fault} retry={() => void list.reload()} />;
  }
  return (
    <>
      {fault !== undefined && !list.hasMore.value && <Failed fault={fault} retry={() => void list.reload()} />}
      {items.length === 0 ? empty : children(items, reading === 'first')}
      <ListEnd list={list} count={items.length} />
    </>
  );
}

function ListEnd<Filter, Item>({ list, count }: { list: List<Filter, Item>; count: number }) {
  const words = useRef<HTMLParagraphElement>(null);
  const wasPressed = useRef(false);
  const hasMore = list.hasMore.value;
  const fault = list.fault.value;
  const isReading = list.reading.value === 'more';
  useEffect(() => {
    // The button that had the focus is gone: what it led to begins here.
    if (!hasMore && wasPressed.current) words.current?.focus();
  }, [hasMore]);
  const sentence = hasMore ? said.some(count) : said.all(count);
  return (
    <footer class="list-end">
      {hasMore && fault !== undefined && (
        <Notice tone="bad" role="alert">
          {texts.admin.faults.moreFailed} {sentenceOf(fault)}
        </Notice>
      )}
      <p ref={words} tabIndex={-1} role="status">
        {list.reading.value === 'first' ? texts.admin.loading : count === 0 ? '' : sentence}
      </p>
      {hasMore && (
        <Button
          isBusy={isReading}
          onClick={() => {
            wasPressed.current = true;
            void list.readMore();
          }}
        >
          {isReading ? said.loadingMore : said.more}
        </Button>
      )}
    </footer>
  );
}

/** Lines that breathe where the list will be. */
export function Loading() {
  return (
    <div class="loading" role="status">
      <span class="only-heard">{texts.admin.loading}</span>
      {['62%', '48%', '71%', '55%'].map((width) => (
        <Skeleton key={width} width={width} height="1rem" />
      ))}
    </div>
  );
}

export function Failed({ fault, retry }: { fault: unknown; retry: () => void }) {
  return (
    <Notice
      tone="bad"
      role="alert"
      action={
        <Button isSmall onClick={retry}>
          {texts.admin.tryAgain}
        </Button>
      }
    >
      <strong>{texts.admin.faults.listFailed}.</strong> {sentenceOf(fault)}
    </Notice>
  );
}
