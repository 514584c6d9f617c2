/** Migrating and refusing to run on another schema, on both databases. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { MessageSearch } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import type { Database } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/database.ts';
import type { Migrator } from '../../src/storage/migrate.ts';
import { openMigrator } from '../../src/storage/migrate.ts';
import { migrationSource, migrations } from '../../src/storage/migrations/index.ts';
import { sqliteFile } from '../../src/storage/sqlite.ts';
import type { TestDatabase } from '../support/databases.ts';
import { eachDatabase, sqliteTest } from '../support/databases.ts';
import { runToEnd } from '../support/services.ts';
import { startStorageProcess } from '../support/storage-process.ts';

const names = migrations.map(({ name }) => name);
const empty = { schema: 'none' } as const;

async function migratorOf(t: ExecutionContext, db: TestDatabase): Promise<Migrator> {
  const migrator = await openMigrator({ url: db.url });
  t.teardown(() => migrator.close());
  return migrator;
}

function rawDatabase(t: ExecutionContext, db: TestDatabase): Database {
  const database = openDatabase({
    url: db.url,
    pool: 1,
    synchronous: 'NORMAL',
    busyTimeoutMs: 1000,
    deadlines: false,
  });
  t.teardown(() => database.close());
  return database;
}

async function refusal(t: ExecutionContext, db: TestDatabase): Promise<string> {
  const error = await t.throwsAsync(db.open(), { instanceOf: StoreError });
  t.is(error.kind, 'rejected');
  return error.message;
}

test('migrations have names that are no file names, in order', (t) => {
  t.deepEqual(names.toSorted(), names);
  t.true(names.every((name) => /^\d{3}-[a-z-]+$/.test(name)));
});

eachDatabase(
  test,
  'an empty database is migrated once, and the state can be asked for before and after',
  async (t, db) => {
    const migrator = await migratorOf(t, db);
    t.deepEqual(await migrator.pending(), names);
    t.true((await migrator.status()).every(({ appliedAt }) => appliedAt === null));
    const before = Date.now();
    t.deepEqual(await migrator.up(), names);
    const status = await migrator.status();
    t.deepEqual(
      status.map(({ name }) => name),
      names,
    );
    // The clock of a database server may differ a little from this process's.
    t.true(status.every(({ appliedAt }) => appliedAt !== null && Math.abs(appliedAt - before) < 60_000));
    t.deepEqual(await migrator.pending(), []);
    t.deepEqual(await migrator.up(), []);
    t.deepEqual(await (await db.open()).rooms.list(), []);
  },
  empty,
);

eachDatabase(
  test,
  'a rollback takes the last batch back, and it can be run again',
  async (t, db) => {
    const migrator = await migratorOf(t, db);
    await migrator.up();
    t.deepEqual((await migrator.rollback()).toSorted(), names);
    t.deepEqual(await migrator.pending(), names);
    t.deepEqual(await migrator.rollback(), []);
    t.deepEqual(await migrator.up(), names);
    t.is(await (await db.open()).changes.latestId(), 0);
  },
  empty,
);

eachDatabase(
  test,
  'what the first schema held is there and found after the second, and again after a rollback',
  async (t, db) => {
    const raw = rawDatabase(t, db).knex;
    await raw.migrate.up({ migrationSource });
    await raw('users').insert({
      username: 'Ann',
      username_folded: 'ann',
      email: '',
      email_folded: '',
      password_hash: 'x',
      is_superuser: true,
      is_active: true,
      created_at: 1,
    });
    for (const name of ['friends', 'family']) {
      await raw('rooms').insert({
        name,
        name_folded: name,
        topic: '',
        epoch: name,
        last_id: 6000,
        created_at: 1,
        updated_at: 1,
      });
    }
    // More than are read, written or searched at once, and by turns in both rooms.
    const rows = Array.from({ length: 12_000 }, (_, n) => ({
      room_id: 1 + (n % 2),
      id: 1 + Math.floor(n / 2),
      user_id: 1,
      ref: `${n}`,
      created_at: n,
      body: `said ${n}`,
    }));
    for (let start = 0; start < rows.length; start += 500) {
      await raw('messages').insert(rows.slice(start, start + 500));
    }
    const migrator = await migratorOf(t, db);
    t.deepEqual(await migrator.up(), names.slice(1));

    const storage = await db.open();
    const find = async (search: Partial<MessageSearch>): Promise<string[]> =>
      (await storage.messages.search({ limit: 3, ...search })).messages.map(({ body }) => body);
    t.deepEqual(await find({ words: 'said' }), ['said 11999', 'said 11998', 'said 11997']);
    t.deepEqual(await find({ words: 'said', to: 5 }), ['said 4', 'said 3', 'said 2']);
    t.deepEqual(await find({ words: '4711', roomId: 2 }), ['said 4711']);
    const again4711 = { roomId: 2, userId: 1, ref: '4711', createdAt: 12_000, body: 'said 4711' };
    t.deepEqual(await storage.messages.append([again4711]), [{ status: 'repeat', id: 2356, createdAt: 4711 }]);
    t.like(await storage.users.findByName('ann'), { isSuperuser: true, ban: null, mutedUntil: null });
    t.deepEqual((await storage.rooms.activity([2])).get(2), { messages: 6000, lastMessageAt: 11_999 });
    t.true(await storage.messages.delete(2, 6000));
    t.deepEqual(await find({ words: 'said' }), ['said 11998', 'said 11997', 'said 11996']);
    await storage.close();

    t.deepEqual((await migrator.rollback()).toSorted(), names.slice(1));
    t.deepEqual(await raw('messages').count({ count: '*' }), [{ count: 11_999 }]);
    t.deepEqual(await migrator.up(), names.slice(1));
    const again = await db.open();
    t.is((await again.messages.search({ words: 'said', limit: 20_000 })).messages.length, 11_999);
    // The hole that the deleted message has left is no message.
    t.deepEqual((await again.rooms.activity([2])).get(2), { messages: 5999, lastMessageAt: 11_997 });
  },
  empty,
);

/** What SQLite knows of the table of messages: columns, references, keys and indexes with their columns. */
const describeMessages = `SELECT 'column' AS what, name, type || "notnull" || pk AS details FROM pragma_table_info('messages')
  UNION ALL SELECT 'reference', "table", "from" || ' ' || "to" FROM pragma_foreign_key_list('messages')
  UNION ALL SELECT 'rowid', name, 1 - wr FROM pragma_table_list WHERE name = 'messages'
  UNION ALL SELECT 'index', (SELECT group_concat(name) FROM pragma_index_info(i.name)), i."unique" || i.partial
    FROM pragma_index_list('messages') AS i ORDER BY 1, 2`;

