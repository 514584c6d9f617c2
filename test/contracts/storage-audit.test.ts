/** The contract of AuditStore, on both databases: what each act leaves, that it is one with the act, and how it is read. */
import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { Actor, AuditRecord, Storage } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { eachDatabase } from '../support/databases.ts';

const boss: Actor = { userId: 7, name: 'Boss', via: 'page' };
const operator: Actor = { userId: null, name: 'root', via: 'command' };

const newUser = (username: string) => ({
  username,
  email: '',
  passwordHash: 'hash',
  isSuperuser: false,
  createdAt: 1,
});
const newToken = (userId: number, hash: string) => ({ userId, hash, label: 'bot', createdAt: 1, expiresAt: null });

/** A user with a token, and a room with a message, made by nobody who administers. */
async function furnish(storage: Storage): Promise<{ user: number; token: number; room: number }> {
  const user = await storage.users.create(newUser('ann'));
  const token = await storage.tokens.create(newToken(user.id, 'aa'));
  const room = await storage.rooms.create({ name: 'friends', topic: 'old', createdAt: 1 });
  await storage.messages.append([{ roomId: room.id, userId: user.id, body: 'secret', ref: 'r', createdAt: 1 }]);
  return { user: user.id, token: token.id, room: room.id };
}

/** Every act there is, each of which changes something in a furnished store. */
const acts: Record<
  string,
  (storage: Storage, ids: Awaited<ReturnType<typeof furnish>>, by?: Actor) => Promise<unknown>
> = {
  'user-created': ({ users }, _ids, by) => users.create(newUser('bob'), by),
  'user-password-set': ({ users }, { user }, by) => users.setPassword(user, 'another', by),
  'user-promoted': ({ users }, { user }, by) => users.setSuperuser(user, true, by),
  'user-demoted': ({ users }, { user }, by) => users.setSuperuser(user, false, by),
  'user-kicked': ({ users }, { user }, by) => users.kick(user, by),
  'user-muted': ({ users }, { user }, by) => users.mute(user, 5, by),
  'user-unmuted': ({ users }, { user }, by) => users.mute(user, null, by),
  'user-banned': ({ users }, { user }, by) => users.ban(user, { until: null, reason: 'spam' }, by),
  'user-unbanned': ({ users }, { user }, by) => users.ban(user, null, by),
  'user-deactivated': ({ users }, { user }, by) => users.setActive(user, false, by),
  'user-activated': ({ users }, { user }, by) => users.setActive(user, true, by),
  'token-created': ({ tokens }, { user }, by) => tokens.create(newToken(user, 'bb'), by),
  'token-revoked': ({ tokens }, { token }, by) => tokens.revoke(token, by),
  'room-created': ({ rooms }, _ids, by) => rooms.create({ name: 'family', topic: '', createdAt: 1 }, by),
  'room-renamed': ({ rooms }, { room }, by) => rooms.change(room, { name: 'buddies', topic: 'old' }, 2, by),
  'room-topic-changed': ({ rooms }, { room }, by) => rooms.change(room, { topic: 'new' }, 3, by),
  'message-deleted': ({ messages }, { room }, by) => messages.delete(room, 1, by),
  'room-deleted': ({ rooms }, { room }, by) => rooms.delete(room, by),
};

/** What the records say beyond their act and actor. */
const notes: Record<string, [target: string, details: AuditRecord['details']]> = {
  'user-created': ['bob', { is_superuser: false }],
  'user-password-set': ['ann', {}],
  'user-promoted': ['ann', {}],
  'user-demoted': ['ann', {}],
  'user-kicked': ['ann', {}],
  'user-muted': ['ann', { until: '1970-01-01T00:00:00.005Z' }],
  'user-unmuted': ['ann', {}],
  'user-banned': ['ann', { until: null, reason: 'spam' }],
  'user-unbanned': ['ann', {}],
  'user-deactivated': ['ann', {}],
  'user-activated': ['ann', {}],
  'token-created': ['ann', { id: 2, label: 'bot' }],
  'token-revoked': ['ann', { id: 1, label: 'bot' }],
  'room-created': ['family', {}],
  'room-renamed': ['buddies', { from: 'friends' }],
  'room-topic-changed': ['buddies', { from: 'old', to: 'new' }],
  'message-deleted': ['buddies', { id: 1, user: 'ann' }],
  'room-deleted': ['buddies', { messages: 0 }],
};

