import test from 'ava';
import type { Item } from '../../model/model.ts';
import { blockSize, blocksOf, continues, groupMs, isSameBlock } from './rows.ts';

const say = (n: number, more: Partial<{ user: string; at: number }> = {}): Item => ({
  kind: 'message',
  key: `k${n}`,
  id: n,
  at: n,
  user: 'ada',
  you: false,
  body: `${n}`,
  isMention: false,
  delivery: { state: 'sent' },
  ...more,
});
const come = (n: number): Item => ({ kind: 'joined', key: `j${n}`, at: n, user: 'ada', you: false });
const many = (from: number, to: number): Item[] => Array.from({ length: to - from }, (_, index) => say(from + index));
const oneDay = (): string => 'today';

test('what one says within minutes is shown under one name', (t) => {
  t.true(continues(say(2), say(1), oneDay));
  t.false(continues(say(1), undefined, oneDay));
  t.false(continues(say(2), say(1, { user: 'bob' }), oneDay));
  t.false(continues(say(1, { at: groupMs + 1 }), say(1), oneDay));
  t.false(continues(say(2), come(1), oneDay));
  t.false(continues(come(2), say(1), oneDay));
});

test('a day begins with a name', (t) => {
  t.false(continues(say(2), say(1), (at) => String(at)));
});

test('blocks have every item once, in order, and each knows what is before it', (t) => {
  for (const length of [0, 1, 49, 50, 51, 120]) {
    const items = many(0, length);
    const { blocks } = blocksOf(items, undefined);
    t.deepEqual(
      blocks.flatMap((block) => block.items),
      items,
    );
    for (const [index, block] of blocks.entries()) t.is(block.before, blocks[index - 1]?.items.at(-1));
  }
});

test('a new item changes the last block alone', (t) => {
  const first = blocksOf(many(0, 120), undefined);
  const then = blocksOf([...first.blocks.flatMap((block) => block.items), say(120)], first.anchor);
  t.deepEqual(
    then.blocks.map((block, index) => isSameBlock(block, first.blocks[index] as typeof block)),
    [true, true, false],
  );
});

test('older items are blocks of their own: of those there were, only the first learns what is before it', (t) => {
  const newer = many(1000, 1120);
  const first = blocksOf(newer, undefined);
  for (const count of [1, 50, 70, 130]) {
    const { blocks, anchor } = blocksOf([...many(1000 - count, 1000), ...newer], first.anchor);
    t.is(anchor, first.anchor);
    const same = blocks.slice(-first.blocks.length);
    t.deepEqual(
      same.map((block) => block.key),
      first.blocks.map((block) => block.key),
    );
    t.deepEqual(
      same.map((block) => block.items.map((item) => item.key)),
      first.blocks.map((block) => block.items.map((item) => item.key)),
    );
    t.is(new Set(blocks.map((block) => block.key)).size, blocks.length);
    t.true(blocks.every((block) => block.items.length <= blockSize));
  }
});

test('an anchor that is gone is replaced', (t) => {
  const { blocks, anchor } = blocksOf(many(0, 60), 'gone');
  t.is(anchor, 'k0');
  t.is(blocks.length, 2);
});