sqliteTest(
  test,
  'a new order of the key of refs changes nothing else of messages, and its rollback takes it back',
  async (t, db) => {
    const raw = rawDatabase(t, db).knex;
    const describe = async (): Promise<string[]> =>
      (await raw.raw<Record<string, unknown>[]>(describeMessages)).map((row) => Object.values(row).join(' '));
    for (const _ of names.slice(0, names.indexOf('005-ref-order'))) await raw.migrate.up({ migrationSource });
    const before = await describe();
    t.true(before.includes('index user_id,room_id,ref 10'), before.join('\n'));
    await raw.migrate.up({ migrationSource });
    const renamed = before.map((line) => line.replace('user_id,room_id,ref', 'ref,user_id,room_id'));
    t.deepEqual((await describe()).toSorted(), renamed.toSorted());
    await raw.migrate.down({ migrationSource });
    t.deepEqual(await describe(), before);
  },
  empty,
);

eachDatabase(
  test,
  'processes that migrate at once all succeed, and each migration runs once',
  async (t, db) => {
    const processes = [0, 1, 2].map(() => startStorageProcess(t, 'migrate', db.url));
    const here = await Promise.all([migratorOf(t, db), migratorOf(t, db)]);
    const answers = await Promise.all([
      ...processes.map(({ answer }) => answer as Promise<string[]>),
      ...here.map((migrator) => migrator.up()),
    ]);
    t.deepEqual(answers.flat(), names);
    t.deepEqual(await (await migratorOf(t, db)).pending(), []);
  },
  empty,
);

