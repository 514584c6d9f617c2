/** The messages of a room: the history as far as it was read, and what comes. */
import './messages.css';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Button } from '../../../common/components/button.tsx';
import { Empty } from '../../../common/components/empty.tsx';
import { ArrowDownIcon, ChatIcon } from '../../../common/components/icons.tsx';
import { texts } from '../../../common/texts.ts';
import type { Item, OpenRoom } from '../../model/model.ts';
import { useModel } from '../context.ts';
import { focusWriting } from '../focus.ts';
import { MessageBlock, restBlocks } from './block.tsx';
import type { RowActions } from './row.tsx';
import { blocksOf } from './rows.ts';
import { isNearEnd, useScroll } from './scroll.ts';
import { type Shown, useShown } from './window.ts';

const says = texts.chat.messages;

export function MessageList({ room }: { room: OpenRoom }) {
  const model = useModel();
  const shown = useShown(room.items.value, room.newFrom.peek());
  const scroll = useScroll(shown.items, (isAtEnd) => model.setAtEnd(isAtEnd));
  const isQuiet = useIsQuiet(room.isLoadingOlder.value, shown.items);
  useLayoutEffect(() => {
    showNew(scroll.viewport.current);
    scroll.onScroll();
    model.setAtEnd(scroll.viewport.current !== null && isNearEnd(scroll.viewport.current));
    return () => model.setAtEnd(false);
  }, []);
  return (
    <div class="messages-frame">
      {/* Reached by the keyboard, since it scrolls. */}
      <div
        ref={scroll.viewport}
        id="messages"
        class="messages scrolls"
        role="log"
        aria-label={texts.chat.room.messages(room.name)}
        aria-live={isQuiet ? 'off' : 'polite'}
        tabIndex={0}
        onScroll={scroll.onScroll}
      >
        <div ref={scroll.content} class="messages-content">
          <Older room={room} shown={shown} viewport={scroll.viewport} />
          <Blocks room={room} items={shown.items} list={scroll.content} />
        </div>
      </div>
      {!scroll.isAtEnd && <ToEnd count={scroll.newBelow} onPress={scroll.toEnd} />}
    </div>
  );
}

/** A room with new messages opens where they begin. */
function showNew(viewport: HTMLElement | null): void {
  const divider = viewport?.querySelector<HTMLElement>('#new-messages');
  if (viewport === null || divider === null || divider === undefined) return;
  const top = divider.getBoundingClientRect().top - viewport.getBoundingClientRect().top;
  // A third from the top, so that one sees what they follow.
  if (top < 0) viewport.scrollTop += top - viewport.clientHeight / 3;
}

type BlocksProps = { room: OpenRoom; items: readonly Item[]; list: RefObject<HTMLElement | null> };

function Blocks({ room, items, list }: BlocksProps) {
  const model = useModel();
  const newFrom = room.newFrom.value;
  const anchor = useRef<string | undefined>(undefined);
  const actions = useMemo<RowActions>(
    () => ({
      resend: (key) => {
        model.resend(room.name, key);
        focusWriting();
      },
      discard: (key) => {
        model.discard(room.name, key);
        focusWriting();
      },
    }),
    [room],
  );
  useLayoutEffect(() => restBlocks(list.current), [items]);
  const cut = blocksOf(items, anchor.current);
  anchor.current = cut.anchor;
  if (items.length === 0) {
    return (
      <Empty icon={<ChatIcon size={36} />} title={says.empty}>
        <p>{says.emptyHint}</p>
      </Empty>
    );
  }
  return (
    <>
      {cut.blocks.map((block, index) => (
        <MessageBlock
          key={block.key}
          block={block}
          newFrom={block.items.some((item) => item.key === newFrom) ? newFrom : undefined}
          isLast={index === cut.blocks.length - 1}
          actions={actions}
        />
      ))}
    </>
  );
}

/** Milliseconds after older messages came in during which what comes in is not read out. */
const quietMs = 1_000;

/** Whether history is coming in: it is no news. */
function useIsQuiet(isLoading: boolean, items: readonly Item[]): boolean {
  const first = items[0]?.key;
  const before = useRef({ first, pages: 0 });
  if (before.current.first !== first) {
    // Also where the oldest items went away the first is another one; but then no page came.
    const isPage = items.some((item) => item.key === before.current.first);
    before.current = { first, pages: before.current.pages + (isPage ? 1 : 0) };
  }
  const { pages } = before.current;
  const [spokenAfter, setSpokenAfter] = useState(0);
  const isQuiet = isLoading || spokenAfter !== pages;
  useEffect(() => {
    if (isLoading || !isQuiet) return undefined;
    const timer = setTimeout(() => setSpokenAfter(pages), quietMs);
    return () => clearTimeout(timer);
  }, [isLoading, pages]);
  return isQuiet;
}

/** Pixels above the list's top edge within which older messages are asked for: a screen ahead of the reader. */
const aheadPx = 900;

type OlderProps = { room: OpenRoom; shown: Shown; viewport: RefObject<HTMLDivElement | null> };

function Older({ room, shown, viewport }: OlderProps) {
  const model = useModel();
  const ref = useRef<HTMLDivElement>(null);
  const hasOlder = shown.hasMore || room.hasOlder.value;
  const isLoading = room.isLoadingOlder.value;
  const first = shown.items[0]?.key;
  const showOlder = (): void => {
    if (shown.hasMore) shown.showMore();
    else void model.loadOlder(room.name);
  };
  useEffect(() => {
    if (!hasOlder || ref.current === null) return undefined;
    // A new one for each page: it tells at once when its place is still in sight. After a failure there is no new page,
    // so nothing is asked for again until the reader scrolls or presses the button.
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) showOlder();
      },
      { root: viewport.current, rootMargin: `${aheadPx}px 0px 0px 0px` },
    );
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [hasOlder, first]);
  if (first === undefined && !hasOlder) return null;
  return (
    <div class="messages-top" ref={ref}>
      {hasOlder ? (
        <Button look="quiet" isSmall isBusy={isLoading} onClick={showOlder}>
          {isLoading ? says.loadingOlder : says.older}
        </Button>
      ) : (
        says.beginning(room.name)
      )}
    </div>
  );
}

function ToEnd({ count, onPress }: { count: number; onPress: () => void }) {
  return (
    <div class="to-end">
      <Button
        isSmall
        look={count > 0 ? 'primary' : 'plain'}
        aria-label={count > 0 ? `${says.toEnd}, ${says.newBelow(count)}` : says.toEnd}
        onClick={onPress}
      >
        <ArrowDownIcon size={15} />
        {count > 0 ? says.newBelow(count) : says.toEnd}
      </Button>
    </div>
  );
}
