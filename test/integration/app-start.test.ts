/** What a server does when it starts, and what its settings switch on and off. */
import { join } from 'node:path';
import test from 'ava';
import { pino } from 'pino';
import { startApp, temporaryFolder } from '../support/app.ts';
import { eachDatabase, postgresTest } from '../support/databases.ts';

/** A log that is kept. */
function listen(): { log: pino.Logger; lines: string[] } {
  const lines: string[] = [];
  const log = pino(
    { level: 'info' },
    { write: (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg) },
  );
  return { log, lines };
}

test('a first start makes the file and the sample rooms and says where to go next; a later one makes nothing', async (t) => {
  const databaseUrl = `sqlite://${join(await temporaryFolder(t), 'new', 'folder', 'finchat.sqlite')}`;
  const first = listen();
  const server = await startApp(t, { databaseUrl, overrides: { log: first.log } });
  t.deepEqual(first.lines, [
    'The database was migrated.',
    'Created the rooms friends, family, investments.',
    `finchat is listening at ${server.url}`,
    `Next: open ${server.url} in a browser, register and chat. "npx finchat createsuperuser" makes an administrator, for ${server.url}/admin.`,
  ]);
  await server.login('alice');
  const storage = await server.elsewhere();
  for (const room of await storage.rooms.list()) await storage.rooms.delete(room.id);
  await server.app.close();

  const second = listen();
  const again = await startApp(t, { databaseUrl, overrides: { log: second.log } });
  t.deepEqual(second.lines, [`finchat is listening at ${again.url}`]);
  t.deepEqual(await again.request('GET', '/rooms', { token: await again.login('alice') }), { status: 200, body: [] });
});

eachDatabase(test, 'a second server on the database refuses to start, and the first goes on', async (t, db) => {
  const first = await startApp(t, { databaseUrl: db.url });
  await t.throwsAsync(startApp(t, { databaseUrl: db.url }), {
    message: 'Another server is running on this database. Stop it first, or give this one a DATABASE_URL of its own.',
  });
  t.is((await first.request('GET', '/readyz')).status, 200);
  await first.app.close();
  const next = await startApp(t, { databaseUrl: db.url });
  t.is((await next.request('GET', '/readyz')).status, 200);
});

test('metrics are served on a port of their own, and only where one is set', async (t) => {
  const plain = await startApp(t);
  t.is(plain.metricsPort, undefined);
  const measured = await startApp(t, { env: { METRICS_PORT: '0' } });
  const alice = await measured.chat('alice');
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  await alice.ask({ type: 'message', room_name: 'friends', body: 'hello' }, { code: 'message' });
  const answer = await fetch(`http://127.0.0.1:${measured.metricsPort}/metrics`, { headers: { connection: 'close' } });
  t.is(answer.status, 200);
  const text = await answer.text();
  for (const line of [
    'finchat_sessions{transport="websocket"} 1',
    'finchat_rooms_live 1',
    'finchat_messages_stored_total 1',
    'finchat_commit_batch_messages_count 1',
  ]) {
    t.true(text.includes(`\n${line}\n`), line);
  }
  for (const server of [plain, measured]) t.is((await server.request('GET', '/metrics')).status, 404);
});

test('REGISTRATION=closed refuses with 403, and who has an account gets in', async (t) => {
  const open = await startApp(t);
  await open.login('alice');
  await open.app.close();
  const closed = await startApp(t, { databaseUrl: open.databaseUrl, env: { REGISTRATION: 'closed' } });
  const body = { username: 'bob', password: 'seven-green-bottles' };
  t.deepEqual(await closed.request('POST', '/register', { body }), {
    status: 403,
    body: { detail: 'Registration is closed.' },
  });
  await closed.login('alice');
});

test('RATE_LIMITS=off switches all of them off, log-ins too', async (t) => {
  const body = { username: 'alice', password: 'wrong' };
  for (const [RATE_LIMITS, last] of [
    ['on', 429],
    ['off', 400],
  ] as const) {
    const server = await startApp(t, { env: { RATE_LIMITS } });
    const statuses: number[] = [];
    for (let n = 0; n < 11; n += 1) statuses.push((await server.request('POST', '/login', { body })).status);
    t.deepEqual(statuses, [...Array.from({ length: 10 }, () => 400), last]);
  }
});

test('GET /rooms counts the users who are in each room now', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const counts = async (): Promise<unknown> => {
    const { body } = await server.request('GET', '/rooms/', { token });
    return (body as { name: string; users: number }[]).map(({ name, users }) => [name, users]);
  };
  const alice = await server.chat('alice', { token });
  const bob = await server.chat('bob');
  for (const client of [alice, bob]) await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  t.deepEqual(await counts(), [
    ['family', 0],
    ['friends', 2],
    ['investments', 0],
  ]);
  bob.cut();
  await alice.next({ code: 'parted', user: 'bob' });
  t.deepEqual(await counts(), [
    ['family', 0],
    ['friends', 1],
    ['investments', 0],
  ]);
});

postgresTest(test, 'without its Redis a server is ready, degraded, and lets people in', async (t, db) => {
  const server = await startApp(t, { databaseUrl: db.url, env: { REDIS_URL: 'redis://127.0.0.1:1' } });
  t.deepEqual(await server.request('GET', '/readyz'), {
    status: 200,
    body: {
      status: 'ready',
      degraded: [
        'Redis does not carry: messages of other nodes come late, what else happens there is not seen until it does.',
      ],
    },
  });
  await server.chat('alice');
});
