import test from 'ava';
import fc from 'fast-check';
import { createTextReader, encodeText } from './redis-text.ts';

test('what was published is read as it was', (t) => {
  const read = createTextReader();
  for (const value of [{}, { a: [1, null, 'ü 1 {"b":2}'] }, [1, 2]]) {
    t.deepEqual(read(encodeText('publisher', 1, value)), { value });
  }
});

test('what comes over a former connection after the next one has spoken is overtaken', (t) => {
  const read = createTextReader();
  t.deepEqual(read(encodeText('a', 2, { n: 1 })), { value: { n: 1 } });
  t.deepEqual(read(encodeText('b', 1, { n: 2 })), { value: { n: 2 } }, 'others count for themselves');
  t.deepEqual(read(encodeText('a', 3, { n: 3 })), { value: { n: 3 } });
  t.is(read(encodeText('a', 2, { n: 4 })), 'overtaken');
  t.deepEqual(read(encodeText('a', 3, { n: 5 })), { value: { n: 5 } });
});

test('publishers are forgotten, those that began to speak first before others', (t) => {
  const read = createTextReader();
  read(encodeText('first', 2, {}));
  for (let n = 0; n < 9_999; n++) read(encodeText(`p${n}`, 1, {}));
  t.is(read(encodeText('first', 1, {})), 'overtaken');
  read(encodeText('another', 1, {}));
  t.deepEqual(read(encodeText('first', 1, {})), { value: {} });
});

test('any other text is garbage, and never makes it throw', (t) => {
  const read = createTextReader();
  for (const text of ['', 'hello', '{}', 'a b {}', 'a 1', 'a 1 ', 'a 1 {', ' 1 {}', `${'a'.repeat(41)} 1 {}`]) {
    t.is(read(text), 'garbage', text);
  }
  fc.assert(fc.property(fc.string(), (text) => read(text) !== undefined));
});
