import test from 'ava';
import type { Listing, ListWish } from './api.ts';
import { createList } from './list.ts';

type Ask = { filter: string; wish: ListWish; answer: (page: Listing<string>) => void; fail: (error: Error) => void };

function newList(): { list: ReturnType<typeof createList<string, string>>; asked: Ask[] } {
  const asked: Ask[] = [];
  const list = createList<string, string>(
    (filter, wish) => new Promise((answer, fail) => asked.push({ filter, wish, answer, fail })),
  );
  return { list, asked };
}

test('a list is read page by page', async (t) => {
  const { list, asked } = newList();
  const first = list.show('x');
  t.is(list.reading.value, 'first');
  t.is(list.items.value, undefined);
  asked[0]?.answer({ items: ['a', 'b'], next: 'b' });
  await first;
  t.true(list.hasMore.value);
  const more = list.readMore();
  t.is(list.reading.value, 'more');
  t.is(asked[1]?.wish.after, 'b');
  asked[1]?.answer({ items: ['c'], next: null });
  await more;
  t.deepEqual(list.items.value, ['a', 'b', 'c']);
  t.false(list.hasMore.value);
  await list.readMore();
  t.is(asked.length, 2);
});

test('asking for more twice reads one page', async (t) => {
  const { list, asked } = newList();
  const first = list.show('');
  asked[0]?.answer({ items: ['a'], next: 'a' });
  await first;
  const twice = [list.readMore(), list.readMore()];
  t.is(asked.length, 2);
  asked[1]?.answer({ items: ['b'], next: null });
  await Promise.all(twice);
  t.deepEqual(list.items.value, ['a', 'b']);
});

test('what comes late for a filter of before is dropped, and its request given up', async (t) => {
  const { list, asked } = newList();
  const early = list.show('a');
  const late = list.show('ab');
  t.true(asked[0]?.wish.signal?.aborted);
  asked[1]?.answer({ items: ['ab'], next: null });
  await late;
  asked[0]?.answer({ items: ['a', 'ab'], next: 'ab' });
  await early;
  t.deepEqual(list.items.value, ['ab']);
  t.false(list.hasMore.value);
});

test('what was read stays when a later reading fails, and can be asked for again', async (t) => {
  const { list, asked } = newList();
  const first = list.show('a');
  asked[0]?.answer({ items: ['a'], next: 'a' });
  await first;
  const more = list.readMore();
  asked[1]?.fail(new Error('away'));
  await more;
  t.is((list.fault.value as Error).message, 'away');
  t.deepEqual(list.items.value, ['a']);
  t.true(list.hasMore.value);
  const again = list.readMore();
  t.is(list.fault.value, undefined);
  asked[2]?.answer({ items: ['b'], next: null });
  await again;
  t.deepEqual(list.items.value, ['a', 'b']);
});

test('a list that was closed changes no more', async (t) => {
  const { list, asked } = newList();
  const first = list.show('a');
  list.close();
  asked[0]?.answer({ items: ['a'], next: null });
  await first;
  t.is(list.items.value, undefined);
});

test('what an act has taken away is shown no more, and the rest stays', async (t) => {
  const { list, asked } = newList();
  list.remove(() => true);
  t.is(list.items.value, undefined);
  const first = list.show('');
  asked[0]?.answer({ items: ['a', 'b', 'c'], next: 'c' });
  await first;
  list.remove((item) => item === 'b');
  t.deepEqual(list.items.value, ['a', 'c']);
  t.true(list.hasMore.value);
});
