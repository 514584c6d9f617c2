/**
 * Rooms by what their names and topics contain, in the order of their names without regard to case. Looks at the
 * directory in memory alone: rooms may be thousands, and each key stroke on the page asks.
 */
import { foldName } from '../protocol/text.ts';
import type { RoomDirectory } from './dependencies.ts';

type Room = ReturnType<RoomDirectory['list']>[number];
/** A room's texts in the form in which they are compared. */
type Entry = { room: Room; name: string; topic: string };

export type RoomSearch = (wanted: { search?: string; after?: string; limit: number }) => Room[];

export function createRoomSearch(directory: Pick<RoomDirectory, 'list'>): RoomSearch {
  // Making an entry costs more than a hundred comparisons, and few rooms change: an entry lives as long as its room's object.
  const entries = new WeakMap<Room, Entry>();
  let known: readonly Room[] = [];
  let sorted: readonly Entry[] = [];

  function entryOf(room: Room): Entry {
    const entry = entries.get(room) ?? { room, name: foldName(room.name), topic: foldName(room.topic) };
    entries.set(room, entry);
    return entry;
  }

  return ({ search = '', after, limit }) => {
    const rooms = directory.list();
    if (rooms !== known) {
      known = rooms;
      sorted = rooms.map(entryOf).sort((a, b) => (a.name < b.name ? -1 : 1));
    }
    const sought = foldName(search);
    const place = after === undefined ? '' : foldName(after);
    const found: Room[] = [];
    for (const { room, name, topic } of sorted) {
      if (found.length === limit) break;
      if (name > place && (name.includes(sought) || topic.includes(sought))) found.push(room);
    }
    return found;
  };
}
