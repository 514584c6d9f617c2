/** What the command line changes reaches a running server by the database alone. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { serviceTest, until } from '../support/services.ts';
import { openDesk } from './command-line.ts';

test('a deleted room parts its members, and nobody else', async (t) => {
  const server = await startApp(t);
  const desk = await openDesk(t, { database: server.databaseUrl });
  const [alice, bob] = [await server.chat('alice'), await server.chat('bob')];
  for (const room_name of ['friends', 'family']) {
    for (const client of [alice, bob]) await client.ask({ type: 'join', room_name }, { code: 'joined', you: true });
  }
  await desk.json(['rooms', 'delete', 'friends', '--yes']);
  for (const client of [alice, bob]) await client.next({ code: 'parted', room_name: 'friends', you: true });
  const refused = await alice.ask({ type: 'message', room_name: 'friends', body: 'hello' }, { type: 'error' });
  t.is(refused.code, 'room:not-joined');
  t.is((await bob.ask({ type: 'message', room_name: 'family', body: 'hello' }, { code: 'message' })).you, true);
});

test('a created room can be joined, a renamed one parts its members under its old name', async (t) => {
  // The test asks again until the room is there.
  const server = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  const desk = await openDesk(t, { database: server.databaseUrl });
  const alice = await server.chat('alice');
  await desk.json(['rooms', 'create', 'garden']);
  const isListed = (name: string): Promise<void> =>
    until(5_000, async () => {
      const { list = [] } = await alice.ask({ type: 'list' }, { code: 'list' });
      if (!list.some((room) => room.name === name)) throw new Error(`${name} is not listed.`);
    });
  await isListed('garden');
  await alice.ask({ type: 'join', room_name: 'garden' }, { code: 'joined' });
  await desk.json(['rooms', 'rename', 'garden', 'park']);
  await alice.next({ code: 'parted', room_name: 'garden', you: true });
  await t.notThrowsAsync(isListed('park'));
});

test('a deactivated user is out, and a revoked token ends the chat that was opened with it', async (t) => {
  const server = await startApp(t);
  const desk = await openDesk(t, { database: server.databaseUrl });
  const alice = await server.chat('alice');
  await desk.json(['users', 'deactivate', 'alice']);
  await alice.next({ type: 'fatal', code: 'kicked' });
  t.is((await alice.closed).code, 4403);

  await server.login('botuser');
  const { id, token } = (await desk.json(['tokens', 'create', 'botuser'])) as { id: number; token: string };
  const bot = await server.chat('botuser', { token });
  await desk.json(['tokens', 'revoke', String(id), '--yes']);
  await bot.next({ code: 'logged-out' });
  await bot.closed;
  t.is((await server.request('GET', '/profile', { token })).status, 401);
});

test('a changed password ends the user’s log-ins, and check knows the running server', async (t) => {
  const server = await startApp(t);
  const desk = await openDesk(t, { database: server.databaseUrl });
  const alice = await server.chat('alice');
  await desk.json(['changepassword', 'alice', '--password-stdin'], { input: 'another good one 7' });
  await alice.next({ code: 'logged-out' });
  await alice.closed;
  const { port } = new URL(server.url);
  const { stdout } = await desk.run(['check'], { env: { PORT: port } });
  t.regex(stdout, /port +ok +a finchat server answers/);
});

serviceTest(test, 'postgres', 'a deleted room parts its members on PostgreSQL alike', async (t, serverUrl) => {
  const { url } = await createPostgresDatabase(t, serverUrl);
  const server = await startApp(t, { databaseUrl: url });
  const desk = await openDesk(t, { database: url });
  const alice = await server.chat('alice');
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
  await desk.json(['rooms', 'delete', 'friends', '--yes']);
  await alice.next({ code: 'parted', room_name: 'friends', you: true });
  await desk.json(['users', 'deactivate', 'alice']);
  await alice.next({ type: 'fatal', code: 'kicked' });
  t.is((await alice.closed).code, 4403);
});
