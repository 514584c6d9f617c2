/** A database with something of everything that a copy carries over, and what it must show afterwards. */
import type { ExecutionContext } from 'ava';
import type { Room, Storage } from '../../src/core/ports.ts';
import { bodiesOf } from './search-world.ts';

export type Furnished = {
  users: Record<'ann' | 'bob' | 'mallory', number>;
  rooms: Record<'friends' | 'family', number>;
};

const by = { userId: null, name: 'operator', via: 'command' } as const;
/** Any time: bans and mutes are copied whether they are over or not. */
const later = 4_000_000_000_000;

export const bodies: readonly string[] = [
  'good morning',
  'Grüße aus Köln',
  '東京は雨です',
  'quotes \' and " and \\ and {braces, NULL}',
  'two\nlines\twith a tab',
  '😀',
  '.',
  'wörter '.repeat(80),
];

/** Two rooms and a deleted one, three users, tokens, a deleted message, a ban, a mute; numbers that were given and are free again. */
export async function furnishAll(storage: Storage): Promise<Furnished> {
  const { users, tokens, rooms, messages } = storage;
  await rooms.seed([], 1);
  const create = async (username: string): Promise<number> => {
    const user = { username, email: `${username}@example.org`, passwordHash: `hash of ${username}`, createdAt: 5 };
    return (await users.create({ ...user, isSuperuser: username === 'ann' }, by)).id;
  };
  const people = { ann: await create('ann'), bob: await create('bob'), mallory: await create('mallory') };
  const room = async (name: string): Promise<number> => (await rooms.create({ name, topic: 'ü', createdAt: 7 }, by)).id;
  const [gone, friends, family] = [await room('gone'), await room('friends'), await room('family')];
  let at = 1_000_000;
  const say = (roomId: number, userId: number, said: readonly string[]) =>
    messages.append(said.map((body) => ({ roomId, userId, body, ref: `r${at}`, createdAt: at++ })));
  await say(friends, people.ann, bodies);
  await say(gone, people.bob, ['nobody finds this']);
  await say(family, people.bob, ['cheap watches', 'hello family']);
  await say(friends, people.bob, ['good night']);
  await messages.delete(family, 1, by);
  await rooms.delete(gone, by);
  await tokens.create({ userId: people.ann, hash: 'a'.repeat(64), label: null, createdAt: 1, expiresAt: later }, by);
  await tokens.create({ userId: people.bob, hash: 'b'.repeat(64), label: 'bot', createdAt: 1, expiresAt: null }, by);
  const spent = { userId: people.bob, hash: 'c'.repeat(64), label: 'old', createdAt: 1, expiresAt: null };
  await tokens.revoke((await tokens.create(spent, by)).id, by);
  await users.ban(people.mallory, { until: later, reason: 'rude' }, by);
  await users.mute(people.bob, later, by);
  await users.setLastLogin(people.ann, 99);
  return { users: people, rooms: { friends, family } };
}

/** `count` short messages in two rooms, for a copy that takes long enough to be broken off. */
export async function fillRooms(storage: Storage, { users, rooms }: Furnished, count: number): Promise<void> {
  const batchSize = 1000;
  for (let start = 0; start < count; start += batchSize) {
    const batch = Array.from({ length: Math.min(batchSize, count - start) }, (_, index) => {
      const n = start + index;
      const roomId = n % 3 === 0 ? rooms.family : rooms.friends;
      return { roomId, userId: users.ann, body: `message number ${n}`, ref: `n${n}`, createdAt: 2_000_000 + n };
    });
    await storage.messages.append(batch);
  }
}

/** That the copy is the source, to all who ask it by the stores; and that it goes on as the source would. */
export async function assertSame(t: ExecutionContext, source: Storage, copy: Storage): Promise<void> {
  const audit = { limit: 100 };
  t.deepEqual(await copy.users.list(), await source.users.list());
  t.deepEqual(await copy.tokens.list(), await source.tokens.list());
  t.deepEqual(await copy.tokens.findByHash('a'.repeat(64)), await source.tokens.findByHash('a'.repeat(64)));
  t.is((await copy.users.findByName('ann'))?.passwordHash, 'hash of ann');
  t.deepEqual(await copy.users.muted(0), await source.users.muted(0));
  t.deepEqual(await copy.audit.list(audit), await source.audit.list(audit));
  const [rooms, copied] = [await source.rooms.list(), await copy.rooms.list()];
  const withoutEpoch = (found: readonly Room[]): Room[] => found.map((room) => ({ ...room, epoch: '' }));
  t.deepEqual(withoutEpoch(copied), withoutEpoch(rooms));
  t.is(new Set([...rooms, ...copied].map(({ epoch }) => epoch)).size, 2 * rooms.length, 'every epoch is new');
  for (const { id } of rooms) t.deepEqual(await copy.messages.snapshot(id, 50), await source.messages.snapshot(id, 50));
  const ids = rooms.map(({ id }) => id);
  t.deepEqual(await copy.rooms.activity(ids), await source.rooms.activity(ids));
  for (const words of ['morn', 'köln', '京', 'number 11', 'cheap', 'nobody', undefined]) {
    const asked = words === undefined ? {} : { words };
    t.deepEqual(await bodiesOf(copy, asked), await bodiesOf(source, asked), words);
  }
  t.true((await copy.changes.latestId()) >= (await source.changes.latestId()));
}

/** What is made next has the same number in both: none is given twice. */
export async function assertGoesOn(
  t: ExecutionContext,
  source: Storage,
  copy: Storage,
  world: Furnished,
): Promise<void> {
  const token = { userId: world.users.ann, hash: 'd'.repeat(64), label: 'new', createdAt: 1, expiresAt: null };
  const user = { username: 'zoe', email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 };
  const next = async ({ tokens, users, rooms, messages, changes }: Storage): Promise<unknown> => {
    const roomId = world.rooms.friends;
    const said = { roomId, userId: world.users.ann, body: 'good morning', createdAt: 3_000_000 };
    const outcomes = await messages.append([
      { ...said, ref: 'new' },
      { ...said, ref: 'r1000000' },
      // A deleted one: its ref stays known.
      { ...said, userId: world.users.bob, roomId: world.rooms.family, ref: 'r1000009', body: 'cheap watches' },
    ]);
    return {
      user: (await users.create(user)).id,
      token: (await tokens.create(token)).id,
      room: (await rooms.create({ name: 'new', topic: '', createdAt: 1 })).id,
      outcomes,
      changes: await changes.latestId(),
      found: await bodiesOf({ ...copy, messages }, { words: 'morning' }),
      purged: await rooms.purge(),
    };
  };
  t.deepEqual(await next(copy), await next(source));
}
