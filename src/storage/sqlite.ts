/**
 * The embedded dialect: where the file is, and every pragma. Two connections exist: knex's, and one for the message
 * log and the finding of tokens, whose statements are prepared once and run without a pause.
 */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import type { Knex } from 'knex';
import { StoreError } from '../core/ports.ts';

export type SqliteOptions = {
  /** NORMAL survives a killed process, FULL a power cut too. */
  synchronous: 'NORMAL' | 'FULL';
  /** Milliseconds the driver itself waits for a lock. It stops the event loop meanwhile, so a server has 0. */
  busyTimeoutMs: number;
};

/** While a connection is opened the loop may stop this long: WAL recovery after a crash needs the lock alone. */
const openingTimeoutMs = 2000;

/** The absolute path of `sqlite://` followed by a path (absolute, or relative to the working directory). */
export function sqliteFile(url: string): string {
  return resolve(url.slice('sqlite://'.length));
}

/**
 * Makes the file, and its folders, where they are missing: for their owner alone (modes 600 and 700), because they hold
 * password hashes and messages. SQLite gives the files beside it the same mode. What is there already stays as it is.
 * Rejects with `unavailable`, in a sentence.
 */
export function createSqliteFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Only ever a new file: closing one that this process has open through SQLite would end SQLite's locks on it.
    closeSync(openSync(file, 'wx', 0o600));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && isFile(file)) return;
    throw new StoreError('unavailable', `${file} cannot be made or is no file. ${whatToDo} (${message})`, {
      cause: error,
    });
  }
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * Pages of 4 KB that the log beside the file grows by before they are written into the file, where a page that many
 * commits have changed is written once. SQLite's own 1,000 cost messages in 100 rooms 35 µs each, these 21.
 */
export const checkpointPages = 4000;

const whatToDo = 'DATABASE_URL must name a file in a folder that this user may write to.';

/** Opens a connection of its own. The caller closes it. */
export function openSqlite(file: string, options: SqliteOptions): BetterSqlite.Database {
  const connection = new BetterSqlite(file, { timeout: openingTimeoutMs });
  applyPragmas(connection, options);
  return connection;
}

export function sqliteKnexConfig(file: string, options: SqliteOptions): Knex.Config {
  return {
    client: 'better-sqlite3',
    // An error's text would hold the values: password hashes, addresses, messages. Errors are logged.
    compileSqlOnError: false,
    connection: { filename: file },
    useNullAsDefault: true,
    // One connection: the driver is synchronous, a second one could only make it busy.
    pool: {
      min: 1,
      max: 1,
      afterCreate(connection: BetterSqlite.Database, done: (error: Error | null) => void) {
        try {
          applyPragmas(connection, options);
          done(null);
        } catch (error) {
          done(error as Error);
        }
      },
    },
  };
}

function applyPragmas(connection: BetterSqlite.Database, options: SqliteOptions): void {
  connection.pragma(`busy_timeout = ${openingTimeoutMs}`);
  // Readers never wait for a writer, and a commit is one append to the log.
  connection.pragma('journal_mode = WAL');
  connection.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  connection.pragma(`synchronous = ${options.synchronous}`);
  connection.pragma('foreign_keys = ON');
  connection.pragma(`busy_timeout = ${options.busyTimeoutMs}`);
}
