import test from 'ava';
import { createLog } from './log.ts';

test('the newest 500 lines are kept, each with a key of its own', (t) => {
  const log = createLog(() => 7);
  for (let n = 0; n < 600; n += 1) log.add('notice', `line ${n}`);
  t.is(log.lines.value.length, 500);
  t.is(log.lines.value[0]?.text, 'line 100');
  t.is(new Set(log.lines.value.map(({ key }) => key)).size, 500);
});

test('the connection is not said to be in the same state twice in a row', (t) => {
  const log = createLog(() => 7);
  for (const text of ['lost', 'lost', 'back', 'lost']) log.addConnection(text);
  t.deepEqual(
    log.lines.value.map(({ text }) => text),
    ['lost', 'back', 'lost'],
  );
});

test('lines of an earlier page are followed by new ones', (t) => {
  const log = createLog(() => 7);
  log.reset([{ key: 90, at: 1, kind: 'error', text: 'before', code: 'x' }]);
  log.add('notice', 'after');
  t.deepEqual(
    log.lines.value.map(({ key, text }) => [key, text]),
    [
      [1, 'before'],
      [2, 'after'],
    ],
  );
});
