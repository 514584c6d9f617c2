import test from 'ava';
import { roomLeft, suggestionsFor } from './suggestions.ts';

const known = ['help', 'Stock', 'stocks', 'time'];
const offered = (text: string) => suggestionsFor(text, text.length, known);

test('a slash at the beginning offers every command, letters narrow them down', (t) => {
  t.deepEqual(offered('/'), known);
  t.deepEqual(offered('/st'), ['Stock', 'stocks']);
  t.deepEqual(offered('/STOCKS'), ['stocks']);
  t.deepEqual(offered('/x'), []);
});

test('nothing is offered for a message, a value, or while the caret is elsewhere', (t) => {
  for (const text of ['', 'hello', 'hi /st', ' /st', '/stock=', '/stock=a', '/st ock', '//'])
    t.deepEqual(offered(text), []);
  t.deepEqual(suggestionsFor('/stock=a', 3, known), []);
});

test('no more are offered than one can look over', (t) => {
  const names = Array.from({ length: 30 }, (_, index) => `c${index}`);
  t.is(suggestionsFor('/', 1, names).length, 8);
});

test('one is told of the limit from nine tenths on', (t) => {
  t.deepEqual(roomLeft('a'.repeat(89), 100), { kind: 'plenty' });
  t.deepEqual(roomLeft('a'.repeat(90), 100), { kind: 'near', left: 10 });
  t.deepEqual(roomLeft('a'.repeat(100), 100), { kind: 'near', left: 0 });
  t.deepEqual(roomLeft('a'.repeat(101), 100), { kind: 'beyond', left: -1 });
  t.deepEqual(roomLeft(`  ${'a'.repeat(100)}\n`, 100), { kind: 'near', left: 0 });
});
