/** Puts the stores of one database together. */
import { existsSync } from 'node:fs';
import type { Database as BetterSqlite } from 'better-sqlite3';
import type { Clock, MessageStore, RandomText, Storage } from '../core/ports.ts';
import { StoreError } from '../core/ports.ts';
import { createAuditStore } from './audit-store.ts';
import { createChangeStore } from './change-store.ts';
import { createClaimStore } from './claim-store.ts';
import { requireFinishedCopy } from './copy/mark.ts';
import type { Database } from './database.ts';
import { openDatabase } from './database.ts';
import { createPostgresMessageStore } from './message-store-postgres.ts';
import { openSqliteMessageStore } from './message-store-sqlite.ts';
import { requireCurrentSchema } from './migrate.ts';
import { createNodeStore, readClusterId } from './node-store.ts';
import { createRoomStore } from './room-store.ts';
import { lockServer } from './server-lock.ts';
import { openSqlite, sqliteFile } from './sqlite.ts';
import { toStoreError } from './store-errors.ts';
import { createTokenStore } from './token-store.ts';
import { createUserStore } from './user-store.ts';

export type StorageOptions = {
  /** `postgres://…`, or `sqlite://` and a path. */
  url: string;
  /** Connections to PostgreSQL at most. */
  pool: number;
  /** SQLite: NORMAL survives a killed process, FULL a power cut too. */
  synchronous: 'NORMAL' | 'FULL';
  clock: Clock;
  random: RandomText;
  /**
   * SQLite: milliseconds the driver waits for another process's write lock, stopping the event loop. For commands; a
   * server leaves it out and waits asynchronously.
   */
  busyTimeoutMs?: number;
};

/**
 * Connections to PostgreSQL beside the pool, for leases alone, opened when the first lease begins: one, and another for
 * when that one hangs.
 */
const leaseConnections = 2;

/** Rejects with StoreError: `unavailable`, or `rejected` when the schema is older or newer than this program, or the database an unfinished copy. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { url, pool, synchronous, clock, random, busyTimeoutMs = 0 } = options;
  const database = openDatabase({ url, pool, synchronous, busyTimeoutMs, deadlines: true });
  try {
    await requireCurrentSchema(database);
    await requireFinishedCopy(database);
    const own = openOwn(database);
    const messages = openMessageStore(database, clock, own);
    const leases = openLeases(database, options);
    return {
      database: await nameOf(database),
      users: createUserStore(database, clock),
      tokens: createTokenStore(database, clock, own),
      rooms: createRoomStore(database, clock, random),
      changes: createChangeStore(database, clock),
      audit: createAuditStore(database),
      messages: messages.store,
      nodes: createNodeStore(leases.database),
      claims: createClaimStore(database, Math.max(1, Math.floor(pool / 2))),
      clusterId: () => readClusterId(database, random),
      ping: () => ping(database),
      lockServer: (asked) => lockServer(url, clock, random, asked?.shared),
      async close() {
        messages.close();
        own?.close();
        await leases.close();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw toStoreError(error);
  }
}

/** A node that could not renew its lease, because so much else waits for a connection, would be marked dead for being busy. */
function openLeases(database: Database, options: StorageOptions): { database: Database; close(): Promise<void> } {
  if (database.dialect === 'sqlite') return { database, close: async () => {} };
  const { url, synchronous, busyTimeoutMs = 0 } = options;
  const own = openDatabase({ url, synchronous, busyTimeoutMs, pool: leaseConnections, deadlines: true });
  return { database: own, close: () => own.close() };
}

/** SQLite: the connection for what is asked so often that it is prepared once. What runs on it is synchronous. */
function openOwn(database: Database): BetterSqlite | undefined {
  return database.dialect === 'sqlite' ? openSqlite(sqliteFile(database.url), database.sqlite) : undefined;
}

function openMessageStore(
  database: Database,
  clock: Clock,
  own: BetterSqlite | undefined,
): { store: MessageStore; close(): void } {
  if (own !== undefined) return openSqliteMessageStore(database, own, clock);
  return { store: createPostgresMessageStore(database, clock), close() {} };
}

async function nameOf(database: Database): Promise<string> {
  const isSqlite = database.dialect === 'sqlite';
  const asked = isSqlite ? 'sqlite_version() AS version' : "current_setting('server_version') AS version";
  const [row] = await database.read<{ version: string }[]>((knex) => knex.select(knex.raw(asked)));
  // PostgreSQL adds who has packed it.
  const [version = ''] = row?.version.split(' ') ?? [];
  return `${isSqlite ? 'SQLite' : 'PostgreSQL'} ${version}`.trim();
}

async function ping(database: Database): Promise<void> {
  // An open SQLite file outlives its name: one that was moved away no longer is the database.
  if (database.dialect === 'sqlite' && !existsSync(sqliteFile(database.url))) {
    throw new StoreError('unavailable', 'The database file is gone. Restore it and restart the server.');
  }
  try {
    await database.read((knex) => knex.select(knex.raw('1')));
  } catch (error) {
    const failure = toStoreError(error);
    throw new StoreError('unavailable', failure.message, { cause: failure });
  }
}
