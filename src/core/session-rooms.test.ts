import test from 'ava';
import type { LiveRoom } from './live-room.ts';
import { SessionRooms } from './session-rooms.ts';

/** A room as far as its place and name go. */
function roomAt(id: number, position: number): LiveRoom {
  return { id, gate: { position } } as Partial<LiveRoom> as LiveRoom;
}

test('a session is in the rooms that it has entered and not left, and knows how far it had seen those', (t) => {
  const rooms = new SessionRooms();
  const [first, second] = [roomAt(1, 5), roomAt(2, 7)];
  t.deepEqual([rooms.ids(), rooms.has(1), rooms.get(1)], [[], false, undefined]);
  rooms.enter(first);
  rooms.enter(second);
  rooms.exit(first);
  t.deepEqual([...rooms.all()], [second]);
  t.deepEqual([rooms.ids(), rooms.has(1), rooms.has(2), rooms.get(2)], [[2], false, true, second]);
  t.deepEqual([rooms.seenOf(1), rooms.seenOf(2)], [5, 0]);
  const elsewhere = new SessionRooms(rooms.exportSeen());
  t.deepEqual([elsewhere.ids(), elsewhere.seenOf(1)], [[], 5]);
});

test('a session that has ended is in no room', (t) => {
  const rooms = new SessionRooms();
  rooms.enter(roomAt(1, 5));
  rooms.clear();
  t.deepEqual([rooms.ids(), rooms.has(1), rooms.seenOf(1)], [[], false, 0]);
});
