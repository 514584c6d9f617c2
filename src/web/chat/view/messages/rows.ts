/**
 * How items stand in the list: which begin a day, which continue what their author said just before, and in which
 * blocks they are rendered.
 */
import type { Item } from '../../model/model.ts';

/** What one says within so long is shown as one: a name once, a time once. */
export const groupMs = 5 * 60_000;

/** Items in one block: rendering one is quick, and 5,000 items are a hundred blocks. */
export const blockSize = 50;

const isSaid = (item: Item): boolean => item.kind === 'message' || item.kind === 'command';

/** Whether `item` is shown beneath the name over `before`, without one of its own. */
export function continues(item: Item, before: Item | undefined, dayOf: (at: number) => string): boolean {
  if (before === undefined || !isSaid(item) || !isSaid(before) || item.user !== before.user) return false;
  return item.at - before.at < groupMs && dayOf(item.at) === dayOf(before.at);
}

export type Block = { key: string; before: Item | undefined; items: readonly Item[] };

/**
 * Cuts items into blocks that stay the same when items are added at either end: they are counted from `anchor`, the key
 * of an item. An anchor that is gone is replaced by the first item.
 */
export function blocksOf(
  items: readonly Item[],
  anchor: string | undefined,
): { blocks: readonly Block[]; anchor: string } {
  const found = anchor === undefined ? -1 : items.findIndex((item) => item.key === anchor);
  const zero = Math.max(0, found);
  const blocks: Block[] = [];
  // The first block is what is left over in front of the first whole one.
  let start = 0;
  let end = zero % blockSize || blockSize;
  while (start < items.length) {
    const number = Math.floor((start - zero) / blockSize);
    blocks.push({ key: String(number), before: items[start - 1], items: items.slice(start, end) });
    start = end;
    end = start + blockSize;
  }
  return { blocks, anchor: items[zero]?.key ?? '' };
}

/** Whether two blocks show the same. */
export function isSameBlock(one: Block, other: Block): boolean {
  return (
    one.before === other.before &&
    one.items.length === other.items.length &&
    one.items.every((item, index) => item === other.items[index])
  );
}
