import test from 'ava';
import { EndedSessions } from './ended-sessions.ts';

function open(): { ended: EndedSessions; clock: { at: number; now(): number } } {
  const clock = { at: 0, now: () => clock.at };
  return { ended: new EndedSessions(clock, 1_000), clock };
}

test('how a session ended is known by its cursors for a time, and of no other', (t) => {
  const { ended, clock } = open();
  ended.note('a', 'kicked');
  ended.note('b', 'resumed-elsewhere');
  ended.note(undefined, 'kicked');
  clock.at = 999;
  t.deepEqual(
    ['a.0', 'a.17', 'b.3', 'c.1', 'a', '', 'undefined.1'].map((cursor) => ended.codeOf(cursor)),
    ['kicked', 'kicked', 'resumed-elsewhere', undefined, undefined, undefined, undefined],
  );
  clock.at = 1_000;
  t.is(ended.codeOf('a.0'), undefined);
});

test('of very many only the newest are kept', (t) => {
  const { ended } = open();
  for (let n = 1; n <= 10_001; n += 1) ended.note(`s${n}`, 'kicked');
  t.deepEqual([ended.codeOf('s1.0'), ended.codeOf('s2.0'), ended.codeOf('s10001.0')], [undefined, 'kicked', 'kicked']);
});
