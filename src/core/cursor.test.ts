import test from 'ava';
import { formatCursor, parseCursor } from './cursor.ts';

test('a cursor is read as it is written', (t) => {
  const cursor = { session: 'aZ09-_', n: 17 };
  t.deepEqual(parseCursor(formatCursor(cursor)), cursor);
  t.deepEqual(parseCursor('s.0'), { session: 's', n: 0 });
});

test('what is no cursor is none', (t) => {
  const texts = ['', '.', 's', 's.', '.1', 's.-1', 's.01', 's.1.2', 's.1e3', 's.9007199254740992', 's s.1', 's.1\n'];
  for (const text of [...texts, `${'s'.repeat(41)}.1`, 'ß.1']) t.is(parseCursor(text), undefined, text);
  t.truthy(parseCursor(`${'s'.repeat(40)}.1`));
});