eachDatabase(
  test,
  'the lock that a killed migration left behind does not block the next one',
  async (t, db) => {
    const migrator = await migratorOf(t, db);
    await migrator.up();
    await migrator.rollback();
    const changed = await rawDatabase(t, db).knex('knex_migrations_lock').update({ is_locked: 1 });
    t.is(changed, 1);
    t.deepEqual(await migrator.up(), names);
  },
  empty,
);

eachDatabase(
  test,
  'a database without tables is refused with the command that makes them',
  async (t, db) => {
    t.regex(await refusal(t, db), /no tables yet\. Run `finchat migrate`/);
  },
  empty,
);

eachDatabase(test, 'an older schema is refused with the command that updates it', async (t, db) => {
  const database = rawDatabase(t, db);
  await database.knex('knex_migrations').delete();
  t.regex(await refusal(t, db), /Run `finchat migrate`/);
});

eachDatabase(test, 'a newer schema is refused by the storage and by the migrator', async (t, db) => {
  const newer = { name: '999-from-the-future', batch: 9, migration_time: new Date() };
  await rawDatabase(t, db).knex('knex_migrations').insert(newer);
  t.regex(await refusal(t, db), /newer schema .*999-from-the-future.*Update finchat/);
  const migrator = await migratorOf(t, db);
  for (const call of [() => migrator.up(), () => migrator.rollback(), () => migrator.status()]) {
    await t.throwsAsync(call(), { instanceOf: StoreError, message: /newer schema/ });
  }
});

eachDatabase(
  test,
  "knex's own command line migrates the same database and shows the same state",
  async (t, db) => {
    const knex = fileURLToPath(new URL('bin/cli.js', import.meta.resolve('knex')));
    const knexfile = fileURLToPath(new URL('../../knexfile.js', import.meta.url));
    const run = (command: string) =>
      runToEnd(process.execPath, [knex, '--knexfile', knexfile, command], {
        env: { ...process.env, DATABASE_URL: db.url, REDIS_URL: '' },
      });
    const migrator = await migratorOf(t, db);
    if (db.dialect === 'sqlite') await migrator.up();
    else await run('migrate:latest');
    t.deepEqual(await migrator.pending(), []);
    t.regex(await run('migrate:status'), new RegExp(`Found ${names.length} Completed Migration[^]*${names[0]}`));
    await t.notThrowsAsync(db.open());
  },
  empty,
);

sqliteTest(
  test,
  'asking for the state makes no file, migrating makes the folder too',
  async (t, db) => {
    const nested = { ...db, url: db.url.replace('finchat.sqlite', 'some/where/chat.sqlite') };
    const migrator = await migratorOf(t, nested);
    t.deepEqual(await migrator.pending(), names);
    t.false(existsSync(sqliteFile(nested.url)));
    await migrator.up();
    t.true(existsSync(sqliteFile(nested.url)));
  },
  empty,
);

test('sqlite:// takes absolute paths and paths from the working directory', (t) => {
  t.is(sqliteFile('sqlite:///var/lib/chat.sqlite'), '/var/lib/chat.sqlite');
  t.is(sqliteFile('sqlite://data/chat.sqlite'), `${process.cwd()}/data/chat.sqlite`);
  t.is(sqliteFile('sqlite://./chat.sqlite'), `${process.cwd()}/chat.sqlite`);
});

eachDatabase(test, 'a database says its kind and version', async (t, db) => {
  const storage = await db.open();
  t.regex(storage.database, /^(SQLite|PostgreSQL) \d+\.\d/);
});
