/** PostgreSQL under fire: connections cut during the commit, and a server that crashes and comes back under load. */
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { randomText, systemClock } from '../../src/core/clock.ts';
import type { Storage, StoreError } from '../../src/core/ports.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { postgresTest, startOwnPostgres, type TestDatabase } from '../support/databases.ts';
import { patienceMs, serviceTest, until } from '../support/services.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { assertPromises, createPlace, openLoad, tally } from './message-load.ts';

/** The database seen twice: as the server sees it, through a network that can break, and as it is. */
async function openBreakable(
  t: ExecutionContext,
  db: TestDatabase,
): Promise<{ proxy: TcpProxy; storage: Storage; direct: Storage }> {
  const direct = await db.open();
  const proxy = await openTcpProxy(db.url);
  const { url } = proxy;
  const storage = await openStorage({ url, pool: 5, synchronous: 'NORMAL', clock: systemClock, random: randomText });
  t.teardown(async () => {
    proxy.resume();
    await storage.close();
    await proxy.close();
  });
  return { proxy, storage, direct };
}

postgresTest(test, 'connections cut at any moment lose no message and store none twice', async (t, db) => {
  const { proxy, storage, direct } = await openBreakable(t, db);
  const load = openLoad(t, storage, await createPlace(direct, { rooms: 3, users: 20 }));
  const writers = { areDone: false };
  let cuts = 0;
  const cutting = (async () => {
    while (!writers.areDone) {
      // Somewhere in a statement or in its answer: counted in bytes, not in time. A few batches pass between two cuts.
      const at = proxy.bytesUp + proxy.bytesDown + Math.random() * 40_000;
      while (!writers.areDone && proxy.bytesUp + proxy.bytesDown < at) await delay(1);
      proxy.cut();
      cuts++;
    }
  })();
  await load.sendMany(6000, 40);
  writers.areDone = true;
  await cutting;
  await load.log.idle();
  const { stored, unavailable } = tally(load);
  t.log({ cuts, stored, unavailable, failures: load.failures });
  t.true(cuts >= 10, `cut ${cuts} times`);
  t.true((load.failures.unknown ?? 0) >= 5, 'outcomes were unknown');
  t.is(stored + unavailable, 6000);
  t.true(stored > 0);
  await assertPromises(t, direct, [load]);
});

postgresTest(
  test,
  'a message that was committed while its answer was lost is stored once and answered stored',
  async (t, db) => {
    const { proxy, storage, direct } = await openBreakable(t, db);
    const load = openLoad(t, storage, await createPlace(direct, { rooms: 1, users: 3 }));
    const roomId = load.roomIds[0] as number;
    await load.send({});
    for (let round = 0; round < 10; round++) {
      const before = (await direct.messages.lastIds([roomId])).get(roomId) ?? 0;
      proxy.stall('down');
      const sending = Promise.all([load.send({}), load.send({})]);
      await until(patienceMs, async () => {
        const now = (await direct.messages.lastIds([roomId])).get(roomId) ?? 0;
        if (now < before + 2) throw new Error('not committed yet');
      });
      proxy.cut();
      proxy.resume();
      t.deepEqual(
        (await sending).map((outcome) => (outcome.status === 'stored' ? outcome.id : outcome.status)),
        [before + 1, before + 2],
      );
    }
    t.true((load.failures.unknown ?? 0) >= 10);
    await assertPromises(t, direct, [load]);
  },
);

postgresTest(test, 'a message sent again whose first answer was lost stays a repeat', async (t, db) => {
  const { proxy, storage, direct } = await openBreakable(t, db);
  const load = openLoad(t, storage, await createPlace(direct, { rooms: 1, users: 1 }));
  const message = { ref: 'again', body: 'hello' };
  const first = await load.send(message);
  t.is(first.status, 'stored');
  proxy.stall('down');
  const { bytesUp } = proxy;
  const again = load.send(message);
  await until(patienceMs, async () => {
    if (proxy.bytesUp === bytesUp) throw new Error('not sent yet');
  });
  proxy.cut();
  proxy.resume();
  t.deepEqual(await again, { ...first, status: 'repeat' });
  await assertPromises(t, direct, [load]);
});

postgresTest(
  test,
  'without a network messages are unavailable in the end, and stored again when it is back',
  async (t, db) => {
    const { proxy, storage, direct } = await openBreakable(t, db);
    const load = openLoad(t, storage, await createPlace(direct, { rooms: 1, users: 3 }), { hurry: 10 });
    await load.sendMany(5, 5);
    proxy.refuse();
    await load.sendMany(20, 20);
    t.is(tally(load).unavailable, 20);
    proxy.resume();
    await load.sendMany(20, 5);
    t.is(tally(load).stored, 25);
    await assertPromises(t, direct, [load]);
  },
);

postgresTest(
  test,
  'a statement that arrives after it was given up and sent again stores nothing twice',
  async (t, db) => {
    const { proxy, storage, direct } = await openBreakable(t, db);
    const load = openLoad(t, storage, await createPlace(direct, { rooms: 2, users: 5 }));
    await load.sendMany(50, 10);
    proxy.stall('up');
    const sending = load.sendMany(200, 20);
    // The store gives a statement up after eight seconds.
    await until(patienceMs, async () => {
      if (load.failures.unknown === undefined) throw new Error('not given up yet');
    });
    proxy.resume();
    await sending;
    t.is(tally(load).stored, 250);
    await assertPromises(t, direct, [load]);
  },
);

postgresTest(
  test,
  'a lease is renewed over another connection when those it has break without a word, long before PostgreSQL is given up',
  async (t, db) => {
    const { proxy, storage, direct } = await openBreakable(t, db);
    const { nodes } = storage;
    const renew = (): Promise<unknown> => nodes.renew('a', 500);
    await nodes.register('a', 3_600_000);
    // Two at once have a connection each.
    await Promise.all([renew(), renew()]);
    proxy.silence();
    const begun = performance.now();
    const outcomes = await Promise.allSettled([renew(), renew()]);
    t.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as StoreError).kind),
      ['unknown', 'unknown'],
    );
    t.deepEqual(await nodes.renew('a'), ['a']);
    // Any other call waits for eight seconds.
    t.true(performance.now() - begun < 6_000);
    t.deepEqual(await direct.nodes.renew('a'), ['a']);
  },
);

serviceTest(
  test,
  'postgres',
  'a PostgreSQL server that crashes under load and comes back loses no message',
  async (t) => {
    // A server of its own has to be made and started, three times.
    t.timeout(120_000);
    const { server, db } = await startOwnPostgres(t);
    const storage = await db.open();
    const load = openLoad(t, storage, await createPlace(storage, { rooms: 2, users: 20 }));
    for (let round = 0; round < 3; round++) {
      const goal = load.sent.length + 300;
      const sending = load.sendMany(1000, 40);
      await until(patienceMs, async () => {
        if (load.sent.length < goal) throw new Error('not under load yet');
      });
      await server.crash();
      await server.start();
      await sending;
    }
    const { stored, unavailable } = tally(load);
    t.log({ stored, unavailable, failures: load.failures });
    t.is(stored, 3000, 'it was back within the deadline');
    await assertPromises(t, storage, [load]);
  },
);
