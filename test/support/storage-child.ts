/** The child's part of storage-process.ts: `node storage-child.js <command> <url>`. */
import { createInterface } from 'node:readline';
import { randomText, systemClock } from '../../src/core/clock.ts';
import type { Storage } from '../../src/core/ports.ts';
import { openMigrator } from '../../src/storage/migrate.ts';
import { openSqlite, sqliteFile } from '../../src/storage/sqlite.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { toStoreError } from '../../src/storage/store-errors.ts';
import type { Answer, Call, StorageCommand } from './storage-process.ts';

const [command, url] = process.argv.slice(2) as [StorageCommand, string];

const open = (): Promise<Storage> =>
  openStorage({ url, pool: 4, synchronous: 'NORMAL', clock: systemClock, random: randomText });

/** Until the parent kills this process, or ends and so closes the pipe. */
const stay = (): void => {
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
};

const answer = (value: unknown): void => console.log(JSON.stringify(value));

switch (command) {
  case 'migrate': {
    const migrator = await openMigrator({ url });
    answer(await migrator.up());
    await migrator.close();
    break;
  }
  case 'seed': {
    const storage = await open();
    const rooms = ['friends', 'family', 'investments'].map((name) => ({ name, topic: '' }));
    answer((await storage.rooms.seed(rooms, 1)).length);
    await storage.close();
    break;
  }
  case 'lock': {
    const storage = await open();
    const lock = await storage.lockServer();
    answer(lock !== undefined);
    stay();
    break;
  }
  case 'hold-write': {
    openSqlite(sqliteFile(url), { synchronous: 'NORMAL', busyTimeoutMs: 5000 }).exec('BEGIN IMMEDIATE');
    answer(true);
    stay();
    break;
  }
  case 'calls': {
    const storage = await open();
    answer(true);
    createInterface({ input: process.stdin }).on('line', (line) => void serve(storage, JSON.parse(line) as Call));
    stay();
    break;
  }
}

async function serve(storage: Storage, { id, store, method, args }: Call): Promise<void> {
  const methods = storage[store] as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  let said: Answer;
  try {
    said = { id, value: await methods[method]?.(...args) };
  } catch (error) {
    const { kind, message } = toStoreError(error);
    said = { id, failure: { kind, message } };
  }
  answer(said);
}