eachDatabase(test, 'each act leaves one record, which says who did what, to whom and when', async (t, db) => {
  const storage = await db.open({ clock: { ...systemClock, now: () => 4242 } });
  const ids = await furnish(storage);
  for (const act of Object.values(acts)) t.truthy(await act(storage, ids, boss));
  const records = await storage.audit.list({ limit: 100 });
  t.deepEqual(
    records.toReversed(),
    Object.entries(notes).map(([act, [target, details]], index) => ({
      id: index + 1,
      createdAt: 4242,
      actor: 'Boss',
      via: 'page',
      act,
      target,
      details,
    })) as AuditRecord[],
  );
});

eachDatabase(test, 'what nobody administers leaves no record', async (t, db) => {
  const storage = await db.open();
  const ids = await furnish(storage);
  for (const act of Object.values(acts)) t.truthy(await act(storage, ids));
  t.deepEqual(await storage.audit.list({ limit: 100 }), []);
});

eachDatabase(test, 'an act that changes nothing is noted, but no room that stays as it is', async (t, db) => {
  const storage = await db.open();
  const { user, room } = await furnish(storage);
  for (const isActive of [true, false, false]) t.true(await storage.users.setActive(user, isActive, operator));
  t.true(await storage.users.ban(user, null, operator));
  t.like(await storage.rooms.change(room, { name: 'friends', topic: 'old' }, 9, operator), { updatedAt: 9 });
  const records = await storage.audit.list({ limit: 100 });
  t.deepEqual(
    records.map(({ act, actor, via }) => [act, actor, via]),
    ['user-unbanned', 'user-deactivated', 'user-deactivated', 'user-activated'].map((act) => [act, 'root', 'command']),
  );
});

eachDatabase(test, 'an act that fails leaves no record', async (t, db) => {
  const storage = await db.open();
  const { user, room } = await furnish(storage);
  const { users, tokens, rooms, messages } = storage;
  await rooms.create({ name: 'family', topic: '', createdAt: 1 });
  for (const refused of [
    () => users.create(newUser('ANN'), boss),
    () => tokens.create(newToken(user, 'aa'), boss),
    () => tokens.create(newToken(4711, 'cc'), boss),
    () => rooms.create({ name: 'Friends', topic: '', createdAt: 1 }, boss),
    () => rooms.change(room, { name: 'FAMILY', topic: 'new' }, 2, boss),
  ]) {
    await t.throwsAsync(refused(), { instanceOf: StoreError });
  }
  for (const absent of [
    () => users.setPassword(4711, 'x', boss),
    () => users.setActive(4711, false, boss),
    () => users.setSuperuser(4711, true, boss),
    () => users.kick(4711, boss),
    () => users.mute(4711, 5, boss),
    () => users.ban(4711, { until: null, reason: '' }, boss),
    () => tokens.revoke(4711, boss),
    () => rooms.change(4711, { topic: '' }, 2, boss),
    () => rooms.delete(4711, boss),
    () => messages.delete(room, 4711, boss),
    () => messages.delete(4711, 1, boss),
  ]) {
    t.falsy(await absent());
  }
  t.deepEqual(await storage.audit.list({ limit: 100 }), []);
});

