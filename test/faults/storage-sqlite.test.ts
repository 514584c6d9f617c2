/** SQLite under fire: another process holds the write lock, the disk is full, a room is deleted. */
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import BetterSqlite from 'better-sqlite3';
import { sqliteFile } from '../../src/storage/sqlite.ts';
import { sqliteTest } from '../support/databases.ts';
import { startStorageProcess } from '../support/storage-process.ts';
import { assertPromises, createPlace, openLoad, tally } from './message-load.ts';

/** Counts the turns in which a timer of 10 ms came to run. */
function countBeats(): { stop(): number } {
  let beats = 0;
  const timer = setInterval(() => beats++, 10);
  return {
    stop() {
      clearInterval(timer);
      return beats;
    },
  };
}

sqliteTest(
  test,
  'a write lock held for three seconds by another process delays messages, not the process',
  async (t, db) => {
    const storage = await db.open();
    const load = openLoad(t, storage, await createPlace(storage, { rooms: 2, users: 5 }));
    await load.sendMany(10, 5);
    const holder = startStorageProcess(t, 'hold-write', db.url);
    await holder.answer;
    const sending = load.sendMany(500, 50);
    const beats = countBeats();
    // Not a wait for something to happen: three seconds is how long the lock is held.
    await delay(3000);
    t.is(load.sent.length, 10, 'nothing was settled meanwhile');
    const counted = beats.stop();
    t.true(counted >= 100, `the event loop turned: ${counted} beats of 300`);
    t.is((await storage.messages.snapshot(load.roomIds[0] as number, 50))?.lastId, 5, 'readers do not wait');
    await holder.kill();
    await sending;
    t.deepEqual(tally(load), { stored: 510, repeat: 0, 'ref-reused': 0, 'room-gone': 0, unavailable: 0 });
    await assertPromises(t, storage, [load]);
  },
);

/** Every connection that this process has opened: each sets pragmas first. */
const connections = new Set<BetterSqlite.Database>();
const pragma = Reflect.get(BetterSqlite.prototype, 'pragma') as (...args: unknown[]) => unknown;
BetterSqlite.prototype.pragma = function (...args) {
  connections.add(this);
  return pragma.apply(this, args);
};

/** Lets the file grow by so many pages more; a page that it cannot get is SQLITE_FULL, as on a full disk. */
function setSpace(url: string, pages: number): void {
  for (const connection of connections) {
    if (!connection.open || connection.name !== sqliteFile(url)) continue;
    const used = Number(connection.pragma('page_count', { simple: true }));
    connection.pragma(`max_page_count = ${used + pages}`);
  }
}

sqliteTest(
  test,
  'on a full disk messages are unavailable, and later ones are stored when there is space',
  async (t, db) => {
    const storage = await db.open();
    const load = openLoad(t, storage, await createPlace(storage, { rooms: 1, users: 5 }), { hurry: 10 });
    await load.sendMany(10, 5);
    setSpace(db.url, 4);
    const body = 'x'.repeat(4000);
    await Promise.all(Array.from({ length: 20 }, (_, n) => load.send({ body: `${n} ${body}` })));
    const { stored, unavailable } = tally(load);
    t.is(stored, 10, 'a batch is all or nothing');
    t.is(unavailable, 20);
    t.true((load.failures.unavailable ?? 0) > 1, 'it was tried again');
    t.deepEqual([...load.abandonedRooms], [], 'their outcome was known');
    setSpace(db.url, 10_000);
    await load.sendMany(20, 20);
    t.is(tally(load).stored, 30);
    await assertPromises(t, storage, [load]);
  },
);
