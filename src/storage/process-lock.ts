/**
 * Locks between processes that end with their holder: on SQLite a lock of the operating system on a file beside the
 * database, on PostgreSQL a session's advisory lock (which is per database).
 */
import BetterSqlite from 'better-sqlite3';
import type pg from 'pg';
import { isSqlite } from './database.ts';
import { PostgresClient, postgresConnection } from './postgres.ts';
import { createSqliteFile, sqliteFile } from './sqlite.ts';
import { toStoreError, unavailable } from './store-errors.ts';

/** Advisory locks are named by two numbers; the first says "finchat" (its letters f, i, n, c). */
const advisorySpace = 0x66696e63;
export const locks = { server: { key: 1, suffix: '-server' }, migration: { key: 2, suffix: '-migration' } } as const;
export type LockName = keyof typeof locks;

/** Takes the lock or resolves undefined at once. The function releases it. */
export async function tryProcessLock(url: string, name: LockName): Promise<(() => Promise<void>) | undefined> {
  if (isSqlite(url)) return tryFileLock(sqliteFile(url) + locks[name].suffix);
  const client = await connect(url, `finchat ${name} lock`);
  if (await tryAdvisoryLock(client, name)) return () => client.end();
  await client.end();
  return undefined;
}

/** A connection of its own; its `error` event is listened to. Rejects with `unavailable`. */
export async function connect(url: string, applicationName: string): Promise<pg.Client> {
  const client = new PostgresClient(postgresConnection(url, applicationName));
  // Without a listener a broken idle connection would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (error) {
    throw unavailable(error);
  }
  return client;
}

/** `shared`: others may have it as well, all of them shared. */
export async function tryAdvisoryLock(client: pg.Client, name: LockName, shared = false): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>(
    `SELECT pg_try_advisory_lock${shared ? '_shared' : ''}($1, $2) AS locked`,
    [advisorySpace, locks[name].key],
  );
  return rows[0]?.locked === true;
}

/** The application names of the sessions that hold the lock. */
export async function lockHolders(client: pg.Client, name: LockName): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT a.application_name AS name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2 AND l.granted AND a.datname = current_database()
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [advisorySpace, locks[name].key],
  );
  return rows.map((row) => row.name);
}

/** Ends the session that holds the lock if it is the caller's own earlier one (by application name); the server may not have noticed yet that it is gone. */
export async function endFormerHolder(client: pg.Client, name: LockName, applicationName: string): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2 AND l.pid <> pg_backend_pid()
       AND a.datname = current_database() AND a.application_name = $3`,
    [advisorySpace, locks[name].key, applicationName],
  );
}

/** An empty SQLite database beside the real one, whose exclusive lock is held for as long as the connection is open. */
function tryFileLock(file: string): (() => Promise<void>) | undefined {
  createSqliteFile(file);
  let connection: BetterSqlite.Database | undefined;
  try {
    connection = new BetterSqlite(file, { timeout: 0 });
    connection.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    connection?.close();
    if (error instanceof BetterSqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw toStoreError(error);
  }
  return async () => {
    connection.close();
  };
}
