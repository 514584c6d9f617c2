/** The lock of the one server of a database. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { Clock, Lock, Storage } from '../../src/core/ports.ts';
import { eachDatabase, postgresTest, withClient } from '../support/databases.ts';
import { patienceMs, until } from '../support/services.ts';
import { startStorageProcess } from '../support/storage-process.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

async function lockOf(t: ExecutionContext, storage: Storage, shared = false): Promise<Lock> {
  const lock = await storage.lockServer({ shared });
  if (lock === undefined) throw new Error('The lock is taken.');
  t.teardown(() => lock.release());
  return lock;
}

async function proxyTo(t: ExecutionContext, url: string): Promise<TcpProxy> {
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  return proxy;
}

/** The server processes of PostgreSQL that hold an advisory lock in this database. */
async function holders(url: string): Promise<number[]> {
  const sql = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  return withClient(url, async (client) => (await client.query<{ pid: number }>(sql)).rows.map(({ pid }) => pid));
}

/** Whether `lost` has resolved by now. */
const isLost = async (lock: Lock): Promise<boolean> =>
  Promise.race([lock.lost.then(() => true), delay(0).then(() => false)]);

/** Seconds pass ten times as fast. */
const hurried: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms / 10, run) };

eachDatabase(test, 'one server at a time has the lock', async (t, db) => {
  const [first, second] = await Promise.all([db.open(), db.open()]);
  const lock = await lockOf(t, first);
  t.is(await second.lockServer(), undefined);
  t.is(await first.lockServer(), undefined);
  await lock.release();
  await lock.release();
  const next = await lockOf(t, second);
  t.is(await first.lockServer(), undefined);
  t.false(await isLost(next));
  t.false(await isLost(lock));
});

postgresTest(
  test,
  'several nodes share the lock, and keep a server that is alone away, as it does them',
  async (t, db) => {
    const [first, second, alone] = await Promise.all([db.open(), db.open(), db.open()]);
    const lock = await lockOf(t, first, true);
    const other = await lockOf(t, second, true);
    t.is(await alone.lockServer(), undefined);
    await lock.release();
    t.is(await alone.lockServer(), undefined);
    await other.release();
    await lockOf(t, alone);
    t.is(await first.lockServer({ shared: true }), undefined);
  },
);

eachDatabase(test, 'the lock of a killed process is free', async (t, db) => {
  const storage = await db.open();
  const server = startStorageProcess(t, 'lock', db.url);
  t.true(await server.answer);
  t.is(await storage.lockServer(), undefined);
  await server.kill();
  await t.notThrowsAsync(until(patienceMs, () => lockOf(t, storage)));
});

eachDatabase(test, 'the lock keeps nobody from using the database', async (t, db) => {
  const [server, command] = await Promise.all([db.open(), db.open()]);
  await lockOf(t, server);
  t.is((await command.rooms.create({ name: 'a', topic: '', createdAt: 1 })).id, 1);
  t.is((await server.rooms.list()).length, 1);
});

postgresTest(test, 'a lock whose connection was cut is taken again', async (t, db) => {
  const proxy = await proxyTo(t, db.url);
  const lock = await lockOf(t, await db.open({ url: proxy.url }));
  const [before] = await holders(db.url);
  proxy.cut();
  await until(patienceMs, async () => {
    const [now] = await holders(db.url);
    if (now === undefined || now === before) throw new Error('not yet');
  });
  t.is(await (await db.open()).lockServer(), undefined);
  t.false(await isLost(lock));
});

postgresTest(test, 'a lock is lost when another server was faster', async (t, db) => {
  const proxy = await proxyTo(t, db.url);
  const lock = await lockOf(t, await db.open({ url: proxy.url }));
  proxy.refuse();
  const other = await db.open();
  await until(patienceMs, () => lockOf(t, other));
  t.false(await isLost(lock));
  proxy.resume();
  t.regex(await lock.lost, /Another server/);
});

postgresTest(
  test,
  'the lock of a node is lost when a server that is alone was faster, not when another node was',
  async (t, db) => {
    const proxy = await proxyTo(t, db.url);
    const lock = await lockOf(t, await db.open({ url: proxy.url }), true);
    const own = await holders(db.url);
    proxy.refuse();
    const node = await lockOf(t, await db.open(), true);
    proxy.resume();
    await until(patienceMs, async () => {
      const now = await holders(db.url);
      if (now.length < 2 || now.some((pid) => own.includes(pid))) throw new Error('not yet');
    });
    t.false(await isLost(lock));
    await node.release();
    proxy.refuse();
    const other = await db.open();
    await until(patienceMs, () => lockOf(t, other));
    proxy.resume();
    t.regex(await lock.lost, /without REDIS_URL/);
  },
);

postgresTest(test, 'a lock behind a stalled network is taken again from its own former session', async (t, db) => {
  const proxy = await proxyTo(t, db.url);
  const lock = await lockOf(t, await db.open({ url: proxy.url, clock: hurried }));
  proxy.stall('both');
  const [before] = await holders(db.url);
  // A connection that is given up shows as another attempt through the proxy.
  await until(patienceMs, async () => {
    if (proxy.accepted < 3) throw new Error('not yet');
  });
  t.deepEqual(await holders(db.url), [before]);
  proxy.resume();
  await until(patienceMs, async () => {
    const [now] = await holders(db.url);
    if (now === undefined || now === before) throw new Error('not yet');
  });
  t.false(await isLost(lock));
});
