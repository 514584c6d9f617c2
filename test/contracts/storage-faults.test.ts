/** What callers see when a lock is held, a connection breaks or the server is gone: the kind of error, and no message lost or doubled. */
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type pg from 'pg';
import { messageLogLimits } from '../../src/core/message-log.ts';
import type { NewMessage, Storage } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { sqliteFile } from '../../src/storage/sqlite.ts';
import { eachDatabase, postgresTest, sqliteTest, startOwnPostgres, withClient } from '../support/databases.ts';
import { patienceMs, serviceTest, until } from '../support/services.ts';
import { startStorageProcess } from '../support/storage-process.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';

async function furnish({ rooms, users }: Storage): Promise<{ room: number; batch: NewMessage[] }> {
  const { id: room } = await rooms.create({ name: 'friends', topic: '', createdAt: 1 });
  const { id: userId } = await users.create({
    username: 'ann',
    email: '',
    passwordHash: 'x',
    isSuperuser: false,
    createdAt: 1,
  });
  const batch = ['a', 'b', 'c'].map((ref) => ({ roomId: room, userId, body: `body ${ref}`, ref, createdAt: 1 }));
  return { room, batch };
}

const failureOf = (t: ExecutionContext, call: Promise<unknown>): Promise<StoreError> =>
  t.throwsAsync(call, { instanceOf: StoreError });

async function assertStoredOnce(t: ExecutionContext, storage: Storage, room: number): Promise<void> {
  const stored = await storage.messages.range(room, 1, 100, 100);
  t.deepEqual(
    stored.map(({ id, body }) => `${id} ${body}`),
    ['1 body a', '2 body b', '3 body c'],
  );
}

async function proxyTo(t: ExecutionContext, url: string): Promise<TcpProxy> {
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  return proxy;
}

/** Milliseconds that the event loop stood still at most, while `work` ran. */
async function longestPause(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  await work();
  clearInterval(timer);
  return longest;
}

sqliteTest(
  test,
  'writers wait for a lock held by another process, readers and the event loop do not',
  async (t, db) => {
    const storage = await db.open();
    const { room, batch } = await furnish(storage);
    const holder = startStorageProcess(t, 'hold-write', db.url);
    await holder.answer;
    const heldMs = 2000;
    let settled = 0;
    const writes = [
      storage.messages.append(batch),
      storage.rooms.change(room, { topic: 'new' }, 2),
      storage.rooms.create({ name: 'family', topic: '', createdAt: 1 }),
    ].map(async (write) => {
      await write;
      settled += 1;
    });
    const pause = await longestPause(async () => {
      const end = performance.now() + heldMs;
      while (performance.now() < end) {
        t.is((await storage.rooms.list()).length, 1);
        await delay(20);
      }
    });
    t.is(settled, 0);
    // Far below the two seconds that a waiting driver would have stopped it for.
    t.true(pause < heldMs / 2, `the loop stood still for ${pause} ms`);
    await holder.kill();
    await Promise.all(writes);
    await assertStoredOnce(t, storage, room);
  },
);

sqliteTest(test, 'a lock that stays held is busy in the end, with nothing done', async (t, db) => {
  const storage = await db.open();
  const { room, batch } = await furnish(storage);
  const holder = startStorageProcess(t, 'hold-write', db.url);
  await holder.answer;
  const [append, topic] = await Promise.all([
    failureOf(t, storage.messages.append(batch)),
    failureOf(t, storage.rooms.change(room, { topic: 'new' }, 2)),
  ]);
  t.is(append.kind, 'busy');
  t.is(topic.kind, 'busy');
  await holder.kill();
  t.is((await storage.rooms.findByName('friends'))?.topic, '');
  await storage.messages.append(batch);
  await assertStoredOnce(t, storage, room);
});

// Alone: a child of this process that ends wakes the driver from one of its naps, and it does not sleep the rest of it.
sqliteTest(test.serial, 'a command waits in the driver for as long as it is told', async (t, db) => {
  await furnish(await db.open());
  const command = await db.open({ busyTimeoutMs: 300 });
  const holder = startStorageProcess(t, 'hold-write', db.url);
  await holder.answer;
  const start = performance.now();
  const error = await failureOf(t, command.rooms.create({ name: 'family', topic: '', createdAt: 1 }));
  t.is(error.kind, 'busy');
  t.true(performance.now() - start >= 290);
  await holder.kill();
  t.is((await command.rooms.create({ name: 'family', topic: '', createdAt: 1 })).name, 'family');
});

