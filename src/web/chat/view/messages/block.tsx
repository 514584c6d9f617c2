/**
 * Some fifty items, rendered again only when one of them changes. A block that is out of sight costs nothing: once its
 * height is known, the browser skips it (`content-visibility`), and keeps its place.
 */
import { Component } from 'preact';
import { texts, times } from '../../../common/texts.ts';
import { Day } from './day.tsx';
import { Row, type RowActions } from './row.tsx';
import { type Block, continues, isSameBlock } from './rows.ts';

const dayOf = (at: number): string => times.day(at);

type BlockProps = {
  block: Block;
  /** The key of the first new item, if it is in this block. */
  newFrom: string | undefined;
  /** More may come to it: it is left alone. */
  isLast: boolean;
  actions: RowActions;
};

export class MessageBlock extends Component<BlockProps> {
  override shouldComponentUpdate(next: BlockProps): boolean {
    const { block, newFrom, isLast } = this.props;
    return newFrom !== next.newFrom || isLast !== next.isLast || !isSameBlock(block, next.block);
  }

  override render({ block, newFrom, isLast, actions }: BlockProps) {
    let before = block.before;
    return (
      <div class={isLast ? 'block' : 'block block-whole'}>
        {block.items.map((item) => {
          const isNew = item.key === newFrom;
          const isOtherDay = before === undefined || dayOf(before.at) !== dayOf(item.at);
          const isHead = isNew || isOtherDay || !continues(item, before, dayOf);
          before = item;
          return [
            isOtherDay && <Day key={`day ${item.key}`} at={item.at} />,
            isNew && <NewDivider key="new" />,
            <Row key={item.key} item={item} isHead={isHead} actions={actions} />,
          ];
        })}
      </div>
    );
  }
}

function NewDivider() {
  return (
    <div class="new-divider" id="new-messages">
      {texts.chat.messages.newDivider}
    </div>
  );
}

/**
 * Lets whole blocks rest, all that are new at once: first every height is read, then every style is written, or each
 * would lay out the page again. A true height, not a guess: with one the list would jump when a block comes into sight.
 */
export function restBlocks(list: HTMLElement | null): void {
  const whole = Array.from(list?.querySelectorAll<HTMLElement>('.block-whole:not([style])') ?? []);
  const heights = whole.map((block) => block.getBoundingClientRect().height);
  for (const [index, block] of whole.entries()) {
    block.style.containIntrinsicBlockSize = `auto ${heights[index]}px`;
    block.style.contentVisibility = 'auto';
  }
}
