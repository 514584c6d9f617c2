import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createPostgresDatabase, eachDatabase, withClient } from '../support/databases.ts';
import { serviceTest } from '../support/services.ts';
import { type Desk, openDesk } from './command-line.ts';

type Status = { name: string; applied_at: string | null }[];

async function goesUpAndDown(
  desk: Desk,
  t: { deepEqual: (a: unknown, b: unknown) => void; true: (a: boolean) => void },
) {
  const { pending } = (await desk.json(['migrate', '--plan'])) as { pending: string[] };
  t.true(pending.length > 0);
  t.deepEqual(await desk.json(['migrate']), { applied: pending });
  t.deepEqual(await desk.json(['migrate']), { applied: [] });
  t.deepEqual(await desk.json(['migrate', '--check']), { pending: [] });
  const status = (await desk.json(['migrate:status'])) as Status;
  t.deepEqual(
    status.map(({ name }) => name),
    pending,
  );
  t.true(status.every(({ applied_at: at }) => at !== null && Math.abs(Date.parse(at) - Date.now()) < 86_400_000));
  t.deepEqual(await desk.json(['migrate:rollback', '--yes']), { rolled_back: [...pending].reverse() });
  t.deepEqual(await desk.json(['migrate:rollback', '--yes']), { rolled_back: [] });
}

test('migrations are planned, applied, listed and undone', async (t) => {
  await goesUpAndDown(await openDesk(t, { database: null }), t);
});

serviceTest(test, 'postgres', 'migrations go up and down on PostgreSQL alike', async (t, serverUrl) => {
  const { url } = await createPostgresDatabase(t, serverUrl, { schema: 'none' });
  await goesUpAndDown(await openDesk(t, { database: url }), t);
});

test('the texts name each migration', async (t) => {
  const desk = await openDesk(t, { database: null });
  t.regex((await desk.run(['migrate:status'])).stdout, /^MIGRATION +APPLIED\n\S+ +no\n/);
  const plan = await desk.run(['migrate', '--plan']);
  t.regex(plan.stdout, /^To apply: \S+\n/);
  const check = await desk.run(['migrate', '--check']);
  t.is(check.code, 1);
  t.is(check.stdout, plan.stdout);
  t.is(check.stderr, 'The database is not up to date: run finchat migrate.\n');
  t.false(existsSync(join(desk.folder, 'data')), 'asking creates nothing');
  t.regex((await desk.run(['migrate'])).stdout, /^Applied \S+\n/);
  t.is((await desk.run(['migrate'])).stdout, 'No migrations to apply.\n');
  t.regex((await desk.run(['migrate:rollback', '-y'])).stdout, /^Undone \S+\n/);
  t.is((await desk.run(['migrate:rollback', '-y'])).stdout, 'Nothing to undo.\n');
});

test('a rollback without --yes and without a terminal is refused, and undoes nothing', async (t) => {
  const desk = await openDesk(t);
  const before = await desk.json(['migrate:status']);
  const { code, stderr } = await desk.run(['migrate:rollback']);
  t.is(code, 1);
  t.is(stderr, 'There is no terminal to ask on. Give --yes to go ahead without being asked.\n');
  t.deepEqual(await desk.json(['migrate:status']), before);
});

test('other commands migrate nothing, and say what to run', async (t) => {
  const desk = await openDesk(t, { database: null });
  for (const args of [
    ['rooms', 'list'],
    ['users', 'list'],
    ['tokens', 'list'],
    ['changepassword', 'ada'],
  ]) {
    const { code, stdout, stderr } = await desk.run(args);
    t.deepEqual({ code, stdout }, { code: 1, stdout: '' });
    t.regex(stderr, /Run `finchat migrate`\.\n$/);
  }
  t.false(existsSync(join(desk.folder, 'data')));
});

test('a database that cannot be reached is one sentence', async (t) => {
  // Port 1 (tcpmux): nobody listens there.
  const desk = await openDesk(t, { database: 'postgres://finchat:secret@127.0.0.1:1/finchat' });
  for (const args of [['rooms', 'list'], ['migrate']]) {
    const { code, stderr } = await desk.run(args);
    t.is(code, 1);
    t.is(stderr.trimEnd().split('\n').length, 1, stderr);
    t.false(stderr.includes('secret'));
    t.notRegex(stderr, /Unexpected/);
  }
});

serviceTest(test, 'postgres', 'a schema newer than the program is refused by every command', async (t, serverUrl) => {
  const { url } = await createPostgresDatabase(t, serverUrl);
  await withClient(url, (client) =>
    client.query("INSERT INTO knex_migrations (name, batch, migration_time) VALUES ('999-later', 9, now())"),
  );
  const desk = await openDesk(t, { database: url });
  for (const args of [['rooms', 'list'], ['migrate'], ['migrate:status']]) {
    const { code, stderr } = await desk.run(args);
    t.is(code, 1);
    t.regex(stderr, /newer schema.*999-later.*Update finchat/);
  }
});

eachDatabase(test, 'a rollback is refused while a server runs, and undoes nothing', async (t, db) => {
  const desk = await openDesk(t, { database: db.url });
  const before = await desk.json(['migrate:status']);
  const lock = await (await db.open()).lockServer();
  const { code, stderr } = await desk.run(['migrate:rollback', '--yes']);
  await lock?.release();
  t.is(code, 1);
  t.is(stderr, 'A server is running on this database. Stop it first.\n');
  t.deepEqual(await desk.json(['migrate:status']), before);
});
