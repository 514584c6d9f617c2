/** The first step of a start: the database migrated, opened and locked, with rooms in it. */
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { randomText, systemClock } from './core/clock.ts';
import type { Lock, Storage } from './core/ports.ts';
import { type Overrides, type Parts, requireStarting } from './parts.ts';
import { openMigrator } from './storage/migrate.ts';
import { openStorage } from './storage/storage.ts';

/** The rooms of a database that has never had one. */
export const sampleRooms: readonly { name: string; topic: string }[] = [
  { name: 'friends', topic: 'For a chat among friends' },
  { name: 'family', topic: 'For the family' },
  { name: 'investments', topic: 'Ask the bot: /stock=aapl.us' },
];

export async function openStore(config: Config, overrides: Overrides, parts: Parts, log: Logger): Promise<Storage> {
  const clock = overrides.clock ?? systemClock;
  const migrator = await openMigrator({ url: config.databaseUrl });
  try {
    const names = await migrator.up();
    if (names.length > 0) log.info({ migrations: names }, 'The database was migrated.');
  } finally {
    await migrator.close();
  }
  requireStarting(parts);
  const opened = await openStorage({
    url: config.databaseUrl,
    pool: config.databasePool,
    synchronous: config.sqliteSynchronous,
    clock,
    random: overrides.random ?? randomText,
  });
  const storage = overrides.wrapStorage?.(opened) ?? opened;
  parts.storage = storage;
  parts.lock = await lockStore(storage, config.redisUrl !== undefined);
  requireStarting(parts);
  const rooms = await storage.rooms.seed(sampleRooms, clock.now());
  if (rooms.length > 0) log.info(`Created the rooms ${rooms.map((room) => room.name).join(', ')}.`);
  return storage;
}

/** Nodes of one cluster share the lock of their database; a server without Redis has it alone. */
async function lockStore(storage: Storage, isNode: boolean): Promise<Lock> {
  const lock = await storage.lockServer({ shared: isNode });
  if (lock !== undefined) return lock;
  if (isNode) {
    throw new Error(
      'A server without REDIS_URL is running on this database. Set REDIS_URL for that one as well and restart it, or give this one a DATABASE_URL of its own.',
    );
  }
  // Whoever keeps a server away that is alone, but no node, is a node.
  const shared = await storage.lockServer({ shared: true });
  await shared?.release();
  throw new Error(
    shared === undefined
      ? 'Another server is running on this database. Stop it first, or give this one a DATABASE_URL of its own.'
      : 'Nodes with REDIS_URL are running on this database. Give this one their REDIS_URL, or a DATABASE_URL of its own.',
  );
}
