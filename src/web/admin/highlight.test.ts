import test from 'ava';
import fc from 'fast-check';
import { highlight } from './highlight.ts';

const found = (text: string, query: string): string[] =>
  highlight(text, query)
    .filter((piece) => piece.isFound)
    .map((piece) => piece.text);

test('words are found by their beginnings, without regard to case', (t) => {
  t.deepEqual(found('Hello there, HELPER of the shell', 'hel'), ['Hel', 'HEL']);
  t.deepEqual(found('The price is 42.50 today', 'price 42'), ['price', '42']);
});

test('the longest of several beginnings is marked', (t) => {
  t.deepEqual(found('investments', 'in invest'), ['invest']);
});

test('punctuation in a query separates words, and nothing is found by it alone', (t) => {
  t.deepEqual(found('a well-known <b>name</b>', 'well-known'), ['well', 'known']);
  t.deepEqual(highlight('a.b', '.'), [{ text: 'a.b', isFound: false }]);
  t.deepEqual(highlight('', 'x'), [{ text: '', isFound: false }]);
});

test('words of all scripts are found', (t) => {
  t.deepEqual(found('Grüße, Ärger und ÜBUNG', 'üb är'), ['Är', 'ÜB']);
  t.deepEqual(found('İstanbul', 'i'), ['İstanbul']);
});

test('no query changes the text', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, query) => {
      const joined = highlight(text, query)
        .map((piece) => piece.text)
        .join('');
      t.is(joined, text);
    }),
  );
});
