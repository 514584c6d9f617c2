/** What a browser remembers of one user's chats from visit to visit: the rooms, how far each was read, and the place. */
import { foldName } from '../../../protocol/text.ts';
import type { Store } from '../../common/storage.ts';
import type { Place } from './model.ts';
import type { ReadMark } from './room.ts';

export type Memory = { rooms: Readonly<Record<string, ReadMark>>; place: Place };

const keyOf = (username: string): string => `finchat.chat.${foldName(username)}`;

export function writeMemory(store: Store, username: string, memory: Memory): void {
  store.write(keyOf(username), memory);
}

/** What is no memory is passed over. */
export function readMemory(store: Store, username: string): Memory {
  const stored = fieldsOf(store.read(keyOf(username)));
  const rooms: Record<string, ReadMark> = {};
  for (const [name, mark] of Object.entries(fieldsOf(stored['rooms']))) {
    const { epoch, lastRead } = fieldsOf(mark);
    if (typeof epoch === 'string' && typeof lastRead === 'number') rooms[name] = { epoch, lastRead };
  }
  const { kind, name } = fieldsOf(stored['place']);
  const isRoom = kind === 'room' && typeof name === 'string';
  return { rooms, place: isRoom ? { kind: 'room', name } : { kind: 'log' } };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
