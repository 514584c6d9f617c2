import test from 'ava';
import type { Item } from '../../model/model.ts';
import { firstShown } from './window.ts';

const items = (count: number): Item[] =>
  Array.from({ length: count }, (_, at) => ({ kind: 'joined', key: `k${at}`, at, user: 'ada', you: false }));

test('a room with little in it is shown at once, one with much from near its end', (t) => {
  t.is(firstShown(items(0), undefined), 0);
  t.is(firstShown(items(150), undefined), 0);
  t.is(firstShown(items(5000), undefined), 4850);
});

test('what is new is shown, with something before it', (t) => {
  t.is(firstShown(items(5000), 'k4990'), 4850);
  t.is(firstShown(items(5000), 'k4000'), 3950);
  t.is(firstShown(items(5000), 'k10'), 0);
  t.is(firstShown(items(5000), 'gone'), 4850);
});
