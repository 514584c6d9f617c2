/** What is shown of the rooms, worked out of the list of all and of those that this user is in. */
import { computed, type ReadonlySignal } from '@preact/signals';
import { foldName } from '../../../protocol/text.ts';
import type { RoomListEntry } from './model.ts';
import type { OpenRooms } from './open-rooms.ts';
import type { Room } from './room.ts';
import type { RoomList } from './room-list.ts';

export type Views = {
  rooms: ReadonlySignal<readonly RoomListEntry[]>;
  room: ReadonlySignal<Room | undefined>;
  unread: ReadonlySignal<number>;
};

export function createViews({ roomList, rooms }: { roomList: RoomList; rooms: OpenRooms }): Views {
  const topics = computed(() => new Map(roomList.entries.value.map((entry) => [entry.name, entry])));
  // Apart from what changes with every message: sorting is the dear part.
  const names = computed(() => sorted([...new Set([...topics.value.keys(), ...rooms.all.value.keys()])]));
  const entryOf = (name: string): RoomListEntry => {
    const known = topics.value.get(name);
    const room = rooms.all.value.get(name);
    return {
      name,
      topic: known?.topic ?? '',
      users: room?.users.value.length ?? known?.users ?? 0,
      isJoined: room !== undefined,
      unread: room?.unread.value ?? 0,
      isMentioned: room?.isMentioned.value ?? false,
    };
  };
  return {
    rooms: computed(() => names.value.map(entryOf)),
    room: computed(() => {
      const place = rooms.place.value;
      return place.kind === 'room' ? rooms.all.value.get(place.name) : undefined;
    }),
    unread: computed(() => [...rooms.all.value.values()].reduce((sum, { unread }) => sum + unread.value, 0)),
  };
}

function sorted(names: readonly string[]): string[] {
  const byName = names.map((name) => ({ name, key: foldName(name) }));
  return byName.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ name }) => name);
}
