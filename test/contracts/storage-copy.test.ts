/** Copies between all kinds of databases, and what they are made of. What the command says is in test/cli. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { randomText } from '../../src/core/clock.ts';
import { type CopyConnection, chunkBytes } from '../../src/storage/copy/connection.ts';
import { type CopyOptions, type CopyReport, copyDatabase } from '../../src/storage/copy/copy-database.ts';
import { openPostgresSide } from '../../src/storage/copy/postgres-connection.ts';
import { openSqliteSide } from '../../src/storage/copy/sqlite-connection.ts';
import { leftOut, messages, smallTables } from '../../src/storage/copy/tables.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { assertGoesOn, assertSame, fillRooms, furnishAll } from '../support/copied.ts';
import {
  createPostgresDatabase,
  createSqliteDatabase,
  eachDatabase,
  type TestDatabase,
  withClient,
} from '../support/databases.ts';
import { findService, serviceTest } from '../support/services.ts';

type Kind = TestDatabase['dialect'];

function copy(from: TestDatabase, to: TestDatabase, more: Partial<CopyOptions> = {}): Promise<CopyReport> {
  const { signal } = new AbortController();
  return copyDatabase({
    from: from.url,
    to: to.url,
    startOver: false,
    random: randomText,
    signal,
    onStep() {},
    ...more,
  });
}

async function create(t: ExecutionContext, kind: Kind, schema: 'migrated' | 'none'): Promise<TestDatabase> {
  if (kind === 'sqlite') return createSqliteDatabase(t, { schema });
  const found = findService('postgres');
  if ('missing' in found) throw new Error(found.missing);
  return createPostgresDatabase(t, found.url, { schema });
}

/** Registers the test for each pair of kinds. Without PostgreSQL those with it show as skipped. */
function eachPair(title: string, body: (t: ExecutionContext, from: Kind, to: Kind) => Promise<void>): void {
  test(`${title} (SQLite to SQLite)`, (t) => body(t, 'sqlite', 'sqlite'));
  serviceTest(test, 'postgres', `${title} (SQLite to PostgreSQL)`, (t) => body(t, 'sqlite', 'postgres'));
  serviceTest(test, 'postgres', `${title} (PostgreSQL to SQLite)`, (t) => body(t, 'postgres', 'sqlite'));
  serviceTest(test, 'postgres', `${title} (PostgreSQL to PostgreSQL)`, (t) => body(t, 'postgres', 'postgres'));
}

eachPair('a copy is the source to all who ask it, and goes on as the source would', async (t, from, to) => {
  const [source, target] = [await create(t, from, 'migrated'), await create(t, to, 'none')];
  const furnished = await source.open();
  const world = await furnishAll(furnished);
  await fillRooms(furnished, world, 12_000);
  const report = await copy(source, target);
  t.true(report.isEqual);
  t.is(report.storedMessages, 12_012);
  t.deepEqual(
    report.rooms.map(({ name, source: { rows } }) => [name, rows]),
    [
      [null, 1],
      ['friends', 8009],
      ['family', 4002],
    ],
  );
  const copied = await target.open();
  await assertSame(t, furnished, copied);
  await assertGoesOn(t, furnished, copied, world);
});

eachPair('an empty database is copied, and so is one that has only accounts', async (t, from, to) => {
  const [source, target, next] = [
    await create(t, from, 'migrated'),
    await create(t, to, 'migrated'),
    await create(t, to, 'none'),
  ];
  t.true((await copy(source, target)).isEqual);
  const storage = await source.open();
  await storage.users.create({ username: 'ann', email: '', passwordHash: 'x', isSuperuser: true, createdAt: 1 });
  t.true((await copy(source, next)).isEqual);
  t.deepEqual(await (await next.open()).users.list(), await storage.users.list());
});

