import { execFileSync } from 'node:child_process';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Database as Connection } from 'better-sqlite3';
import { makeFolder } from '../../test/support/services.ts';
import { createLogSync, type Disk, disk as realDisk } from './log-sync.ts';
import { openSqlite } from './sqlite.ts';

/** Messages of one room that are, committed at once, as many pages as are synced at once. */
const enough = 4970;

/** Notes what is asked of it; `finish` ends the sync that is under way. */
function fakeDisk(): Disk & { asked: string[]; finish(error?: Error): void } {
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
    finish: (error) => done?.(error ?? null),
  };
}

async function openConnection(t: ExecutionContext): Promise<{ folder: string; file: string; connection: Connection }> {
  const folder = await makeFolder('log-sync');
  const file = join(folder, 'chat.db');
  const connection = openSqlite(file, { synchronous: 'NORMAL', busyTimeoutMs: 0 });
  connection.exec('CREATE TABLE notes (note text)');
  t.teardown(async () => {
    connection.close();
    await rm(folder, { recursive: true, force: true });
  });
  return { folder, file, connection };
}

test('the log is opened once, and synced after so many pages', async (t) => {
  const { file, connection } = await openConnection(t);
  const disk = fakeDisk();
  const log = createLogSync(connection, disk);
  log.grow(enough - 5, 1);
  t.deepEqual(disk.asked, []);
  log.grow(1, 1);
  t.deepEqual(disk.asked, [`open ${file}-wal`, 'sync 7']);
  disk.finish();
  // Of many rooms fewer messages are as much.
  log.grow(450, 450);
  t.is(disk.asked.length, 2);
  log.grow(10, 10);
  t.deepEqual(disk.asked.slice(2), ['sync 7']);
});

test('one sync is under way at a time, and what came meanwhile counts for the next, also where it failed', async (t) => {
  const { connection } = await openConnection(t);
  const disk = fakeDisk();
  const log = createLogSync(connection, disk);
  log.grow(enough, 1);
  log.grow(enough, 1);
  t.deepEqual(disk.asked.slice(1), ['sync 7']);
  disk.finish(new Error('EIO'));
  log.grow(1, 1);
  t.deepEqual(disk.asked.slice(1), ['sync 7', 'sync 7']);
});

test('closed, it syncs no more, and lets a sync under way end first', async (t) => {
  const { connection } = await openConnection(t);
  const disk = fakeDisk();
  const log = createLogSync(connection, disk);
  log.grow(enough, 1);
  log.close();
  t.deepEqual(disk.asked.slice(1), ['sync 7']);
  disk.finish();
  log.grow(enough, 1);
  t.deepEqual(disk.asked.slice(1), ['sync 7', 'close 7']);
});

test('closed while no sync is under way, it closes the log at once, if it has one, and once', async (t) => {
  const { connection } = await openConnection(t);
  const disk = fakeDisk();
  createLogSync(connection, disk).close();
  t.deepEqual(disk.asked, []);
  const log = createLogSync(connection, disk);
  log.grow(enough, 1);
  disk.finish();
  log.close();
  log.close();
  t.deepEqual(disk.asked.slice(2), ['close 7']);
});

test('a log that cannot be opened costs nothing but the sync, and is tried again when the next one is due', async (t) => {
  const { connection } = await openConnection(t);
  const disk = fakeDisk();
  let tries = 0;
  const open = (path: string): number => {
    tries += 1;
    if (tries === 1) throw new Error('ENOENT');
    return disk.open(path);
  };
  const log = createLogSync(connection, { ...disk, open });
  log.grow(enough, 1);
  log.grow(enough - 5, 1);
  t.is(tries, 1);
  log.grow(1, 1);
  t.deepEqual(disk.asked.slice(1), ['sync 7']);
});

test("SQLite's log is synced beside SQLite, also through a link to its file, and no lock of SQLite's is lost", async (t) => {
  const { folder, file, connection } = await openConnection(t);
  const link = join(folder, 'link.db');
  await symlink(file, link);
  const linked = openSqlite(link, { synchronous: 'NORMAL', busyTimeoutMs: 0 });
  t.teardown(() => linked.close());
  connection.exec("BEGIN IMMEDIATE; INSERT INTO notes VALUES ('a')");
  const asked: string[] = [];
  const fault = await new Promise<Error | null>((resolve) => {
    const log = createLogSync(linked, {
      ...realDisk,
      open(path) {
        asked.push(path);
        return realDisk.open(path);
      },
      sync(descriptor, done) {
        realDisk.sync(descriptor, (error) => {
          done(error);
          resolve(error);
        });
      },
    });
    log.grow(enough, 1);
    log.close();
  });
  t.is(fault, null);
  t.deepEqual(asked, [`${file}-wal`]);
  // A process of its own: within one, SQLite does not ask the kernel.
  const attempt = `const db = new (require('better-sqlite3'))(process.argv[1], { timeout: 0 });
    try { db.exec("INSERT INTO notes VALUES ('b')"); console.log('written'); } catch (error) { console.log(error.code); }`;
  const tried = execFileSync(process.execPath, ['-e', attempt, file], { encoding: 'utf8' });
  t.is(tried, 'SQLITE_BUSY\n');
  connection.exec('COMMIT');
});