eachDatabase(test, 'a database that answers can be pinged, one that is gone cannot', async (t, db) => {
  const proxy = db.dialect === 'postgres' ? await proxyTo(t, db.url) : undefined;
  const storage = await db.open(proxy === undefined ? {} : { url: proxy.url });
  await t.notThrowsAsync(storage.ping());
  if (proxy === undefined) {
    await rm(sqliteFile(db.url));
  } else {
    proxy.refuse();
  }
  t.is((await failureOf(t, storage.ping())).kind, 'unavailable');
  if (proxy === undefined) return;
  proxy.resume();
  await t.notThrowsAsync(storage.ping());
});

/** Runs `work` while another connection holds the room's row. */
async function whileRoomIsLocked(url: string, room: number, work: (holder: pg.Client) => Promise<void>): Promise<void> {
  await withClient(url, async (holder) => {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM rooms WHERE id = $1 FOR UPDATE', [room]);
    await work(holder);
  });
}

async function untilSomebodyWaits(url: string): Promise<void> {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  await withClient(url, (client) =>
    until(patienceMs, async () => {
      if ((await client.query(waiting)).rowCount === 0) throw new Error('Nobody waits for a lock.');
    }),
  );
}

postgresTest(
  test,
  'a connection cut while the statement runs: unknown, and sent again it is stored once',
  async (t, db) => {
    const proxy = await proxyTo(t, db.url);
    const storage = await db.open({ url: proxy.url });
    const { room, batch } = await furnish(storage);
    await whileRoomIsLocked(db.url, room, async () => {
      const failing = failureOf(t, storage.messages.append(batch));
      await untilSomebodyWaits(db.url);
      proxy.cut();
      t.is((await failing).kind, 'unknown');
    });
    const outcomes = await storage.messages.append(batch);
    t.true(outcomes.every(({ status }) => status === 'stored' || status === 'repeat'));
    await assertStoredOnce(t, storage, room);
  },
);

postgresTest(test, 'a commit whose answer is lost: unknown, and sent again it is a repeat', async (t, db) => {
  const proxy = await proxyTo(t, db.url);
  const storage = await db.open({ url: proxy.url });
  const direct = await db.open();
  const { room, batch } = await furnish(storage);
  proxy.stall('down');
  const failing = failureOf(t, storage.messages.append(batch));
  await until(patienceMs, async () => {
    if ((await direct.messages.lastIds([room])).get(room) !== batch.length) throw new Error('Not committed.');
  });
  proxy.cut();
  t.is((await failing).kind, 'unknown');
  proxy.resume();
  t.deepEqual(
    await storage.messages.append(batch),
    batch.map(({ createdAt }, index) => ({ status: 'repeat', id: index + 1, createdAt })),
  );
  await assertStoredOnce(t, storage, room);
});

postgresTest(test, 'a process that stalls inside a transaction costs others no message', async (t, db) => {
  const storage = await db.open();
  const { room, batch } = await furnish(storage);
  const options = { url: db.url, pool: 1, synchronous: 'NORMAL', busyTimeoutMs: 0, deadlines: true } as const;
  const stalled = openDatabase(options);
  t.teardown(() => stalled.close());
  let begun: () => void = () => {};
  let goOn: () => void = () => {};
  const hasBegun = new Promise<void>((resolve) => (begun = resolve));
  const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
  const failing = failureOf(
    t,
    stalled.write(async (trx) => {
      await trx('rooms').where({ id: room }).forUpdate().select('id');
      begun();
      await mayGoOn;
      await trx('rooms').where({ id: room }).update({ topic: 'late' });
    }),
  );
  await hasBegun;
  const since = performance.now();
  await until(messageLogLimits.deadlineMs, () => storage.messages.append(batch));
  // With something left for the way there and back.
  t.true(performance.now() - since < 0.8 * messageLogLimits.deadlineMs);
  await assertStoredOnce(t, storage, room);
  goOn();
  await failing;
  t.is((await storage.rooms.findByName('friends'))?.topic, '');
});

