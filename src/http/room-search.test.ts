import test from 'ava';
import { createRoomSearch } from './room-search.ts';

const room = (name: string, topic = '') => ({ id: name.length, name, topic });

test('rooms come in the order of their names without case, after a name, up to a limit', (t) => {
  const rooms = ['Zoo', 'apple', 'Äpfel', 'APPLE-2'].map((name) => room(name));
  const search = createRoomSearch({ list: () => rooms });
  const names = (wanted: Parameters<typeof search>[0]) => search(wanted).map(({ name }) => name);
  t.deepEqual(names({ limit: 9 }), ['apple', 'APPLE-2', 'Zoo', 'Äpfel']);
  t.deepEqual(names({ limit: 2 }), ['apple', 'APPLE-2']);
  t.deepEqual(names({ after: 'Apple-2', limit: 9 }), ['Zoo', 'Äpfel']);
  t.deepEqual(names({ after: 'b', limit: 1 }), ['Zoo'], 'a name that is gone is a place all the same');
  t.deepEqual(names({ limit: 0 }), []);
});

test('names and topics are searched without case, and what changed is found as it is now', (t) => {
  let rooms = [room('family'), room('friends', 'Größe'), room('zoo', 'FAMILY too')];
  const search = createRoomSearch({ list: () => rooms });
  const names = (text: string) => search({ search: text, limit: 9 }).map(({ name }) => name);
  t.deepEqual(names('Fam'), ['family', 'zoo']);
  t.deepEqual(names('GRÖSSE'), ['friends']);
  t.deepEqual(names('none'), []);
  rooms = [room('kin'), ...rooms.slice(1)];
  t.deepEqual(names('fam'), ['zoo']);
  t.deepEqual(names('k'), ['kin']);
});
