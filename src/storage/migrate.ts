/**
 * Brings a database to this program's schema and back. Any number of processes may call `up` at once: they take turns
 * by a lock that ends with its holder, so a crash in the middle blocks nobody.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { StoreError } from '../core/ports.ts';
import type { Database } from './database.ts';
import { isSqlite, openDatabase } from './database.ts';
import { migrationSource, migrations } from './migrations/index.ts';
import { tryProcessLock } from './process-lock.ts';
import { createSqliteFile, sqliteFile } from './sqlite.ts';
import { toStoreError } from './store-errors.ts';

export interface Migrator {
  /** Every migration in order; `appliedAt` in milliseconds, null while it is pending. */
  status(): Promise<{ name: string; appliedAt: number | null }[]>;
  /** Names of migrations that have not run. */
  pending(): Promise<string[]>;
  /** Runs what is pending; resolves the names. Safe in two processes at once. Creates SQLite's folder and file. */
  up(): Promise<string[]>;
  /** Takes back the last batch; resolves the names. Rejects with `rejected` while a server runs on the database. */
  rollback(): Promise<string[]>;
  close(): Promise<void>;
}

type Applied = { name: string; appliedAt: number };

/** Another process migrates: it may take minutes on a large database. */
const lockDeadlineMs = 120_000;
const lockPauseMs = 50;
/**
 * knex's own lock is a row, which a killed process leaves behind. Only a `npx knex` elsewhere could hold it beside our
 * lock; one that is still there after this long belongs to nobody.
 */
const staleLockMs = 3000;
/** SQLite: nobody is served by a migrating process, so the driver may wait for a lock by itself. */
const busyTimeoutMs = 10_000;

/** What a database of this program's schema has been through. */
export const migrationNames: readonly string[] = migrations.map(({ name }) => name);

const migrationConfig: Knex.MigratorConfig = { migrationSource };

/** Refuses nothing by itself: connects when first asked. Rejections are StoreErrors. */
export async function openMigrator({ url }: { url: string }): Promise<Migrator> {
  const database = openDatabase({ url, pool: 2, deadlines: false, synchronous: 'FULL', busyTimeoutMs });
  const status = async (): Promise<{ name: string; appliedAt: number | null }[]> => {
    const applied = new Map((await readKnown(database)).map(({ name, appliedAt }) => [name, appliedAt]));
    return migrations.map(({ name }) => ({ name, appliedAt: applied.get(name) ?? null }));
  };
  return {
    status,
    pending: async () => (await status()).filter(({ appliedAt }) => appliedAt === null).map(({ name }) => name),
    up: () => alone(database, (knex) => knex.migrate.latest(migrationConfig)),
    rollback: () => withoutServer(url, () => alone(database, (knex) => knex.migrate.rollback(migrationConfig))),
    close: () => database.close(),
  };
}

/**
 * Rejects with a sentence when the schema is not this program's: older (`finchat migrate` is needed) or newer (the
 * program is too old for it).
 */
export async function requireCurrentSchema(database: Database): Promise<void> {
  const applied = new Set((await readKnown(database)).map(({ name }) => name));
  if (migrations.every(({ name }) => applied.has(name))) return;
  throw new StoreError(
    'rejected',
    applied.size === 0
      ? 'The database has no tables yet. Run `finchat migrate`.'
      : 'The database has an older schema than this version of finchat needs. Run `finchat migrate`.',
  );
}

/** What was applied; rejects when a migration is among it that this program does not know. */
async function readKnown(database: Database): Promise<Applied[]> {
  const applied = await readApplied(database);
  const known = new Set(migrations.map(({ name }) => name));
  const foreign = applied.find(({ name }) => !known.has(name));
  if (foreign === undefined) return applied;
  throw new StoreError(
    'rejected',
    `The database has a newer schema than this version of finchat knows (migration "${foreign.name}"). Update finchat, or restore a backup made before the update.`,
  );
}

async function readApplied(database: Database): Promise<Applied[]> {
  // Asking must not create the file.
  if (database.dialect === 'sqlite' && !existsSync(sqliteFile(database.url))) return [];
  return database.read(async (knex) => {
    if (!(await knex.schema.hasTable('knex_migrations'))) return [];
    const rows: { name: string; migration_time: number | string | Date }[] = await knex('knex_migrations')
      .select('name', 'migration_time')
      .orderBy('id');
    return rows.map((row) => ({ name: row.name, appliedAt: new Date(row.migration_time).getTime() }));
  });
}

type KnexAnswer = [batch: number, names: NamedOrString[]];
type NamedOrString = string | { name: string };

/** Runs `work` while no other process migrates; resolves the names of what it ran. */
async function alone(database: Database, work: (knex: Knex) => Promise<KnexAnswer>): Promise<string[]> {
  if (isSqlite(database.url)) createSqliteFile(sqliteFile(database.url));
  const release = await takeLock(database.url);
  try {
    await readKnown(database);
    const [, names] = await pastStaleLock(database.knex, () => work(database.knex));
    return names.map((entry) => (typeof entry === 'string' ? entry : entry.name));
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await release();
  }
}

/** A running server would go on without its tables. */
async function withoutServer<T>(url: string, work: () => Promise<T>): Promise<T> {
  const release = await tryProcessLock(url, 'server');
  if (release === undefined) {
    throw new StoreError('rejected', 'A server is running on this database. Stop it first.');
  }
  try {
    return await work();
  } finally {
    await release();
  }
}

async function takeLock(url: string): Promise<() => Promise<void>> {
  const deadline = performance.now() + lockDeadlineMs;
  for (;;) {
    const release = await tryProcessLock(url, 'migration');
    if (release !== undefined) return release;
    if (performance.now() > deadline) {
      throw new StoreError('busy', 'Another process is migrating the database. Try again when it has finished.');
    }
    await delay(lockPauseMs);
  }
}

async function pastStaleLock<T>(knex: Knex, run: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + staleLockMs;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'MigrationLocked') throw error;
    }
    if (performance.now() > deadline) await knex.migrate.forceFreeMigrationsLock(migrationConfig);
    await delay(lockPauseMs);
  }
}
