import test from 'ava';
import fc from 'fast-check';
import { UserList } from './user-list.ts';

/** Few names, with letters of one to four bytes and such as JSON escapes, so that they meet often. */
const names = fc.constantFrom('a', 'b', 'B', 'ab', 'é', 'ж', '漢', '😀', 'quote"', 'back\\slash', '');

test('a list is what its names make of it, whoever came and went in whichever order', (t) => {
  const steps = fc.array(fc.record({ name: names, comes: fc.boolean() }));
  fc.assert(
    fc.property(steps, names, (all, reader) => {
      const list = new UserList();
      const present = new Set<string>();
      for (const { name, comes } of all) {
        if (comes && !present.has(name)) list.add(name);
        else if (!comes) list.delete(name);
        if (comes) present.add(name);
        else present.delete(name);
      }
      t.deepEqual(list.names, [...present].sort());
      const entries = [...present.add(reader)].sort().map((name) => ({ name, you: name === reader }));
      t.is(`[${list.encodedFor(reader).toString()}]`, JSON.stringify(entries));
    }),
  );
});

test('a list that was handed out stays as it is', (t) => {
  const list = new UserList();
  list.add('b');
  const before = list.encodedFor('c');
  list.add('a');
  list.delete('b');
  t.is(before.toString(), '{"name":"b","you":false},{"name":"c","you":true}');
});
