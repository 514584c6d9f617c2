/** Rooms, users and messages to search in, and a search that looks at every message, to hold the real one against. */
import type { FoundMessage, MessageSearch, NewMessage, Storage } from '../../src/core/ports.ts';
import { askedWordsOf, wordsOf } from '../../src/storage/search-words.ts';

export type World = { storage: Storage; rooms: number[]; users: number[]; said: NewMessage[]; count: number };

export async function furnish(storage: Storage): Promise<World> {
  const rooms = await storage.rooms.seed(
    ['friends', 'family', 'investments'].map((name) => ({ name, topic: '' })),
    1,
  );
  const users: number[] = [];
  for (const username of ['ann', 'bob', 'zoe']) {
    users.push(
      (await storage.users.create({ username, email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 })).id,
    );
  }
  return { storage, rooms: rooms.map(({ id }) => id), users, said: [], count: 0 };
}

export const user = (world: World, index: number): number => world.users[index % world.users.length] as number;
export const room = (world: World, index: number): number => world.rooms[index % world.rooms.length] as number;

/** Each a second after the one before. */
export async function say(world: World, bodies: readonly string[]): Promise<void> {
  const start = world.count;
  world.count += bodies.length;
  const batch = bodies.map((body, index) => {
    const n = start + index;
    const roomId = room(world, n % 5);
    return { roomId, userId: user(world, n % 7), body, ref: `${n}`, createdAt: 1_000_000 + n * 1000 };
  });
  for (let from = 0; from < batch.length; from += 500) {
    const outcomes = await world.storage.messages.append(batch.slice(from, from + 500));
    if (outcomes.some(({ status }) => status !== 'stored')) throw new Error('A message was not stored.');
  }
  world.said.push(...batch);
}

export const bodiesOf = async (storage: Storage, search: Partial<MessageSearch>): Promise<string[]> =>
  (await storage.messages.search({ limit: 100, ...search })).messages.map(({ body }) => body);

/** All pages. */
export async function findAll(storage: Storage, search: MessageSearch): Promise<FoundMessage[]> {
  const found: FoundMessage[] = [];
  for (let after: string | undefined; ; ) {
    const page = await storage.messages.search({ ...search, ...(after !== undefined && { after }) });
    found.push(...page.messages);
    if (page.next === null) return found;
    if (page.messages.length !== search.limit) throw new Error('A page that is followed by another one is not full.');
    after = page.next;
  }
}

/** What a search must find: it looks at every message. */
export function expected({ said }: World, { words, userId, roomId, from, to }: Partial<MessageSearch>): string[] {
  const asked = askedWordsOf(words);
  const matches = (message: NewMessage): boolean => {
    const there = wordsOf(message.body);
    return (
      (asked === undefined ||
        (asked.length > 0 && asked.every((start) => there.some((each) => each.startsWith(start))))) &&
      (userId === undefined || message.userId === userId) &&
      (roomId === undefined || message.roomId === roomId) &&
      (from === undefined || message.createdAt >= from) &&
      (to === undefined || message.createdAt < to)
    );
  };
  return said
    .filter(matches)
    .map(({ body }) => body)
    .toReversed();
}
