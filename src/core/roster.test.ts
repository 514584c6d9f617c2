import test from 'ava';
import fc from 'fast-check';
import { Roster, type RosterChange, type RosterDifference, type RosterEntry } from './roster.ts';

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

/** Whatever a roster may be told of few users, sessions and nodes. */
const fact = fc.record({
  what: fc.constantFrom('join' as const, 'part' as const, 'gone' as const),
  userId: fc.integer({ min: 1, max: 3 }),
  session: fc.constantFrom('s1', 's2', 's3'),
  claim: fc.integer({ min: 1, max: 5 }),
  node: fc.constantFrom('a', 'b'),
});

type Fact = typeof fact extends fc.Arbitrary<infer Value> ? Value : never;

function tell(roster: Roster, { what, userId, session, claim, node }: Fact): RosterChange[] {
  const told = entry(session, claim, node, userId);
  return what === 'join' ? roster.join(told) : what === 'part' ? roster.part(told) : dropNode(roster, node);
}

test('whatever is told in whatever order, nobody is shown to join twice or to part twice', (t) => {
  fc.assert(
    fc.property(fc.array(fact, { maxLength: 60 }), (facts) => {
      const roster = new Roster();
      const shown = new Set<number>();
      for (const one of facts) {
        for (const change of tell(roster, one)) {
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

const facts = fc.array(fact, { maxLength: 40 });
const idsOf = (users: Iterable<{ userId: number }>): number[] =>
  Array.from(users, ({ userId }) => userId).sort((one, other) => one - other);
const idsOfBoth = ({ joined, parted }: RosterDifference): number[][] => [idsOf(joined), idsOf(parted)];

test('two rosters have the same digest exactly when the same users are in both, wherever and however they came', (t) => {
  fc.assert(
    fc.property(facts, facts, (here, there) => {
      const [one, other] = [new Roster(), new Roster()];
      for (const told of here) tell(one, told);
      for (const told of there) tell(other, told);
      t.is(one.digest === other.digest, idsOf(one.all()).join() === idsOf(other.all()).join());
    }),
    { numRuns: 500 },
  );
});

test('what has changed since a moment is the difference to the list of that moment', (t) => {
  fc.assert(
    fc.property(facts, facts, facts, (before, between, after) => {
      const roster = new Roster();
      for (const told of before) tell(roster, told);
      const [first, atFirst] = [roster.moment(), Array.from(roster.all())];
      for (const told of between) tell(roster, told);
      const [second, atSecond] = [roster.moment(), Array.from(roster.all())];
      for (const told of after) tell(roster, told);
      t.deepEqual(idsOfBoth(roster.since(first)), idsOfBoth(roster.comparedWith(atFirst)));
      t.deepEqual(idsOfBoth(roster.since(second)), idsOfBoth(roster.comparedWith(atSecond)));
    }),
    { numRuns: 500 },
  );
});

test('who takes the place of another, or of several, changes the digest, and who leaves again changes it back', (t) => {
  const seen = new Set<string>();
  const roster = new Roster();
  const size = 20;
  for (let userId = 1; userId <= size; userId += 1) roster.join(entry('s', 1, 'a', userId));
  const { digest } = roster;
  // Each of the members in turn is replaced by each of some others, among them ids above 32 bits.
  const others = Array.from({ length: 100 }, (_, index) => [size + 1 + index, 2 ** 32 + 1 + index]).flat();
  for (let userId = 1; userId <= size; userId += 1) {
    roster.part(entry('s', 1, 'a', userId));
    for (const other of others) {
      roster.join(entry('s', 1, 'a', other));
      seen.add(roster.digest);
      roster.part(entry('s', 1, 'a', other));
    }
    roster.join(entry('s', 1, 'a', userId));
    t.is(roster.digest, digest);
  }
  t.is(seen.size, size * others.length);
});
