import { Writable } from 'node:stream';
import test from 'ava';
import { count, createOutput, formatFields, formatTable, formatTime } from './output.ts';

test('columns are as wide as their widest cell in terminal cells', (t) => {
  const rows = [
    ['ada', 1],
    ['日本', 22],
    ['é', 3],
  ] as const;
  t.is(formatTable(['name', 'n'], rows, ''), 'NAME  N\nada   1\n日本  22\né     3');
});

test('a table without rows is its sentence', (t) => {
  t.is(formatTable(['name'], [], 'Nothing.'), 'Nothing.');
});

test('control characters never reach the terminal', (t) => {
  const nasty = 'a\u001B[31m\r\n\u0007b\u009B';
  for (const text of [formatTable(['x'], [[nasty]], ''), formatFields([['x', nasty]])]) {
    t.notRegex(text.replace('X\n', ''), /\p{Cc}/u);
  }
});

test('fields stand one under the other', (t) => {
  t.is(
    formatFields([
      ['id', 1],
      ['last login', 'never'],
      ['topic', ''],
    ]),
    'id:         1\nlast login: never\ntopic:',
  );
});

test('times are UTC', (t) => {
  t.is(formatTime(0), '1970-01-01 00:00:00');
  t.is(formatTime(null), '');
});

test('one is singular', (t) => {
  t.deepEqual(
    [0, 1, 2].map((amount) => count(amount, 'room')),
    ['0 rooms', '1 room', '2 rooms'],
  );
});

test('progress shows on a terminal only, and JSON on stdout only', (t) => {
  const texts = { out: '', err: '' };
  const collect = (name: 'out' | 'err', isTTY: boolean) =>
    Object.assign(
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          texts[name] += chunk.toString();
          done();
        },
      }),
      { isTTY },
    );
  createOutput(collect('out', true), collect('err', false)).progress('working');
  t.deepEqual(texts, { out: '', err: '' });
  const output = createOutput(collect('out', true), collect('err', true));
  output.progress('working');
  output.note('done');
  output.json([1]);
  t.deepEqual(texts, { out: '[\n  1\n]\n', err: '\rworking\u001B[Kdone\n' });
});
