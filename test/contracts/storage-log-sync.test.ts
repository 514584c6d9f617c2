/** That SQLite's message store has its log synced, and lets go of it: Linux says what a process has open. */
import { readdirSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { sqliteFile } from '../../src/storage/sqlite.ts';
import { sqliteTest } from '../support/databases.ts';
import { patienceMs, until } from '../support/services.ts';

/** `/proc` is Linux's: elsewhere there is nothing to ask, and the skip says so. */
const linuxTest: typeof sqliteTest =
  process.platform === 'linux' ? sqliteTest : (_test, title) => test.skip(`${title}: needs Linux`, () => {});

/** How often this process has the file open. */
function openTimes(file: string): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === file;
    } catch {
      // The one by which they are listed.
      return false;
    }
  }).length;
}

for (const synchronous of ['NORMAL', 'FULL'] as const) {
  const title =
    synchronous === 'NORMAL' ? 'many messages have the log synced' : 'with FULL, SQLite alone syncs the log';
  linuxTest(test, title, async (t, db) => {
    const storage = await db.open({ synchronous });
    const room = await storage.rooms.create({ name: 'friends', topic: '', createdAt: 1 });
    const author = { username: 'ann', email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 };
    const user = await storage.users.create(author);
    const log = `${sqliteFile(db.url)}-wal`;
    let stored = 0;
    const say = async (): Promise<void> => {
      const one = { roomId: room.id, userId: user.id, body: 'hello', createdAt: 1 };
      await storage.messages.append(Array.from({ length: 500 }, () => ({ ...one, ref: `ref ${stored++}` })));
    };
    await say();
    // SQLite's two connections.
    t.is(openTimes(log), 2);
    for (let n = 0; n < 10; n += 1) await say();
    t.is(openTimes(log), synchronous === 'NORMAL' ? 3 : 2);
    await storage.close();
    await until(patienceMs, async () => {
      if (openTimes(log) + openTimes(`${log} (deleted)`) > 0) throw new Error('The log is still open.');
    });
    t.pass();
  });
}
