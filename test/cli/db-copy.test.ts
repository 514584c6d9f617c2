/** `finchat db copy` as operators meet it: the proof that it prints, and the databases that it refuses. */
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sampleRooms } from '../../src/opening.ts';
import { sqliteFile } from '../../src/storage/sqlite.ts';
import { assertSame } from '../support/copied.ts';
import { createSqliteDatabase, postgresTest, sqliteTest, type TestDatabase } from '../support/databases.ts';
import { openDesk } from './command-line.ts';
import { assertRefused, copyArgs, execute, furnished } from './copying.ts';

type Proof = {
  equal: boolean;
  resumed: boolean;
  stored_messages: number;
  tables: { name: string; source: { rows: number; checksum: string }; equal: boolean }[];
  rooms: { name: string | null; source: { rows: number }; equal: boolean }[];
};

test('the proof names each table and each room, with counts and checksums', async (t) => {
  const desk = await openDesk(t, { database: null });
  const [source, target] = [await createSqliteDatabase(t), await createSqliteDatabase(t, { schema: 'none' })];
  const other = await createSqliteDatabase(t, { schema: 'none' });
  await furnished(source);
  const { code, stdout, stderr } = await desk.run(copyArgs(source.url, target.url));
  t.is(code, 0);
  t.is(stderr, '');
  t.regex(
    stdout,
    /^TABLE +SOURCE +TARGET +SOURCE’S CHECKSUM +TARGET’S CHECKSUM +EQUAL\nusers +3 +3 +([0-9a-f]{16}) +\1 +yes\n/,
  );
  t.regex(stdout, /\nmessages +12 +12 +([0-9a-f]{16}) +\1 +yes\n/);
  t.regex(stdout, /\nfriends +9 +9 +([0-9a-f]{16}) +\1 +yes\n/);
  t.regex(stdout, /\n\(deleted, 1\) +1 +1 +([0-9a-f]{16}) +\1 +yes\n/);
  t.regex(stdout, /\nSet DATABASE_URL to sqlite:\/\/\S+ and start the server\./);
  const proof = (await desk.json(copyArgs(source.url, other.url))) as Proof;
  t.true(proof.tables.every(({ equal, source: { checksum } }) => equal && /^[0-9a-f]{64}$/.test(checksum)));
  t.deepEqual(
    proof.rooms.map(({ name, source: { rows } }) => [name, rows]),
    [
      [null, 1],
      ['friends', 9],
      ['family', 2],
    ],
  );
});

const refusesFull = async (t: ExecutionContext, target: TestDatabase): Promise<void> => {
  const desk = await openDesk(t, { database: null });
  const source = await createSqliteDatabase(t);
  await furnished(source);
  await furnished(target);
  const expected =
    /^The target: It is not empty \(3 × user, 2 × token, 2 × room, 12 × message, 1 × deleted room, \d+ × entry of the audit log\)\. Give an empty database as the target\.\n$/;
  for (const more of [[], ['--start-over']])
    await assertRefused(t, desk, copyArgs(source.url, target.url, ...more), expected);
  t.is((await (await target.open()).users.list()).length, 3);
};
sqliteTest(test, 'a target with anything in it is refused, and stays as it is (SQLite)', refusesFull);
postgresTest(test, 'a target with anything in it is refused, and stays as it is (PostgreSQL)', refusesFull);

const takesFresh = async (t: ExecutionContext, target: TestDatabase): Promise<void> => {
  const desk = await openDesk(t, { database: null });
  const source = await createSqliteDatabase(t);
  await furnished(source);
  const fresh = await target.open();
  const seeded = await fresh.rooms.seed(sampleRooms, 1);
  await fresh.close();
  const { code, stderr } = await desk.run(copyArgs(source.url, target.url));
  t.is(code, 0);
  t.is(stderr, 'Removed the empty rooms of a server that was never used: friends, family, investments.\n');
  const copied = await target.open();
  await assertSame(t, await source.open(), copied);
  const { id } = await copied.rooms.create({ name: 'next', topic: '', createdAt: 1 });
  t.true(id > Math.max(...seeded.map((room) => room.id)), 'nor are the ids of those rooms given again');
};
sqliteTest(test, 'the empty sample rooms of a fresh server make way (SQLite)', takesFresh);
postgresTest(test, 'the empty sample rooms of a fresh server make way (PostgreSQL)', takesFresh);

