/** The contract of RoomStore, on both databases. */
import test from 'ava';
import type { Storage } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import { eachDatabase } from '../support/databases.ts';
import { startStorageProcess } from '../support/storage-process.ts';

const samples = ['friends', 'family', 'investments'].map((name) => ({ name, topic: `about ${name}` }));
const names = async ({ rooms }: Storage) => (await rooms.list()).map(({ name }) => name);

eachDatabase(test, 'a room comes back as it was created', async (t, db) => {
  const { rooms } = await db.open();
  const created = await rooms.create({ name: 'Friends', topic: 'chat', createdAt: 5 });
  t.like(created, { id: 1, name: 'Friends', topic: 'chat', lastId: 0, createdAt: 5, updatedAt: 5 });
  t.regex(created.epoch, /^[\w-]{16}$/);
  t.deepEqual(await rooms.findByName('Friends'), created);
  t.is(await rooms.findByName('friends'), undefined);
  t.deepEqual(await rooms.findByIds([7, created.id]), [created]);
  t.deepEqual(await rooms.findByIds([]), []);
  t.deepEqual(await rooms.list(), [created]);
});

eachDatabase(test, 'rooms are listed by name without regard to case', async (t, db) => {
  const storage = await db.open();
  for (const name of ['b', 'C', 'a', 'B.2', '1']) await storage.rooms.create({ name, topic: '', createdAt: 1 });
  t.deepEqual(await names(storage), ['1', 'a', 'b', 'B.2', 'C']);
});

eachDatabase(test, 'a name taken in another case is a conflict, also for a rename', async (t, db) => {
  const { rooms } = await db.open();
  const first = await rooms.create({ name: 'Friends', topic: '', createdAt: 1 });
  const second = await rooms.create({ name: 'family', topic: '', createdAt: 1 });
  for (const attempt of [
    () => rooms.create({ name: 'FRIENDS', topic: '', createdAt: 1 }),
    () => rooms.change(second.id, { name: 'friends' }, 2),
  ]) {
    const error = await t.throwsAsync(attempt(), { instanceOf: StoreError });
    t.is(error.kind, 'conflict');
    t.is(error.field, 'name');
  }
  t.is((await rooms.change(first.id, { name: 'friends' }, 2))?.name, 'friends');
  t.is((await rooms.findByName('family'))?.updatedAt, 1);
});

eachDatabase(test, 'a rename and a new topic keep id, epoch and log', async (t, db) => {
  const { rooms, changes } = await db.open();
  const created = await rooms.create({ name: 'friends', topic: '', createdAt: 1 });
  const renamed = { ...created, name: 'buddies', updatedAt: 7 };
  t.deepEqual(await rooms.change(created.id, { name: 'buddies' }, 7), renamed);
  t.deepEqual(await rooms.change(created.id, { topic: 'new' }, 8), { ...renamed, topic: 'new', updatedAt: 8 });
  t.is(await rooms.change(4711, { name: 'x' }, 9), undefined);
  t.is(await rooms.change(4711, { topic: 'x' }, 9), undefined);
  const { id, epoch } = created;
  t.deepEqual((await changes.readAfter(0, 10)).changes, [
    { id: 1, change: { kind: 'room-created', room: { id, epoch, name: 'friends', topic: '' } } },
    { id: 2, change: { kind: 'room-changed', room: { id, epoch, name: 'buddies', topic: '' } } },
    { id: 3, change: { kind: 'room-changed', room: { id, epoch, name: 'buddies', topic: 'new' } } },
  ]);
});

eachDatabase(test, 'a deleted room is gone, and its name free for a room with another id and epoch', async (t, db) => {
  const { rooms, changes } = await db.open();
  const first = await rooms.create({ name: 'friends', topic: '', createdAt: 1 });
  t.true(await rooms.delete(first.id));
  t.false(await rooms.delete(first.id));
  t.is(await rooms.findByName('friends'), undefined);
  const second = await rooms.create({ name: 'friends', topic: '', createdAt: 1 });
  t.not(second.id, first.id);
  t.not(second.epoch, first.epoch);
  t.deepEqual((await changes.readAfter(1, 1)).changes, [
    { id: 2, change: { kind: 'room-deleted', room: { id: first.id } } },
  ]);
});

eachDatabase(test, 'sample rooms are made once and never after a room was deleted', async (t, db) => {
  const storage = await db.open();
  const created = await storage.rooms.seed(samples, 3);
  t.deepEqual(
    created.map(({ name, topic, createdAt }) => ({ name, topic, createdAt })),
    samples.map((sample) => ({ ...sample, createdAt: 3 })),
  );
  t.is(await storage.changes.latestId(), 3);
  t.deepEqual(await storage.rooms.seed(samples, 4), []);
  for (const { id } of created) await storage.rooms.delete(id);
  t.deepEqual(await storage.rooms.seed(samples, 5), []);
  t.deepEqual(await names(storage), []);
});

