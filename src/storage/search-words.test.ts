import test from 'ava';
import { askedWordsOf, wordsOf } from './search-words.ts';

test('words are letters and digits, without regard to case, each once', (t) => {
  t.deepEqual(wordsOf('Hello, hello WORLD! don’t'), ['hello', 'world', 'don', 't']);
  t.deepEqual(wordsOf('see https://Example.org/a_b?c=1&d=v2.0#end'), [
    'see',
    'https',
    'example',
    'org',
    'a',
    'b',
    'c',
    '1',
    'd',
    'v2',
    '0',
    'end',
  ]);
  for (const text of ['', ' \n\t', '!?*"\'()-:^{}[]~\\', '🎉 👍🏽', '\u200b', '_'])
    t.deepEqual(wordsOf(text), [], text);
});

test('words are compared as names are: forms, widths and cases of letters do not matter, accents do', (t) => {
  for (const form of ['Ångström', 'A\u030angstro\u0308m', 'ＡＮＧＳＴＲÖＭ'.replace('ＡＮ', 'Åｎ')]) {
    t.deepEqual(wordsOf(form), ['ångström']);
  }
  t.deepEqual(wordsOf('ΌΣΟΣ όσος ὅσος'), [...wordsOf('όσος'), ...wordsOf('ὅσος')]);
  t.deepEqual(wordsOf('STRASSE'), wordsOf('Straße'));
  t.notDeepEqual(wordsOf('Résumé'), wordsOf('Resume'));
  t.deepEqual(wordsOf('हिन्दी में'), ['हिन्दी', 'में']);
  t.deepEqual(wordsOf('١٢٣ ٤'), ['١٢٣', '٤']);
});

test('where words have no spaces between them each character is one', (t) => {
  t.deepEqual(wordsOf('我们在Berlin见面'), ['我', '们', '在', 'berlin', '见', '面']);
  t.deepEqual(wordsOf('テスト2回'), ['テ', 'ス', 'ト', '2', '回']);
});

test('of a long word the beginning counts, and no character is cut in two', (t) => {
  t.deepEqual(wordsOf('x'.repeat(4096)), ['x'.repeat(64)]);
  t.deepEqual(wordsOf('𝕏𐐷'.repeat(100)), wordsOf('𝕏𐐷'.repeat(32)));
  t.true(wordsOf('𐐷'.repeat(100)).every((word) => word.isWellFormed()));
});

test('a blank question asks for nothing, one without words for what nobody says', (t) => {
  t.is(askedWordsOf(undefined), undefined);
  t.is(askedWordsOf(' \n'), undefined);
  t.deepEqual(askedWordsOf('* -'), []);
});

test('a question is asked without what it says twice, and has an end', (t) => {
  t.deepEqual(askedWordsOf('hell Hello he world'), ['hello', 'world']);
  const many = Array.from({ length: 100 }, (_, index) => `${index + 100}`);
  t.deepEqual(askedWordsOf(many.join(' ')), many.slice(0, 16));
});

test('of a text that becomes far longer when it is folded the beginning counts, of any other all', (t) => {
  const longest = `${'é'.repeat(9_990)} end`;
  t.true(wordsOf(longest).includes('end'));
  const swelling = wordsOf(`${'\ufdfa'.repeat(4_000)} end`);
  t.true(swelling.length > 1);
  t.false(swelling.includes('end'));
});
