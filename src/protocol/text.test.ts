import test from 'ava';
import { foldName, formatStamp, isPlainJsonText, isStorable, isStorableJson, normalForm } from './text.ts';

test('text without a NUL or a lone surrogate is storable', (t) => {
  for (const text of ['', 'a', 'é', '😀', '\u0001\uffff', '\ud83d\ude00']) t.true(isStorable(text), text);
  for (const text of ['\0', 'a\0', '\ud83d', '\ude00\ud83d', '😀\udc00']) t.false(isStorable(text));
});

test('every string of a JSON value counts, keys included', (t) => {
  for (const value of [null, 1, true, 'a', [], {}, { a: ['b', { c: null }] }]) t.true(isStorableJson(value));
  for (const value of ['\0', ['\0'], { a: '\0' }, { '\0': 1 }, [[[{ a: { '\ud800': 1 } }]]]]) {
    t.false(isStorableJson(value));
  }
});

test('a text without escapes of characters by number is plain', (t) => {
  t.true(isPlainJsonText('{"a":"b\\n\\"é😀"}'));
  t.false(isPlainJsonText('{"a":"\\u0000"}'));
  t.false(isPlainJsonText('{"a":"\ud800"}'));
});

test('names that differ in case or form only fold to the same', (t) => {
  const same = [
    ['Ann', 'ANN', 'ann', 'Ａｎｎ'],
    ['ΣΟΦΟΣ', 'σοφος', 'σοφοσ', 'Σοφος'],
    ['straße', 'STRASSE', 'STRAẞE'],
    ['é', 'e\u0301', 'É'],
    ['ﬁn', 'FIN'],
  ];
  for (const names of same) t.is(new Set(names.map(foldName)).size, 1, names.join(' '));
  t.not(foldName('ann'), foldName('anne'));
});

test('every letter and digit folds to a form that folding leaves alone, in either case', (t) => {
  const faults: string[] = [];
  for (let code = 1; code < 0x11_0000; code += 1) {
    const letter = String.fromCodePoint(code);
    if (!/[\p{L}\p{N}]/u.test(letter)) continue;
    const folded = foldName(letter);
    const others = [folded, letter.toUpperCase(), letter.toLowerCase(), letter.normalize('NFKC')];
    if (others.some((other) => foldName(other) !== folded)) faults.push(letter);
  }
  t.deepEqual(faults, []);
});

test('marks that are heaped on one letter are dropped before they cost anything', (t) => {
  // As much as a request may have: NFKC alone takes a second for it.
  const heaps = ['\u0301'.repeat(15_000) + '\u0323'.repeat(15_000), '\uff9e\u0301\u0323'.repeat(10_000)];
  for (const heap of heaps) {
    for (const form of [normalForm, foldName]) {
      const whole = form(`a${heap} b${heap}`);
      t.true(whole.length <= 2 * 31 + 1);
      t.true(whole.endsWith(form(`b${heap}`)));
      t.is(form(whole), whole);
    }
  }
  // Vietnamese, Hebrew with vowels and accents, and what people do for fun.
  for (const text of ['Vi\u0065\u0323\u0302t', 'בְּרֵאשִׁ֖ית', `z${'\u0301\u0323'.repeat(15)}algo`]) {
    t.is(normalForm(text), text.normalize('NFKC'));
  }
});

test('stamps are UTC to the second', (t) => {
  t.is(formatStamp(Date.UTC(2020, 8, 26, 12, 12, 13, 999)), '2020-09-26 12:12:13');
  t.is(formatStamp(0), '1970-01-01 00:00:00');
});

test('stamps are those of ISO 8601, whatever day was asked for before', (t) => {
  const day = 86_400_000;
  for (const midnight of [0, day, -day, Date.UTC(2024, 1, 29), Date.UTC(2026, 11, 31)]) {
    for (const ms of [-1001, -1, -0.5, 0, 999, 1000, 59_999, 60_000, 3_599_999, 3_600_000, day - 1, day, 1.5]) {
      const iso = new Date(midnight + ms).toISOString();
      t.is(formatStamp(midnight + ms), `${iso.slice(0, 10)} ${iso.slice(11, 19)}`);
    }
  }
});