eachDatabase(test, 'a database that has had a room of its own gets no sample rooms', async (t, db) => {
  const storage = await db.open();
  const { id } = await storage.rooms.create({ name: 'mine', topic: '', createdAt: 1 });
  await storage.rooms.delete(id);
  t.deepEqual(await storage.rooms.seed(samples, 4), []);
});

eachDatabase(test, 'two processes that seed at once make the sample rooms once', async (t, db) => {
  const processes = [0, 1, 2].map(() => startStorageProcess(t, 'seed', db.url));
  const counts = (await Promise.all(processes.map(({ answer }) => answer))) as number[];
  t.deepEqual(
    counts.toSorted((a, b) => a - b),
    [0, 0, 3],
  );
  t.deepEqual(await names(await db.open()), ['family', 'friends', 'investments']);
});

eachDatabase(test, 'a name and a topic are changed at once or not at all', async (t, db) => {
  const { rooms, changes } = await db.open();
  const { id, epoch } = await rooms.create({ name: 'friends', topic: '', createdAt: 1 });
  await rooms.create({ name: 'family', topic: '', createdAt: 1 });
  await t.throwsAsync(rooms.change(id, { name: 'Family', topic: 'lost' }, 5), { instanceOf: StoreError });
  t.like(await rooms.findByName('friends'), { topic: '', updatedAt: 1 });
  t.like(await rooms.change(id, { name: 'buddies', topic: 'new' }, 6), { name: 'buddies', topic: 'new', updatedAt: 6 });
  t.deepEqual((await changes.readAfter(2, 10)).changes, [
    { id: 3, change: { kind: 'room-changed', room: { id, epoch, name: 'buddies', topic: 'new' } } },
  ]);
});

eachDatabase(test, 'a room’s activity counts its messages and knows when the last was said', async (t, db) => {
  const { rooms, messages, users } = await db.open();
  const ann = await users.create({ username: 'ann', email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 });
  const [first, second] = await rooms.seed(samples, 1);
  const roomId = first?.id ?? 0;
  const say = (at: number) => messages.append([{ roomId, userId: ann.id, body: 'x', ref: `${at}`, createdAt: at }]);
  for (const at of [10, 20, 30]) await say(at);
  const activity = async () => (await rooms.activity([roomId, second?.id ?? 0, 4711])).get(roomId);
  t.deepEqual(await activity(), { messages: 3, lastMessageAt: 30 });
  t.true(await messages.delete(roomId, 3));
  t.false(await messages.delete(roomId, 3));
  t.deepEqual(await activity(), { messages: 2, lastMessageAt: 20 });
  // Sent again: still deleted.
  await say(30);
  t.deepEqual(await activity(), { messages: 2, lastMessageAt: 20 });
  await say(40);
  t.deepEqual(await activity(), { messages: 3, lastMessageAt: 40 });
  const all = await rooms.activity([roomId, second?.id ?? 0, 4711]);
  t.deepEqual(all.get(second?.id ?? 0), { messages: 0, lastMessageAt: null });
  t.is(all.size, 2);
  t.is((await rooms.activity([])).size, 0);
});

eachDatabase(
  test,
  'a purge deletes what deleted rooms left, may be broken off, and spares the others',
  async (t, db) => {
    const { rooms, messages, users } = await db.open();
    const user = await users.create({
      username: 'ann',
      email: '',
      passwordHash: 'x',
      isSuperuser: false,
      createdAt: 1,
    });
    const [first, second, third] = await rooms.seed(samples, 1);
    const count = 700;
    for (const room of [first, second, third]) {
      const ids = Array.from({ length: count }, (_, index) => index);
      await messages.append(
        ids.map((n) => ({ roomId: room?.id ?? 0, userId: user.id, body: `${n}`, ref: `${n}`, createdAt: 1 })),
      );
    }
    t.is(await rooms.purge(), 0);
    await rooms.delete(first?.id ?? 0);
    await rooms.delete(third?.id ?? 0);
    t.is(await rooms.purge(AbortSignal.abort()), 0);
    const stop = new AbortController();
    const purging = rooms.purge(stop.signal);
    setImmediate(() => stop.abort());
    const partly = await purging;
    t.is(partly + (await rooms.purge()), 2 * count);
    t.is(await rooms.purge(), 0);
    t.deepEqual(await messages.range(first?.id ?? 0, 1, count, count), []);
    t.is((await messages.range(second?.id ?? 0, 1, count, count)).length, count);
  },
);
