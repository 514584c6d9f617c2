/** The contract of ChangeStore, on both databases. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { Change, Storage } from '../../src/core/ports.ts';
import { appendChanges } from '../../src/storage/change-store.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { eachDatabase, postgresTest, withClient } from '../support/databases.ts';

const createRooms = async ({ rooms }: Storage, names: readonly string[]): Promise<void> => {
  for (const name of names) await rooms.create({ name, topic: '', createdAt: 1 });
};
const idsAfter = async ({ changes }: Storage, id: number, limit = 1000) =>
  (await changes.readAfter(id, limit)).changes.map((change) => change.id);

eachDatabase(test, 'changes have dense ids and are read in pages', async (t, db) => {
  const storage = await db.open();
  t.is(await storage.changes.latestId(), 0);
  t.deepEqual(await storage.changes.readAfter(0, 10), { changes: [], lost: false });
  await createRooms(storage, ['a', 'b', 'c', 'd']);
  t.is(await storage.changes.latestId(), 4);
  t.deepEqual(await idsAfter(storage, 0, 2), [1, 2]);
  t.deepEqual(await idsAfter(storage, 2, 2), [3, 4]);
  t.deepEqual(await storage.changes.readAfter(4, 2), { changes: [], lost: false });
});

eachDatabase(test, 'a call that fails appends nothing', async (t, db) => {
  const storage = await db.open();
  await createRooms(storage, ['a']);
  await t.throwsAsync(createRooms(storage, ['A']));
  t.is(await storage.changes.latestId(), 1);
  await createRooms(storage, ['b']);
  t.deepEqual(await idsAfter(storage, 0), [1, 2]);
});

eachDatabase(test, 'what belongs to no row is appended as it is, in its turn', async (t, db) => {
  const storage = await db.open();
  await createRooms(storage, ['a']);
  const asked: Change = { kind: 'session-asked', user: { id: 7 }, session: 's', takeover: true, at: 5 };
  await storage.changes.append(asked);
  await createRooms(storage, ['b']);
  t.deepEqual(await idsAfter(storage, 0), [1, 2, 3]);
  t.deepEqual((await storage.changes.readAfter(1, 1)).changes, [{ id: 2, change: asked }]);
});

eachDatabase(test, 'a reader whose place was pruned learns that it is lost', async (t, db) => {
  let now = 100;
  const storage = await db.open({ clock: { ...systemClock, now: () => now } });
  await createRooms(storage, ['a', 'b']);
  now = 200;
  await createRooms(storage, ['c']);
  t.is(await storage.changes.prune(200), 2);
  t.is((await storage.changes.readAfter(0, 10)).lost, true);
  t.is((await storage.changes.readAfter(1, 10)).lost, true);
  t.like(await storage.changes.readAfter(2, 10), { lost: false });
  t.is(await storage.changes.prune(201), 1);
  t.deepEqual(await storage.changes.readAfter(2, 10), { changes: [], lost: true });
  t.deepEqual(await storage.changes.readAfter(3, 10), { changes: [], lost: false });
  t.is(await storage.changes.latestId(), 3);
  // The database was restored from an older copy.
  t.deepEqual(await storage.changes.readAfter(9, 10), { changes: [], lost: true });
});

eachDatabase(
  test,
  'however many changes come at once, all are appended; however many are old, all of them are pruned, and no other',
  async (t, db) => {
    const storage = await db.open();
    const database = openDatabase({ url: db.url, pool: 1, synchronous: 'NORMAL', busyTimeoutMs: 0, deadlines: true });
    t.teardown(() => database.close());
    const change: Change = { kind: 'token-revoked', token: { id: 1, userId: 1 } };
    const append = (count: number, at: number): Promise<void> =>
      database.write((trx) =>
        appendChanges(
          trx,
          Array.from({ length: count }, () => change),
          at,
        ),
      );
    await append(2001, 100);
    await append(1, 200);
    t.is(await storage.changes.prune(200), 2001);
    t.is(await storage.changes.prune(200), 0);
    t.deepEqual(await storage.changes.readAfter(2001, 10), { changes: [{ id: 2002, change }], lost: false });
  },
);

eachDatabase(test, 'a reader misses no change of several writers', async (t, db) => {
  const storages = await Promise.all([db.open(), db.open(), db.open()]);
  const [reader] = storages;
  const each = 12;
  const total = storages.length * each;
  const done = new AbortController();
  const read: number[] = [];
  const reading = (async () => {
    while (!done.signal.aborted || read.length < total) {
      read.push(...(await idsAfter(reader, read.at(-1) ?? 0, 5)));
      if (done.signal.aborted && (await reader.changes.latestId()) === read.length) break;
      await nextTurn();
    }
  })();
  await Promise.all(
    storages.map((storage, writer) =>
      createRooms(
        storage,
        Array.from({ length: each }, (_, n) => `w${writer}-${n}`),
      ),
    ),
  );
  done.abort();
  await reading;
  t.deepEqual(
    read,
    Array.from({ length: total }, (_, index) => index + 1),
  );
});

postgresTest(test, 'a transaction that commits late holds the later ids back', async (t, db) => {
  const storage = await db.open();
  await createRooms(storage, ['a']);
  await withClient(db.url, async (late) => {
    await late.query('BEGIN');
    await late.query('UPDATE change_counter SET last_id = last_id + 1');
    await late.query(`INSERT INTO changes VALUES (2, 'room-deleted', '{"room":{"id":99}}', 1)`);
    let settled = false;
    const waiting = createRooms(storage, ['b']).then(() => (settled = true));
    const blocked = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
    await withClient(db.url, async (watcher) => {
      while ((await watcher.query(blocked)).rowCount === 0) await nextTurn();
    });
    t.false(settled);
    t.deepEqual(await idsAfter(storage, 0), [1]);
    await late.query('COMMIT');
    await waiting;
  });
  t.deepEqual(await idsAfter(storage, 1), [2, 3]);
});
