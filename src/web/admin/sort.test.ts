import test from 'ava';
import { sorted } from './sort.ts';

const as = (value: string | number): string | number => value;

test('numbers are ordered as numbers, words as people order them', (t) => {
  t.deepEqual(sorted([10, 9, 100], as, 'ascending'), [9, 10, 100]);
  t.deepEqual(sorted([10, 9, 100], as, 'descending'), [100, 10, 9]);
  t.deepEqual(sorted(['b', 'room-10', 'A', 'room-9'], as, 'ascending'), ['A', 'b', 'room-9', 'room-10']);
});

test('what has no value is last in both directions', (t) => {
  t.deepEqual(sorted(['b', '', 'a'], as, 'ascending'), ['a', 'b', '']);
  t.deepEqual(sorted(['b', '', 'a'], as, 'descending'), ['b', 'a', '']);
});

test('the items given stay as they are, and equals keep their order', (t) => {
  const items = [
    { name: 'one', value: 1 },
    { name: 'two', value: 0 },
    { name: 'three', value: 1 },
  ];
  const names = sorted(items, ({ value }) => value, 'descending').map(({ name }) => name);
  t.deepEqual(names, ['one', 'three', 'two']);
  t.is(items[0]?.name, 'one');
});
