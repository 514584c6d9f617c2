/** `finchat db copy` that is broken off at any point, and begun again: on the databases as they are then. */
import test, { type ExecutionContext } from 'ava';
import { assertSame } from '../support/copied.ts';
import {
  createPostgresDatabase,
  createSqliteDatabase,
  startOwnPostgres,
  type TestDatabase,
} from '../support/databases.ts';
import { whyNoPostgres } from '../support/postgres.ts';
import { programTest, serviceTest, until } from '../support/services.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { openDesk } from './command-line.ts';
import { assertRefused, breakOff, copyArgs, endOf, execute, furnished, manyMessages, readMark } from './copying.ts';

async function survivesKills(t: ExecutionContext, source: TestDatabase, target: TestDatabase): Promise<void> {
  const desk = await openDesk(t, { database: null });
  await furnished(source, manyMessages);
  // Just begun; in the middle; and when all is there, but neither indexed nor compared.
  for (const rows of [0, 5000, manyMessages + 12]) {
    await breakOff(desk, source, target, rows, 'SIGKILL');
    t.not(await readMark(target), undefined);
    const { code, stderr } = await desk.run(['serve'], { env: { DATABASE_URL: target.url, PORT: '0' } });
    t.is(code, 1);
    t.regex(stderr, /unfinished copy.*Run the same `finchat db copy` again/);
  }
  const { code, stdout, stderr } = await desk.run(copyArgs(source.url, target.url, '--json'));
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { equal: true, resumed: true, stored_messages: 0 });
  t.is(await readMark(target), undefined);
  await assertSame(t, await source.open(), await target.open());
}

test.serial('a copy that is killed again and again goes on where it was (SQLite to SQLite)', async (t) => {
  await survivesKills(t, await createSqliteDatabase(t), await createSqliteDatabase(t, { schema: 'none' }));
});

serviceTest(
  test.serial,
  'postgres',
  'a copy that is killed again and again goes on where it was (SQLite to PostgreSQL)',
  async (t, serverUrl) => {
    const target = await createPostgresDatabase(t, serverUrl, { schema: 'none' });
    await survivesKills(t, await createSqliteDatabase(t), target);
  },
);

serviceTest(
  test.serial,
  'postgres',
  'a copy that is killed again and again goes on where it was (PostgreSQL to SQLite)',
  async (t, serverUrl) => {
    const source = await createPostgresDatabase(t, serverUrl);
    await survivesKills(t, source, await createSqliteDatabase(t, { schema: 'none' }));
  },
);

test.serial('Ctrl-C ends a copy at once, with a sentence, and the same command goes on', async (t) => {
  const desk = await openDesk(t, { database: null });
  const [source, target] = [await createSqliteDatabase(t), await createSqliteDatabase(t, { schema: 'none' })];
  await furnished(source, manyMessages);
  const { code, stderr } = await breakOff(desk, source, target, 5000, 'SIGINT');
  t.is(code, 1);
  t.is(stderr, 'Broken off. What is copied stays: run the same command again, which goes on.\n');
  const again = await desk.run(copyArgs(source.url, target.url));
  t.is(again.code, 0);
  t.regex(again.stderr, /^Going on: \d{4,5} of 40012 messages are there\.\n$/);
  t.regex(again.stdout, /The copy equals its source: /);
});

serviceTest(
  test.serial,
  'postgres',
  'a network that breaks ends a copy with a sentence, and the same command goes on',
  async (t, serverUrl) => {
    const desk = await openDesk(t, { database: null });
    const [source, target] = [
      await createSqliteDatabase(t),
      await createPostgresDatabase(t, serverUrl, { schema: 'none' }),
    ];
    await furnished(source, manyMessages);
    const proxy = await openTcpProxy(target.url);
    t.teardown(() => proxy.close());
    const child = desk.start(copyArgs(source.url, proxy.url));
    const ended = endOf(child);
    await until(30_000, async () => {
      if (((await readMark(target))?.progress.messages?.rows ?? 0) < 5000) throw new Error('It is not so far yet.');
    });
    proxy.cut();
    const { code, stderr } = await ended;
    t.is(code, 1);
    t.regex(stderr, /connection.*run the same command again, which goes on\.\n$/i);
    t.like(await desk.json(copyArgs(source.url, proxy.url)), { equal: true, resumed: true });
  },
);

