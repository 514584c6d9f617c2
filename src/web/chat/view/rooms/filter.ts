import type { RoomListEntry } from '../../model/model.ts';

/** The rooms with all words of `filter` in their name or topic, whatever their case. */
export function matching(rooms: readonly RoomListEntry[], filter: string): readonly RoomListEntry[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return rooms.filter(({ name, topic }) => {
    const text = `${name} ${topic}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
