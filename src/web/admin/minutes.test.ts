import test from 'ava';
import { minutesOf } from './minutes.ts';

test('whole minutes are taken, and nothing else', (t) => {
  t.is(minutesOf('10'), 10);
  t.is(minutesOf(' 7 '), 7);
  for (const text of ['', '0', '-5', '1.5', '1e3', 'ten', '99999999999']) t.is(minutesOf(text), undefined, text);
});
