/** What is put into finchat's database beside its server, without a process for each. */
import { randomText, systemClock } from '../src/core/clock.ts';
import type { Storage } from '../src/core/ports.ts';
import { openStorage } from '../src/storage/storage.ts';

const batch = 1_000;
/** Milliseconds between two messages. */
const apartMs = 1_000;
// Every message has some of them: as in a real log, a few words are everywhere and most are rare.
const common = ['the', 'and', 'what', 'there', 'would', 'about', 'which', 'people', 'could', 'because'];
const rareWords = 20_000;

export async function inStorage<T>(url: string, use: (storage: Storage) => Promise<T>): Promise<T> {
  const options = { url, pool: 4, synchronous: 'NORMAL', clock: systemClock, random: randomText } as const;
  const storage = await openStorage({ ...options, busyTimeoutMs: 10_000 });
  try {
    return await use(storage);
  } finally {
    await storage.close();
  }
}

/** Until the room has so many messages. Those that are there stay. */
export async function fillRoom(url: string, roomName: string, username: string, count: number): Promise<void> {
  await inStorage(url, async ({ rooms, users, messages }) => {
    const [room, user] = [await rooms.findByName(roomName), await users.findByName(username)];
    if (room === undefined || user === undefined) throw new Error(`No room ${roomName}, or no user ${username}.`);
    const last = (await messages.lastIds([room.id])).get(room.id) ?? 0;
    const begin = systemClock.now() - count * apartMs;
    for (let from = last; from < count; from += batch) {
      const size = Math.min(batch, count - from);
      const entries = Array.from({ length: size }, (_, index) => ({
        roomId: room.id,
        userId: user.id,
        body: bodyOf(from + index),
        ref: `fill-${from + index}`,
        createdAt: begin + (from + index) * apartMs,
      }));
      await messages.append(entries);
    }
    // Brings the index up to date, which the first search does otherwise: of a million messages for a minute.
    await messages.search({ words: rareWord(0), limit: 1 });
  });
}

export async function makeSuperuser(url: string, username: string): Promise<void> {
  await inStorage(url, async ({ users }) => {
    const user = await users.findByName(username);
    if (user !== undefined) await users.setSuperuser(user.id, true);
  });
}

/** The word that is in one message of so many. */
export function rareWord(index: number): string {
  return `word${((index * 7_919) % rareWords).toString(36)}`;
}

function bodyOf(index: number): string {
  const words = Array.from({ length: 6 }, (_, place) => common[(index * 3 + place * place) % common.length] ?? '');
  return [...words, rareWord(index), rareWord(index + 1)].join(' ');
}
