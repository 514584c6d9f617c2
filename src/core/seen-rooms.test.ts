import test from 'ava';
import { maxSeenRooms, SeenRooms } from './seen-rooms.ts';

test('how far rooms were seen is remembered, of so many, and goes on elsewhere', (t) => {
  const seen = new SeenRooms();
  t.is(seen.of(1), 0);
  for (let id = 1; id <= maxSeenRooms; id += 1) seen.note(id, id * 10);
  seen.note(1, 15);
  seen.note(maxSeenRooms + 1, 5);
  t.is(seen.of(1), 15);
  t.is(seen.of(2), 0);
  t.is(new SeenRooms(seen.export()).of(3), 30);
});
