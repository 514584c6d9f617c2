/**
 * Some fifty items, rendered again only when one of them changes. A block that is out of sight costs nothing: once its
 * height is known, the browser skips it (`content-visibility`), and keeps its place.
 */
import { Component, createRef } from 'preact';
import { texts, times } from '../../../shared/texts.ts';
import { Row, type RowActions } from './row.tsx';
import { type Block, continues, isSameBlock } from './rows.ts';

const dayOf = (at: number): string => times.day(at);

type BlockProps = {
  block: Block;
  /** The key of the first new item, if it is in this block. */
  newFrom: string | undefined;
  /** The day it is, as `times.day` has it: for Today and Yesterday. */
  today: string;
  /** More may come to it: it is left alone. */
  isLast: boolean;
  actions: RowActions;
};

export class MessageBlock extends Component<BlockProps> {
  readonly #root = createRef<HTMLDivElement>();

  override shouldComponentUpdate(next: BlockProps): boolean {
    const { block, newFrom, today, isLast } = this.props;
    return (
      newFrom !== next.newFrom || today !== next.today || isLast !== next.isLast || !isSameBlock(block, next.block)
    );
  }

  override componentDidMount(): void {
    this.#rest();
  }

  override componentDidUpdate(): void {
    this.#rest();
  }

  /** Its true height first: a guess would make the list jump when it comes into sight. */
  #rest(): void {
    const root = this.#root.current;
    if (root === null) return;
    if (this.props.isLast) {
      root.style.contentVisibility = 'visible';
      return;
    }
    if (root.style.contentVisibility === 'auto') return;
    root.style.containIntrinsicBlockSize = `auto ${root.getBoundingClientRect().height}px`;
    root.style.contentVisibility = 'auto';
  }

  override render({ block, newFrom, today, actions }: BlockProps) {
    let before = block.before;
    return (
      <div ref={this.#root}>
        {block.items.map((item) => {
          const isNew = item.key === newFrom;
          const isOtherDay = before === undefined || dayOf(before.at) !== dayOf(item.at);
          const isHead = isNew || isOtherDay || !continues(item, before, dayOf);
          before = item;
          return [
            isOtherDay && <Day key={`day ${item.key}`} at={item.at} today={today} />,
            isNew && <NewDivider key="new" />,
            <Row key={item.key} item={item} isHead={isHead} actions={actions} />,
          ];
        })}
      </div>
    );
  }
}

function Day({ at, today }: { at: number; today: string }) {
  // Noon: the name of a day is asked for the middle of today.
  return <div class="day">{times.dayName(at, new Date(`${today}T12:00`).getTime())}</div>;
}

function NewDivider() {
  return (
    <div class="new-divider" id="new-messages">
      {texts.chat.messages.newDivider}
    </div>
  );
}
