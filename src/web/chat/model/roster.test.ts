import test from 'ava';
import { Roster } from './roster.ts';

const names = (roster: Roster): string[] => roster.users.value.map(({ name }) => name);

test('users are sorted without regard to case, each once', (t) => {
  const roster = new Roster();
  roster.replace(['bob', 'Ann', 'Émile', 'zoe'].map((name) => ({ name, you: false })));
  t.deepEqual(names(roster), ['Ann', 'bob', 'zoe', 'Émile']);
  roster.add({ name: 'Carl', you: true });
  roster.add({ name: 'bob', you: false });
  roster.add({ name: 'ø', you: false });
  t.deepEqual(names(roster), ['Ann', 'bob', 'Carl', 'zoe', 'Émile', 'ø']);
  t.deepEqual(
    roster.users.value.filter(({ you }) => you),
    [{ name: 'Carl', you: true }],
  );
  roster.remove('bob');
  roster.remove('nobody');
  t.deepEqual(names(roster), ['Ann', 'Carl', 'zoe', 'Émile', 'ø']);
});
