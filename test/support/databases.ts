/**
 * A fresh database for a test, on SQLite and on PostgreSQL: a temporary file, or a database made from a migrated
 * template on the server that run.ts started. What a test opens through it is closed and dropped afterwards.
 */
import { rmSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext, SerialFn, TestFn } from 'ava';
import pg from 'pg';
import { randomText, systemClock } from '../../src/core/clock.ts';
import type { Storage } from '../../src/core/ports.ts';
import { openMigrator } from '../../src/storage/migrate.ts';
import type { StorageOptions } from '../../src/storage/storage.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { type Postgres, startPostgres } from './postgres.ts';
import { makeFolder, serviceTest } from './services.ts';

/** The migrated database on the tests' PostgreSQL server, made by run.ts. */
const postgresTemplate = 'finchat_template';

export type TestDatabase = {
  readonly dialect: 'sqlite' | 'postgres';
  readonly url: string;
  /**
   * Opens a Storage on it: real clock and chance unless given, and another URL where a proxy stands in between. Closed
   * in teardown; closing it earlier is fine.
   */
  open(options?: Partial<StorageOptions>): Promise<Storage>;
};

export type DatabaseOptions = {
  /** `none`: not a table in it (SQLite: not even a file). */
  schema?: 'migrated' | 'none';
};

type Body = (t: ExecutionContext, db: TestDatabase) => Promise<void>;

/** Registers the test twice. Without a PostgreSQL server the second shows as skipped, with the reason. */
export function eachDatabase(test: TestFn, title: string, body: Body, options: DatabaseOptions = {}): void {
  sqliteTest(test, `${title} (SQLite)`, body, options);
  postgresTest(test, `${title} (PostgreSQL)`, body, options);
}

export function sqliteTest(test: TestFn | SerialFn, title: string, body: Body, options: DatabaseOptions = {}): void {
  test(title, async (t) => body(t, await createSqliteDatabase(t, options)));
}

export function postgresTest(test: TestFn, title: string, body: Body, options: DatabaseOptions = {}): void {
  serviceTest(test, 'postgres', title, async (t, serverUrl) =>
    body(t, await createPostgresDatabase(t, serverUrl, options)),
  );
}

/** A SQLite database in a folder of its own, removed in teardown. */
export async function createSqliteDatabase(t: ExecutionContext, options: DatabaseOptions = {}): Promise<TestDatabase> {
  const folder = await makeFolder('test');
  // Teardowns run last to first: the folder goes when everything is closed.
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'finchat.sqlite');
  const url = `sqlite://${file}`;
  if (options.schema !== 'none') await copyFile(await migratedFile(), file);
  return { dialect: 'sqlite', url, open: opener(t, url) };
}

/** A database on the server at `serverUrl`, dropped in teardown. Fails the test when it left connections open. */
export async function createPostgresDatabase(
  t: ExecutionContext,
  serverUrl: string,
  options: DatabaseOptions = {},
): Promise<TestDatabase> {
  const name = `test_${randomText(9)
    .replace(/[^a-z0-9]/gi, '')
    .toLowerCase()}_${process.pid}`;
  const template = options.schema === 'none' ? 'template0' : postgresTemplate;
  await withClient(serverUrl, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  t.teardown(() => withClient(serverUrl, (client) => dropDatabase(client, name)));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { dialect: 'postgres', url: url.href, open: opener(t, url.href) };
}

/** A PostgreSQL server of the test's own, which it may crash, and its migrated database. Stopped in teardown. */
export async function startOwnPostgres(t: ExecutionContext): Promise<{ server: Postgres; db: TestDatabase }> {
  const server = await startPostgres();
  t.teardown(() => server.stop());
  await migrate(server.url);
  return { server, db: { dialect: 'postgres', url: server.url, open: opener(t, server.url) } };
}

/** Makes the template on a new server. */
export async function createPostgresTemplate(serverUrl: string): Promise<void> {
  await withClient(serverUrl, (client) => client.query(`CREATE DATABASE ${postgresTemplate} TEMPLATE template0`));
  const url = new URL(serverUrl);
  url.pathname = `/${postgresTemplate}`;
  await migrate(url.href);
}

/** Runs `work` on one connection to a PostgreSQL server. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function opener(t: ExecutionContext, url: string): TestDatabase['open'] {
  return async (options = {}) => {
    const storage = await openStorage({
      url,
      pool: 5,
      synchronous: 'NORMAL',
      clock: systemClock,
      random: randomText,
      ...options,
    });
    let closing: Promise<void> | undefined;
    const close = (): Promise<void> => (closing ??= storage.close());
    t.teardown(close);
    return { ...storage, close };
  };
}

async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  // A server process outlives its client's socket by a moment.
  const deadline = performance.now() + 5000;
  let left = await countConnections(client, name);
  while (left > 0 && performance.now() < deadline) {
    await delay(20);
    left = await countConnections(client, name);
  }
  await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
  if (left > 0) throw new Error(`The test left ${left} connections to its database open.`);
}

async function countConnections(client: pg.Client, name: string): Promise<number> {
  const { rows } = await client.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = $1',
    [name],
  );
  return rows[0]?.count ?? 0;
}

let template: Promise<string> | undefined;

/** Migrating takes longer than copying: one migrated file for each process. */
function migratedFile(): Promise<string> {
  template ??= (async () => {
    const folder = await makeFolder('template');
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'finchat.sqlite');
    await migrate(`sqlite://${file}`);
    return file;
  })();
  return template;
}

async function migrate(url: string): Promise<void> {
  const migrator = await openMigrator({ url });
  try {
    await migrator.up();
  } finally {
    await migrator.close();
  }
}
