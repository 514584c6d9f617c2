import test from 'ava';
import { formatPrice, isPrice } from './price.ts';
import { readSymbol } from './symbol.ts';

test('symbols are trimmed and raised', (t) => {
  t.is(readSymbol('  aapl.us \n'), 'AAPL.US');
  for (const symbol of ['WIG', '^SPX', 'BRK-B.US', 'EURUSD=X', '10USY.B', 'X_1']) t.is(readSymbol(symbol), symbol);
});

test('what could reach beyond its place in a URL is no symbol', (t) => {
  const attempts = [
    '',
    '   ',
    'a b',
    'aapl.us&e=json',
    'aapl.us?x',
    'aapl.us#x',
    'a/b',
    '../q',
    '..',
    'a\\b',
    'a%26b',
    'a+b',
    'a,b',
    'a\r\nHost: x',
    'a\0b',
    '=X',
    '-A',
    '.US',
    'ﬁ',
    'ß',
    'ı',
    '\u212A', // the Kelvin sign, which is lowered to k
    'a\u202Eb',
    'x'.repeat(22),
  ];
  for (const attempt of attempts) t.is(readSymbol(attempt), undefined, JSON.stringify(attempt));
});

test('prices have two decimals, small ones more', (t) => {
  const shown: [number, string][] = [
    [189.98, '189.98'],
    [100, '100.00'],
    [82_745.5, '82745.50'],
    [1.239, '1.24'],
    [0.5, '0.50'],
    [0.1234, '0.1234'],
    [0.012, '0.012'],
    [0.00001234, '0.00001234'],
    [0.99999, '1.00'],
    [0, '0.00'],
    [-37.63, '-37.63'],
  ];
  for (const [price, text] of shown) t.is(formatPrice(price), text);
});

test('only a number within reason is a price', (t) => {
  t.deepEqual([1, 0, -37.63, Number.NaN, Infinity, -Infinity, 1e12].map(isPrice), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
