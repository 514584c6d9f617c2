import test from 'ava';
import fc from 'fast-check';
import { Roster, type RosterChange, type RosterEntry } from './roster.ts';

function entry(session: string, claim: number, node = 'a', userId = 1): RosterEntry {
  return { userId, username: `user-${userId}`, session, claim, node };
}

const codes = (changes: readonly RosterChange[]): string[] => changes.map(({ code }) => code);

test('who joins is shown once, however often it is told', (t) => {
  const roster = new Roster();
  t.deepEqual(codes(roster.join(entry('s', 1))), ['joined']);
  t.deepEqual(codes(roster.join(entry('s', 1))), []);
  t.deepEqual(roster.usernames(), ['user-1']);
});

/** All members of a node have parted. */
function dropNode(roster: Roster, node: string): RosterChange[] {
  return roster.of(node).flatMap((one) => roster.part(one));
}

test('a session that moves to another node is shown to nobody, and its part at the old place does not count', (t) => {
  const roster = new Roster();
  roster.join(entry('s', 1, 'a'));
  t.deepEqual(roster.join(entry('s', 2, 'b')), []);
  t.is(roster.get(1)?.node, 'b');
  t.deepEqual(roster.part(entry('s', 1)), []);
  t.deepEqual(dropNode(roster, 'a'), []);
  t.deepEqual(codes(roster.part(entry('s', 2))), ['parted']);
});

test('another session of the user takes the place of the older one, and what is told of that later is nothing new', (t) => {
  const roster = new Roster();
  roster.join(entry('old', 1, 'a'));
  t.deepEqual(codes(roster.join(entry('new', 2, 'b'))), ['parted', 'joined']);
  t.deepEqual(roster.part(entry('old', 1, 'a')), []);
  t.deepEqual(roster.join(entry('old', 1, 'a')), []);
  t.is(roster.get(1)?.session, 'new');
});

test('a join that its part has overtaken makes no ghost', (t) => {
  const roster = new Roster();
  roster.join(entry('s', 2, 'b'));
  roster.part(entry('s', 2, 'b'));
  t.deepEqual(roster.join(entry('s', 1, 'a')), []);
  t.is(roster.size, 0);
  t.deepEqual(codes(roster.join(entry('s', 2, 'b'))), ['joined']);
});

test('a part counts for its own session alone, and also where the roster has not heard of its last move', (t) => {
  const roster = new Roster();
  roster.join(entry('s', 1, 'a'));
  t.deepEqual(roster.part(entry('other', 2, 'b')), []);
  t.is(roster.get(1)?.session, 's');
  t.deepEqual(codes(roster.part(entry('s', 2, 'b'))), ['parted']);
});

test('a part that comes late does not make room for a join that the newest part has overtaken', (t) => {
  const roster = new Roster();
  roster.part(entry('newest', 3));
  roster.part(entry('older', 1));
  t.deepEqual(roster.join(entry('middle', 2)), []);
  t.is(roster.size, 0);
});

test('a dead node takes those with it who are there, and nobody else', (t) => {
  const roster = new Roster();
  roster.join(entry('s', 1, 'a', 1));
  roster.join(entry('s', 1, 'b', 2));
  t.deepEqual(dropNode(roster, 'a'), [{ code: 'parted', userId: 1, username: 'user-1' }]);
  t.deepEqual(roster.usernames(), ['user-2']);
  t.false(roster.has('a'));
  t.true(roster.has('b'));
});

test('whatever is told in whatever order, nobody is shown to join twice or to part twice', (t) => {
  const fact = fc.record({
    what: fc.constantFrom('join' as const, 'part' as const, 'gone' as const),
    userId: fc.integer({ min: 1, max: 3 }),
    session: fc.constantFrom('s1', 's2', 's3'),
    claim: fc.integer({ min: 1, max: 5 }),
    node: fc.constantFrom('a', 'b'),
  });
  fc.assert(
    fc.property(fc.array(fact, { maxLength: 60 }), (facts) => {
      const roster = new Roster();
      const shown = new Set<number>();
      for (const { what, userId, session, claim, node } of facts) {
        const told = entry(session, claim, node, userId);
        const changes =
          what === 'join' ? roster.join(told) : what === 'part' ? roster.part(told) : dropNode(roster, node);
        for (const change of changes) {
          t.is(change.code === 'parted', shown.has(change.userId));
          if (change.code === 'joined') shown.add(change.userId);
          else shown.delete(change.userId);
        }
        t.deepEqual(roster.usernames(), Array.from(shown, (id) => `user-${id}`).sort());
      }
    }),
    { numRuns: 500 },
  );
});