eachDatabase(
  test,
  'acts of several administrators at once, while others write, all end, each with its record',
  async (t, db) => {
    const storages = await Promise.all([db.open(), db.open(), db.open()]);
    const [storage] = storages;
    const { user, room } = await furnish(storage);
    const rounds = 6;
    const shared = ['user-muted', 'user-banned', 'user-password-set', 'room-topic-changed', 'user-kicked'];
    const done = storages.flatMap((each, index) => {
      const ids = { user, room, token: 4711 };
      const actAll = async (names: readonly string[]): Promise<void> => {
        for (let round = 0; round < rounds; round += 1) {
          for (const name of names) t.truthy(await acts[name]?.(each, ids, boss), name);
        }
      };
      const write = async (): Promise<void> => {
        for (let n = 0; n < rounds * 5; n += 1) {
          const ref = `${index} ${n}`;
          const message = { roomId: room, userId: user, body: 'x', ref, createdAt: 1 };
          t.like(await each.messages.append([message]), [{ status: 'stored' }]);
          await each.messages.delete(room, n + 1, boss);
        }
      };
      // Half of them the other way round.
      return [actAll(index % 2 === 0 ? shared : shared.toReversed()), write()];
    });
    await Promise.all(done);
    const records = await storage.audit.list({ limit: 1000 });
    const counts = Object.fromEntries(shared.map((name) => [name, records.filter(({ act }) => act === name).length]));
    const each = storages.length * rounds;
    // The topic is another one only once.
    t.deepEqual(counts, {
      'user-muted': each,
      'user-banned': each,
      'user-password-set': each,
      'room-topic-changed': 1,
      'user-kicked': each,
    });
    const deleted = records.filter(({ act }) => act === 'message-deleted').map(({ details }) => details.id);
    t.is(new Set(deleted).size, deleted.length);
    t.is((await storage.rooms.activity([room])).get(room)?.messages, 1 + storages.length * rounds * 5 - deleted.length);
  },
);

eachDatabase(test, 'an act whose record cannot be written is not done', async (t, db) => {
  const storage = await db.open();
  const ids = await furnish(storage);
  const before = await stateOf(storage);
  const database = openDatabase({ url: db.url, pool: 1, synchronous: 'NORMAL', busyTimeoutMs: 1000, deadlines: true });
  t.teardown(() => database.close());
  await database.knex.schema.dropTable('audit');
  for (const [name, act] of Object.entries(acts)) {
    await t.throwsAsync(act(storage, ids, boss), { instanceOf: StoreError }, name);
    t.deepEqual(await stateOf(storage), before, name);
  }
});

async function stateOf(storage: Storage): Promise<unknown> {
  const { users, tokens, rooms, messages, changes } = storage;
  const list = await rooms.list();
  return {
    users: await users.list(),
    hash: (await users.findByName('ann'))?.passwordHash,
    tokens: await tokens.list(),
    rooms: list,
    activity: await rooms.activity(list.map(({ id }) => id)),
    messages: (await messages.search({ limit: 100 })).messages,
    changes: await changes.latestId(),
  };
}

eachDatabase(test, 'records are read newest first, in pages, and by what they are about', async (t, db) => {
  const storage = await db.open();
  const { user } = await furnish(storage);
  const bob = await storage.users.create(newUser('Bob'));
  for (let round = 0; round < 5; round += 1) {
    await storage.users.kick(user, boss);
    await storage.users.mute(bob.id, 1, operator);
    await storage.users.kick(bob.id, { ...operator, name: 'BOSS' });
  }
  const ids = async (options: Omit<Parameters<typeof storage.audit.list>[0], 'limit'>, limit = 100) =>
    (await storage.audit.list({ ...options, limit })).map(({ id }) => id);
  t.deepEqual(await ids({}), [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  t.deepEqual(await ids({}, 4), [15, 14, 13, 12]);
  t.deepEqual(await ids({ before: 12 }, 4), [11, 10, 9, 8]);
  t.deepEqual(await ids({ before: 1 }), []);
  t.deepEqual(await ids({ actor: 'boss' }), [15, 13, 12, 10, 9, 7, 6, 4, 3, 1]);
  t.deepEqual(await ids({ actor: 'root', before: 11 }, 2), [8, 5]);
  t.deepEqual(await ids({ act: 'user-kicked', target: 'bob' }), [15, 12, 9, 6, 3]);
  t.deepEqual(await ids({ act: 'user-muted' }, 1), [14]);
  t.deepEqual(await ids({ target: 'ANN', before: 13 }), [10, 7, 4, 1]);
  t.deepEqual(await ids({ target: 'nobody' }), []);
  t.deepEqual(await ids({ act: 'room-deleted' }), []);
});
