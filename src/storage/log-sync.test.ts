import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeFolder } from '../../test/support/services.ts';
import { createLogSync, type Disk, disk as realDisk } from './log-sync.ts';
import { openSqlite } from './sqlite.ts';

/** Committed at once, they are as many pages as are synced at once. */
const enough = 998;

/** Notes what is asked of it; `finish` ends the sync that is under way. */
function fakeDisk(): Disk & { asked: string[]; finish(): void } {
  const asked: string[] = [];
  let done: ((error: Error | null) => void) | undefined;
  return {
    asked,
    open(path) {
      asked.push(`open ${path}`);
      return 7;
    },
    sync(file, ended) {
      asked.push(`sync ${file}`);
      done = ended;
    },
    close: (file) => void asked.push(`close ${file}`),
    finish: () => done?.(null),
  };
}

test('the log is opened once, and synced after so many messages', (t) => {
  const disk = fakeDisk();
  const log = createLogSync('/data/chat.db', disk);
  log.grow(enough - 3);
  t.deepEqual(disk.asked, []);
  log.grow(1);
  t.deepEqual(disk.asked, ['open /data/chat.db-wal', 'sync 7']);
  disk.finish();
  log.grow(enough - 3);
  t.is(disk.asked.length, 2);
  log.grow(1);
  t.deepEqual(disk.asked.slice(2), ['sync 7']);
});

test('one sync is under way at a time, and what came meanwhile counts for the next', (t) => {
  const disk = fakeDisk();
  const log = createLogSync('/data/chat.db', disk);
  log.grow(enough);
  log.grow(enough);
  t.deepEqual(disk.asked.slice(1), ['sync 7']);
  disk.finish();
  log.grow(1);
  t.deepEqual(disk.asked.slice(1), ['sync 7', 'sync 7']);
});

test('closed, it syncs no more, and lets a sync under way end first', (t) => {
  const disk = fakeDisk();
  const log = createLogSync('/data/chat.db', disk);
  log.grow(enough);
  log.close();
  t.deepEqual(disk.asked.slice(1), ['sync 7']);
  disk.finish();
  log.grow(enough);
  t.deepEqual(disk.asked.slice(1), ['sync 7', 'close 7']);
});

test('closed while no sync is under way, it closes the log at once, if it has one', (t) => {
  const disk = fakeDisk();
  createLogSync('/data/chat.db', disk).close();
  t.deepEqual(disk.asked, []);
  const log = createLogSync('/data/chat.db', disk);
  log.grow(enough);
  disk.finish();
  log.close();
  t.deepEqual(disk.asked.slice(2), ['close 7']);
});

test('a log that cannot be opened costs nothing but the sync, and is tried again', (t) => {
  const disk = fakeDisk();
  let isThere = false;
  const open = (path: string): number => {
    if (!isThere) throw new Error('ENOENT');
    return disk.open(path);
  };
  const log = createLogSync('/data/chat.db', { ...disk, open });
  log.grow(enough);
  isThere = true;
  log.grow(enough);
  t.deepEqual(disk.asked, ['open /data/chat.db-wal', 'sync 7']);
  disk.finish();
  log.close();
});

test("SQLite's log is synced beside SQLite, which goes on with it", async (t) => {
  const folder = await makeFolder('log-sync');
  const file = join(folder, 'chat.db');
  const connection = openSqlite(file, { synchronous: 'NORMAL', busyTimeoutMs: 0 });
  t.teardown(async () => {
    connection.close();
    await rm(folder, { recursive: true, force: true });
  });
  connection.exec('CREATE TABLE notes (note text)');
  const fault = await new Promise<Error | null>((resolve) => {
    const sync: Disk['sync'] = (log, done) => {
      realDisk.sync(log, (error) => {
        done(error);
        resolve(error);
      });
    };
    const log = createLogSync(file, { ...realDisk, sync });
    log.grow(enough);
    log.close();
  });
  t.is(fault, null);
  // Its locks are still its own.
  connection.exec("INSERT INTO notes VALUES ('a')");
  const other = openSqlite(file, { synchronous: 'NORMAL', busyTimeoutMs: 0 });
  t.teardown(() => other.close());
  connection.exec('BEGIN IMMEDIATE');
  t.throws(() => other.exec("INSERT INTO notes VALUES ('b')"), { any: true, code: 'SQLITE_BUSY' });
  connection.exec('COMMIT');
  t.is(other.prepare('SELECT count(*) AS n FROM notes').pluck().get(), 1);
});
