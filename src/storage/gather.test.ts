import test from 'ava';
import { gather } from './gather.ts';

test('questions of one turn share queries, each for so many keys at most; the next turn asks anew', async (t) => {
  const asked: (readonly number[])[] = [];
  const half = gather(3, async (keys: readonly number[]) => {
    asked.push(keys);
    return new Map(keys.filter((key) => key % 2 === 0).map((key) => [key, key / 2]));
  });
  t.deepEqual(await Promise.all([4, 5, 6, 4].map(half)), [2, undefined, 3, 2]);
  t.is(await half(8), 4);
  t.deepEqual(asked, [[4, 5, 6], [4], [8]]);
});

test('a query that fails fails for those who share it, and for nobody else', async (t) => {
  const ask = gather(2, async (keys: readonly string[]) => {
    if (keys.includes('bad')) throw new Error('away');
    return new Map(keys.map((key) => [key, key]));
  });
  const answers = await Promise.allSettled(['a', 'bad', 'b'].map(ask));
  t.deepEqual(
    answers.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  );
  t.is(await ask('a'), 'a');
});