/** A copy that was killed when all was there, and a target that somebody has changed since. */
async function findsDifference(t: ExecutionContext, source: TestDatabase, target: TestDatabase): Promise<void> {
  const desk = await openDesk(t, { database: null });
  const { rooms } = await furnished(source, manyMessages);
  await breakOff(desk, source, target, manyMessages + 12, 'SIGKILL');
  await execute(target, `UPDATE messages SET body = 'forged' WHERE room_id = ${rooms.family} AND id = 7`);
  await execute(target, 'UPDATE users SET is_superuser = NOT is_superuser WHERE id = 2');
  const { code, stdout, stderr } = await desk.run(copyArgs(source.url, target.url));
  t.is(code, 1);
  t.regex(stdout, /\nusers +3 +3 +\S+ +\S+ +NO\n/);
  t.regex(stdout, /\nfamily +\d+ +\d+ +\S+ +\S+ +NO\n/);
  t.regex(stdout, /\nfriends +\d+ +\d+ +(\S+) +\1 +yes\n/);
  t.notRegex(stdout, /start the server/);
  t.regex(
    stderr,
    /\nThe copy differs from its source: table users, table messages, room family\. No server starts on it\. .*--start-over/,
  );
  await assertRefused(t, await openDesk(t, { database: target.url }), ['rooms', 'list'], /unfinished copy/);
  t.like(await desk.json(copyArgs(source.url, target.url, '--start-over')), { equal: true, resumed: false });
  await assertSame(t, await source.open(), await target.open());
}

test.serial('a target that differs is told of, with a failure, and no server starts on it (SQLite)', async (t) => {
  await findsDifference(t, await createSqliteDatabase(t), await createSqliteDatabase(t, { schema: 'none' }));
});

serviceTest(
  test.serial,
  'postgres',
  'a target that differs is told of, with a failure, and no server starts on it (PostgreSQL)',
  async (t, serverUrl) => {
    const target = await createPostgresDatabase(t, serverUrl, { schema: 'none' });
    await findsDifference(t, await createSqliteDatabase(t), target);
  },
);

test.serial(
  'a source that was used since the copy was begun is refused, and begun anew when that is asked for',
  async (t) => {
    const desk = await openDesk(t, { database: null });
    const [source, target] = [await createSqliteDatabase(t), await createSqliteDatabase(t, { schema: 'none' })];
    const { users, rooms } = await furnished(source, manyMessages);
    await breakOff(desk, source, target, 0, 'SIGKILL');
    const storage = await source.open();
    await storage.messages.append([
      { roomId: rooms.friends, userId: users.bob, body: 'later', ref: 'later', createdAt: 9 },
    ]);
    await storage.close();
    const refusal =
      /^The target: It is an unfinished copy of another database, or the source was written to since.*--start-over/;
    await assertRefused(t, desk, copyArgs(source.url, target.url), refusal);
    const other = await createSqliteDatabase(t);
    await furnished(other);
    await assertRefused(t, desk, copyArgs(other.url, target.url), refusal);
    await assertRefused(t, desk, copyArgs(target.url, other.url), /^The source: It is itself an unfinished copy/);
    t.like(await desk.json(copyArgs(source.url, target.url, '--start-over')), { equal: true });
  },
);

serviceTest(test.serial, 'postgres', 'a PostgreSQL that hangs is left at Ctrl-C', async (t, serverUrl) => {
  const desk = await openDesk(t, { database: null });
  const [source, target] = [
    await createSqliteDatabase(t),
    await createPostgresDatabase(t, serverUrl, { schema: 'none' }),
  ];
  await furnished(source, manyMessages);
  const proxy = await openTcpProxy(target.url);
  t.teardown(() => proxy.close());
  const child = desk.start(copyArgs(source.url, proxy.url));
  const ended = endOf(child);
  await until(30_000, async () => {
    if (((await readMark(target))?.progress.messages?.rows ?? 0) < 5000) throw new Error('It is not so far yet.');
  });
  proxy.stall('both');
  child.kill('SIGINT');
  t.like(await ended, {
    code: 1,
    stderr: 'Broken off. What is copied stays: run the same command again, which goes on.\n',
  });
  proxy.resume();
});

programTest(
  test.serial,
  whyNoPostgres(),
  'a PostgreSQL that crashes in the middle takes nothing with it that counts',
  async (t) => {
    const desk = await openDesk(t, { database: null });
    const source = await createSqliteDatabase(t);
    await furnished(source, manyMessages);
    const { server, db } = await startOwnPostgres(t);
    for (const rows of [5000, 20_000]) {
      const child = desk.start(copyArgs(source.url, db.url));
      const ended = endOf(child);
      await until(30_000, async () => {
        if (((await readMark(db))?.progress.messages?.rows ?? 0) < rows) throw new Error('It is not so far yet.');
      });
      await server.crash();
      const { code, stderr } = await ended;
      t.is(code, 1);
      t.regex(stderr, /\. What is copied stays: run the same command again, which goes on\.\n$/);
      await server.start();
    }
    t.like(await desk.json(copyArgs(source.url, db.url)), { equal: true, resumed: true });
    await assertSame(t, await source.open(), await db.open());
  },
);
