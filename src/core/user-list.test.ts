import test from 'ava';
import fc from 'fast-check';
import { Roster } from './roster.ts';
import { UserList } from './user-list.ts';

/** Few names, with letters of one to four bytes and such as JSON escapes, so that they meet often. */
const someNames = fc.constantFrom('a', 'b', 'B', 'ab', 'é', 'ж', '漢', '😀', 'quote"', 'back\\slash', '');

test('a list is what its names make of it, whoever came and went in whichever order, however often it is looked at', (t) => {
  const step = fc.record({ name: someNames, comes: fc.boolean(), isLookedAt: fc.boolean() });
  const steps = fc.array(step, { maxLength: 100, size: 'max' });
  fc.assert(
    fc.property(steps, someNames, (all, reader) => {
      const present = new Set<string>();
      const list = new UserList(() => present);
      for (const { name, comes, isLookedAt } of all) {
        if (comes && !present.has(name)) list.add(name);
        else if (!comes) list.delete(name);
        if (comes) present.add(name);
        else present.delete(name);
        if (isLookedAt) t.deepEqual(list.names, [...present].sort());
      }
      const entries = [...new Set(present).add(reader)].sort().map((name) => ({ name, you: name === reader }));
      t.is(`[${list.encodedFor(reader).toString()}]`, JSON.stringify(entries));
      t.deepEqual(list.names, [...present].sort());
    }),
  );
});

test('a list grows with its names, wherever its bytes come to an end', (t) => {
  const entriesOf = (names: readonly string[], reader: string): string =>
    JSON.stringify([...names, reader].sort().map((name) => ({ name, you: name === reader })));
  // One name of each length: one of them needs a byte more than there is at first.
  for (let length = 150; length < 300; length += 1) {
    const names = ['x'.repeat(length)];
    const list = new UserList(() => names);
    list.add('x'.repeat(length));
    t.is(`[${list.encodedFor('y').toString()}]`, entriesOf(names, 'y'), `${length}`);
  }
  const present: string[] = [];
  const list = new UserList(() => present);
  for (let n = 0; n < 500; n += 1) {
    present.push(`user-${(n * 7919) % 500}`);
    list.add(present[n] as string);
    // Looked at each time, they come one by one.
    t.is(list.names.length, present.length);
  }
  t.is(`[${list.encodedFor('user').toString()}]`, entriesOf(present, 'user'));
});

test('a list that was handed out stays as it is', (t) => {
  const list = new UserList(() => []);
  list.add('b');
  const before = list.encodedFor('c');
  list.add('a');
  list.delete('b');
  t.is(before.toString(), '{"name":"b","you":false},{"name":"c","you":true}');
});

/** Bytes that are moved within new buffers meanwhile. */
function movedBy(run: () => void): number {
  const alloc = Buffer.alloc.bind(Buffer);
  let moved = 0;
  Buffer.alloc = (size: number) => {
    const buffer = alloc(size);
    const copyWithin = buffer.copyWithin.bind(buffer);
    buffer.copyWithin = (target, start, end = size) => {
      moved += end - start;
      return copyWithin(target, start, end);
    };
    return buffer;
  };
  try {
    run();
  } finally {
    Buffer.alloc = alloc;
  }
  return moved;
}

test.serial(
  'what a roster is told of many members at once, and of their end, costs as much for each as of few',
  (t) => {
    const movedFor = (members: number): number =>
      movedBy(() => {
        const roster = new Roster();
        const all = Array.from({ length: members }, (_, userId) => ({
          userId,
          username: `user-${members - userId}`,
          session: String(userId),
          claim: 1,
          node: 'other',
        }));
        for (const member of all) roster.join(member);
        t.is(roster.usernames().length, members);
        for (const member of all.slice(1)) roster.part(member);
        t.deepEqual(roster.usernames(), [`user-${members}`]);
      });
    const [few, many] = [movedFor(20), movedFor(2_000)];
    t.true(few > 20, 'what is moved is counted');
    t.true(many < few * 100 * 1.5, `${few} bytes for 20, ${many} for 2,000`);
  },
);