postgresTest(test, 'a claim whose answer is lost: unknown, and asked for again it is granted', async (t, db) => {
  const proxy = await proxyTo(t, db.url);
  const storage = await db.open({ url: proxy.url });
  const direct = await db.open();
  const { batch } = await furnish(storage);
  const [{ userId }] = batch as [NewMessage];
  await direct.nodes.register('a', 3_600_000);
  const request = { userId, session: 's', node: 'a', tokenHash: 'hash' };
  proxy.stall('down');
  const failing = failureOf(t, storage.claims.take(request));
  await until(patienceMs, async () => {
    if ((await direct.claims.findByUser(userId)) === undefined) throw new Error('Not committed.');
  });
  proxy.cut();
  t.is((await failing).kind, 'unknown');
  proxy.resume();
  t.like(await storage.claims.take(request), { session: 's', node: 'a', number: 2 });
  t.is(await direct.claims.take({ ...request, session: 'another' }), undefined);
});

postgresTest(
  test,
  'a claim on a user whose row stays locked: busy after a deadline, with nothing done',
  async (t, db) => {
    const storage = await db.open();
    const { batch } = await furnish(storage);
    const [{ userId }] = batch as [NewMessage];
    await storage.nodes.register('a', 3_600_000);
    const held = await storage.claims.take({ userId, session: 's', node: 'a', tokenHash: 'hash' });
    await withClient(db.url, async (holder) => {
      await holder.query('BEGIN');
      await holder.query('SELECT 1 FROM sessions WHERE user_id = $1 FOR UPDATE', [userId]);
      const again = { userId, session: 'next', node: 'a', tokenHash: 'hash' };
      t.is((await failureOf(t, storage.claims.take(again, held))).kind, 'busy');
    });
    t.deepEqual(await storage.claims.findByUser(userId), held);
  },
);

postgresTest(
  test,
  'a server that does not answer at all: unknown after a deadline, and the connection is not used again',
  async (t, db) => {
    const proxy = await proxyTo(t, db.url);
    const storage = await db.open({ url: proxy.url });
    const { room, batch } = await furnish(storage);
    proxy.stall('up');
    const error = await failureOf(t, storage.messages.append(batch));
    t.is(error.kind, 'unknown');
    proxy.resume();
    await storage.messages.append(batch);
    await assertStoredOnce(t, storage, room);
  },
);

postgresTest(test, 'a room whose lock stays held: busy after a deadline, with nothing done', async (t, db) => {
  const storage = await db.open();
  const { room, batch } = await furnish(storage);
  await whileRoomIsLocked(db.url, room, async () => {
    t.is((await failureOf(t, storage.messages.append(batch))).kind, 'busy');
  });
  await storage.messages.append(batch);
  await assertStoredOnce(t, storage, room);
});

postgresTest(test, 'a server that refuses connections: unavailable, with nothing done', async (t, db) => {
  const proxy = await proxyTo(t, db.url);
  const storage = await db.open({ url: proxy.url });
  const { room, batch } = await furnish(storage);
  proxy.refuse();
  // Connections of the pool that were cut may be tried first.
  await until(patienceMs, async () => {
    const { kind } = await failureOf(t, storage.messages.append(batch));
    if (kind !== 'unavailable') throw new Error(`It is ${kind}.`);
  });
  t.is((await failureOf(t, storage.messages.append(batch))).kind, 'unavailable');
  proxy.resume();
  await storage.messages.append(batch);
  await assertStoredOnce(t, storage, room);
});

serviceTest(test, 'postgres', 'a server that crashes and comes back has all that was answered, once', async (t) => {
  const { server, db } = await startOwnPostgres(t);
  const storage = await db.open();
  const { room, batch } = await furnish(storage);
  const [template] = batch as [NewMessage];
  const answered = new Set<string>();
  let next = 0;
  const writers = [0, 1, 2].map(async () => {
    while (next < 300) {
      next += 1;
      const message = { ...template, ref: `ref ${next}`, body: `${next}` };
      await until(patienceMs, () => storage.messages.append([message]));
      answered.add(message.body);
    }
  });
  await until(patienceMs, async () => {
    if (answered.size < 100) throw new Error('Too few yet.');
  });
  await server.crash();
  t.is((await failureOf(t, storage.ping())).kind, 'unavailable');
  await server.start();
  await Promise.all(writers);
  const stored = await storage.messages.range(room, 1, 1000, 1000);
  t.deepEqual(
    stored.map(({ id }) => id),
    stored.map((_, index) => index + 1),
  );
  t.deepEqual(stored.map(({ body }) => body).toSorted(), [...answered].toSorted());
});