serviceTest(
  test,
  'postgres',
  'PostgreSQL’s tables have all their keys and indexes after a copy',
  async (t, serverUrl) => {
    const source = await createSqliteDatabase(t);
    await furnishAll(await source.open());
    const [target, plain] = [await create(t, 'postgres', 'none'), await createPostgresDatabase(t, serverUrl)];
    await copy(source, target);
    const schemaOf = (url: string): Promise<unknown[]> =>
      withClient(url, async (client) => {
        const indexes = await client.query(
          'SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()',
        );
        const constraints = await client.query(
          `SELECT conrelid::regclass::text AS on, conname, convalidated, pg_get_constraintdef(oid) AS what FROM pg_constraint
         WHERE connamespace = current_schema()::regnamespace`,
        );
        return [...indexes.rows, ...constraints.rows].map((row) => JSON.stringify(row)).sort();
      });
    t.deepEqual(await schemaOf(target.url), await schemaOf(plain.url));
  },
);

eachDatabase(test, 'every table and column is copied, or named with the reason why not', async (t, db) => {
  const database = openDatabase({ url: db.url, pool: 1, synchronous: 'NORMAL', busyTimeoutMs: 0, deadlines: true });
  t.teardown(() => database.close());
  const sql =
    db.dialect === 'sqlite'
      ? `SELECT m.name AS "table", c.name AS "column" FROM sqlite_master m, pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`
      : 'SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns WHERE table_schema = current_schema()';
  const answer = (await database.knex.raw(sql)) as { rows?: unknown[] } | unknown[];
  const found = (Array.isArray(answer) ? answer : answer.rows) as { table: string; column: string }[];
  t.true(found.length > 40);
  const copied = new Map([...smallTables, messages].map(({ name, columns }) => [name as string, columns]));
  for (const { table, column } of found) {
    // FTS5 keeps its index in tables of its own.
    if (leftOut[table] !== undefined || table.startsWith('message_words_')) continue;
    const isCopied = copied.get(table)?.some(([name]) => name === column) === true;
    t.true(isCopied !== (leftOut[`${table}.${column}`] !== undefined), `${table}.${column}`);
  }
});

eachDatabase(test, 'long messages make chunks of fewer rows, none of which is lost', async (t, db) => {
  const storage = await db.open();
  const { users, rooms } = await furnishAll(storage);
  const body = 'ü'.repeat(4096);
  for (let start = 0; start < 1500; start += 500) {
    const batch = Array.from({ length: 500 }, (_, index) => start + index);
    await storage.messages.append(
      batch.map((n) => ({ roomId: rooms.friends, userId: users.ann, body, ref: `long${n}`, createdAt: n })),
    );
  }
  const side: CopyConnection =
    db.dialect === 'sqlite'
      ? await openSqliteSide(db.url, 'source')
      : await openPostgresSide(db.url, { role: 'source', name: 'finchat copy test' });
  t.teardown(() => side.close());
  const query = { table: 'messages', columns: ['room_id', 'id', 'body'], key: ['room_id', 'id'], weigh: 'body' };
  let count = 0;
  let chunks = 0;
  let after: (string | number | null)[] | undefined;
  for (;;) {
    const rows = await side.readChunk({ ...query, after });
    const bytes = rows.reduce((sum, [, , text]) => sum + Buffer.byteLength(String(text)), 0);
    t.true(bytes < chunkBytes + 4 * 4096, `${bytes}`);
    if (rows.length === 0) break;
    count += rows.length;
    chunks += 1;
    after = rows.at(-1)?.slice(0, 2);
  }
  t.is(count, 1500 + 12);
  t.true(chunks >= 3);
});

eachDatabase(test, 'while it is copied, no server starts on the source and nobody writes to it', async (t, db) => {
  const storage = await db.open();
  const { rooms } = await furnishAll(storage);
  const target = await createSqliteDatabase(t, { schema: 'none' });
  const attempts: Promise<unknown>[] = [];
  let isLocked: boolean | undefined;
  const report = await copy(db, target, {
    onStep(step) {
      if (step.kind !== 'begun') return;
      attempts.push(
        storage.lockServer().then((lock) => {
          isLocked = lock === undefined;
          return lock?.release();
        }),
        // It waits until the copy is made.
        storage.rooms.change(rooms.friends, { topic: 'later' }, 1),
      );
    },
  });
  await Promise.all(attempts);
  t.true(report.isEqual);
  t.true(isLocked);
  t.is((await (await target.open()).rooms.findByName('friends'))?.topic, 'ü');
  t.is((await storage.rooms.findByName('friends'))?.topic, 'later');
});