const refusesItself = async (t: ExecutionContext, db: TestDatabase): Promise<void> => {
  const desk = await openDesk(t, { database: null });
  const aliases = [db.url];
  if (db.dialect === 'sqlite') {
    await symlink(sqliteFile(db.url), join(desk.folder, 'link.sqlite'));
    aliases.push(`sqlite://${join(desk.folder, 'link.sqlite')}`, 'sqlite://link.sqlite');
  } else aliases.push(db.url.replace('127.0.0.1', 'localhost'), `${db.url}?application_name=other`);
  const source = await db.open();
  await source.rooms.seed(sampleRooms, 1);
  for (const alias of aliases)
    await assertRefused(t, desk, copyArgs(db.url, alias), /Both URLs name the same database\.\n$/);
  t.is((await source.rooms.list()).length, 3);
};
sqliteTest(test, 'a database is not copied into itself, whatever it is called (SQLite)', refusesItself);
postgresTest(test, 'a database is not copied into itself, whatever it is called (PostgreSQL)', refusesItself);

const refusesServed = async (t: ExecutionContext, served: TestDatabase): Promise<void> => {
  const desk = await openDesk(t, { database: null });
  const other = await createSqliteDatabase(t);
  const storage = await served.open();
  const sentence = 'A server or another copy is running on this database. Stop it first.';
  // Alone, and as a node among others.
  for (const shared of served.dialect === 'sqlite' ? [false] : [false, true]) {
    const lock = await storage.lockServer({ shared });
    await assertRefused(t, desk, copyArgs(served.url, other.url), new RegExp(`^The source: ${sentence}`));
    await assertRefused(t, desk, copyArgs(other.url, served.url), new RegExp(`^The target: ${sentence}`));
    await lock?.release();
  }
};
sqliteTest(test, 'while a server runs on either of them nothing is copied (SQLite)', refusesServed);
postgresTest(test, 'while a server runs on either of them nothing is copied (PostgreSQL)', refusesServed);

const refusesOld = async (t: ExecutionContext, source: TestDatabase): Promise<void> => {
  const target = await createSqliteDatabase(t, { schema: 'none' });
  const desk = await openDesk(t, { database: source.url });
  await execute(source, "DELETE FROM knex_migrations WHERE name LIKE '002-%'");
  await assertRefused(
    t,
    desk,
    copyArgs(source.url, target.url),
    /^The source: The database has an older schema.*Run `finchat migrate`/,
  );
};
sqliteTest(test, 'a source with an older schema is refused (SQLite)', refusesOld);
postgresTest(test, 'a source with an older schema is refused (PostgreSQL)', refusesOld);

test('wrong URLs are named, and make no file', async (t) => {
  const desk = await openDesk(t, { database: null });
  const source = await createSqliteDatabase(t);
  const there = join(desk.folder, 'missing.sqlite');
  await assertRefused(
    t,
    desk,
    copyArgs(`sqlite://${there}`, source.url),
    /^The source: There is no file \S+missing\.sqlite\.\n$/,
  );
  // Port 1 (tcpmux): nobody listens there.
  await assertRefused(
    t,
    desk,
    copyArgs(source.url, 'postgres://ann:secret@127.0.0.1:1/chat'),
    /^The target: The database cannot be reached/,
  );
  for (const wrong of [
    ['db', 'copy', '--from', source.url],
    ['db', 'copy', '--to', source.url],
    copyArgs('mysql://x/y', source.url),
    copyArgs(source.url, 'sqlite://'),
    [...copyArgs(source.url, 'sqlite://x'), 'more'],
  ]) {
    const { code, stdout } = await desk.run(wrong);
    t.is(code, 2, wrong.join(' '));
    t.is(stdout, '');
  }
  t.is((await desk.run(['db'])).code, 2);
});

postgresTest(test, 'a password in a URL is shown nowhere', async (t, target) => {
  const desk = await openDesk(t, { database: null });
  const source = await createSqliteDatabase(t);
  await furnished(source);
  const url = target.url.replace('finchat@', 'finchat:s3cret-word@');
  t.not(url, target.url);
  const { code, stdout, stderr } = await desk.run(copyArgs(source.url, url));
  t.is(code, 0, stderr);
  t.regex(stdout, /Set DATABASE_URL to postgres:\/\/finchat@/);
  t.notRegex(stdout + stderr, /s3cret/);
});
