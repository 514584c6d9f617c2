/**
 * One open database: knex on either dialect, reads and write transactions that turn driver errors into StoreError and
 * wait for a held lock without stopping the event loop. Knows no table but the one a SQLite write transaction starts with.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';
import knex from 'knex';
import type { StoreError } from '../core/ports.ts';
import { PostgresClient, postgresKnexConfig } from './postgres.ts';
import type { SqliteOptions } from './sqlite.ts';
import { sqliteFile, sqliteKnexConfig } from './sqlite.ts';
import { toStoreError } from './store-errors.ts';

export type DatabaseOptions = SqliteOptions & {
  url: string;
  /** Connections to PostgreSQL at most. */
  pool: number;
  /** `false` for migrations. */
  deadlines: boolean;
};

export type Database = {
  readonly dialect: 'sqlite' | 'postgres';
  readonly url: string;
  readonly sqlite: SqliteOptions;
  readonly knex: Knex;
  /** Runs a query; repeats it while the database is busy. Not for use inside `write`: SQLite has one connection. */
  read<T>(query: (knex: Knex) => PromiseLike<T>): Promise<T>;
  /** Runs `work` in one transaction that holds SQLite's write lock from its start. `work` may run more than once. */
  write<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T>;
  /** Runs `attempt` again while it fails with `busy`, up to the deadline; rejects with StoreError. */
  whileBusy<T>(attempt: () => PromiseLike<T>): Promise<T>;
  close(): Promise<void>;
};

/** How long a call waits for another process's write lock before it fails with `busy`. */
const busyDeadlineMs = 5000;
/** Pauses between attempts grow to this: short enough to be next when a chunked writer pauses. */
const longestPauseMs = 20;

const quiet = { debug() {}, warn() {}, error() {}, deprecate() {} };

export function isSqlite(url: string): boolean {
  return url.startsWith('sqlite://');
}

/** knex's settings for a database, for `openDatabase` and for knexfile.ts. */
export function knexConfig(options: DatabaseOptions): Knex.Config {
  return isSqlite(options.url)
    ? sqliteKnexConfig(sqliteFile(options.url), options)
    : postgresKnexConfig(options.url, options);
}

/**
 * Runs a statement that ends in RETURNING and that knex cannot build: a DELETE, whose `returning` it leaves out on
 * SQLite, or an INSERT of what is selected.
 */
export async function returningRows<Row>(knex: Knex, sql: string, bindings: readonly Knex.Value[]): Promise<Row[]> {
  const answer = (await knex.raw(sql, bindings)) as unknown as Row[] | { rows: Row[] };
  return Array.isArray(answer) ? answer : answer.rows;
}

/**
 * Rows deleted in one transaction. On SQLite, where other writers and the event loop wait for it, some 20 ms when
 * hundreds of thousands are due: their index entries are scattered.
 */
const deletedAtOnce = 1000;

/** Deletes the rows whose `column` is below `bound`, in chunks, each in a transaction of its own; resolves their number. */
export async function deleteBelow(database: Database, table: string, column: string, bound: number): Promise<number> {
  for (let deleted = 0; ; await nextTurn()) {
    const chunk = await database.write((trx) => {
      const due = trx(table).where(column, '<', bound).orderBy(column).limit(deletedAtOnce).select('id');
      return trx(table).whereIn('id', due).delete();
    });
    deleted += chunk;
    if (chunk < deletedAtOnce) return deleted;
  }
}

/** Opens lazily: the first query connects. */
export function openDatabase(options: DatabaseOptions): Database {
  const dialect = isSqlite(options.url) ? 'sqlite' : 'postgres';
  // knex would print warnings about lost connections on the terminal; every such error reaches a caller anyway.
  const db = knex({ ...knexConfig(options), log: quiet });
  if (dialect === 'postgres') (db.client as { driver: object }).driver = { Client: PostgresClient };
  const deadlineMs = options.busyTimeoutMs > 0 ? 0 : busyDeadlineMs;
  const whileBusy = <T>(attempt: () => PromiseLike<T>): Promise<T> => retryWhileBusy(attempt, deadlineMs);
  return {
    dialect,
    url: options.url,
    sqlite: { synchronous: options.synchronous, busyTimeoutMs: options.busyTimeoutMs },
    knex: db,
    whileBusy,
    read: (query) => whileBusy(() => query(db)),
    write: (work) =>
      whileBusy(() =>
        db.transaction(async (trx) => {
          // knex begins with a deferred BEGIN, and a transaction that reads first fails when another one has written
          // since. One that begins with a write takes the lock at once, or fails with nothing done.
          if (dialect === 'sqlite') await trx('change_counter').update({ last_id: trx.ref('last_id') });
          return work(trx);
        }),
      ),
    close: () => db.destroy(),
  };
}

async function retryWhileBusy<T>(attempt: () => PromiseLike<T>, deadlineMs: number): Promise<T> {
  const deadline = performance.now() + deadlineMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, longestPauseMs)) {
    let failure: StoreError;
    try {
      return await attempt();
    } catch (error) {
      failure = toStoreError(error);
    }
    if (failure.kind !== 'busy' || performance.now() + pause > deadline) throw failure;
    // Not the clock's timer: a command that waits here must not end.
    await delay(pause);
  }
}
