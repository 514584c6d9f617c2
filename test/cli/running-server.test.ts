/** What the command line changes reaches a running server by the database alone. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { patienceMs, serviceTest, until } from '../support/services.ts';
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
    until(patienceMs, async () => {
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

test('a kicked user is out and may come back', async (t) => {
  const server = await startApp(t);
  const desk = await openDesk(t, { database: server.databaseUrl });
  const [mallory, bob] = [await server.chat('mallory'), await server.chat('bob')];
  for (const client of [mallory, bob]) {
    await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
  }
  await desk.json(['users', 'kick', 'mallory']);
  await mallory.next({ type: 'fatal', code: 'kicked' });
  t.is((await mallory.closed).code, 4403);
  await bob.next({ code: 'parted', room_name: 'friends', user: 'mallory' });
  const again = await server.chat('mallory');
  await t.notThrowsAsync(again.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true }));
});

test('a banned user is out and gets in by nothing until the ban is taken back', async (t) => {
  const server = await startApp(t);
  const desk = await openDesk(t, { database: server.databaseUrl });
  const token = await server.login('mallory');
  const mallory = await server.chat('mallory', { token });
  const password = 'a long enough pass-phrase';
  const login = async (): Promise<number> =>
    (await server.request('POST', '/login', { body: { username: 'mallory', password } })).status;
  t.is(await login(), 200);
  await desk.json(['users', 'ban', 'mallory', '--minutes', '60', '--reason', 'rude']);
  await mallory.next({ type: 'fatal', code: 'kicked' });
  t.is((await mallory.closed).code, 4403);
  const refused = await server.request('GET', '/profile', { token });
  t.is(refused.status, 401);
  t.is(await login(), 400);
  t.false(JSON.stringify(refused.body).includes('rude'));
  await t.throwsAsync(server.chat('mallory', { token }), { message: /not-authenticated/ });
  await desk.json(['users', 'unban', 'mallory']);
  t.is((await server.request('GET', '/profile', { token })).status, 200);
  t.is(await login(), 200);
});

test('a muted user is not heard until the mute is taken back; everybody else is', async (t) => {
  // The test asks again until the change has arrived.
  const server = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  const desk = await openDesk(t, { database: server.databaseUrl });
  const [mallory, bob] = [await server.chat('mallory'), await server.chat('bob')];
  for (const client of [mallory, bob]) {
    await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
  }
  const say = { type: 'message', room_name: 'friends', body: 'hello' };
  const isMuted = (expected: boolean): Promise<void> =>
    until(patienceMs, async () => {
      const answer = await mallory.ask(say, {});
      if ((answer.code === 'room:muted') !== expected) throw new Error(`The answer is still ${answer.code}.`);
    });
  await desk.json(['users', 'mute', 'mallory', '--minutes', '5']);
  await isMuted(true);
  const refused = await mallory.ask({ ...say, ref: 'unheard' }, { type: 'error' });
  t.regex(JSON.stringify(refused.details), /"until":"\d{4}-\d\d-\d\d [\d:]{8}"/);
  t.is((await bob.ask(say, { code: 'message', you: true })).body, 'hello');
  await desk.json(['users', 'unmute', 'mallory']);
  await t.notThrowsAsync(isMuted(false));
});

test('a deleted message leaves the screens of those who are there, and is not there for newcomers', async (t) => {
  const server = await startApp(t);
  const desk = await openDesk(t, { database: server.databaseUrl });
  const [mallory, bob] = [await server.chat('mallory'), await server.chat('bob')];
  for (const client of [mallory, bob]) {
    await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
  }
  for (const body of ['cheap watches', 'good morning']) {
    await mallory.ask({ type: 'message', room_name: 'friends', body }, { code: 'message', you: true });
  }
  const found = (await desk.json(['messages', 'search', 'cheap'])) as { room: string; id: number }[];
  t.like(found, [{ room: 'friends', user: 'mallory' }]);
  const id = found[0]?.id ?? 0;
  await desk.json(['messages', 'delete', 'friends', String(id), '--yes']);
  for (const client of [mallory, bob]) await client.next({ code: 'deleted', room_name: 'friends', id });
  const carol = await server.chat('carol');
  const { status } = await carol.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
  t.deepEqual(
    status?.messages?.map(({ body }) => body),
    ['good morning'],
  );
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

serviceTest(
  test,
  'postgres',
  'deleted messages, deleted rooms and bans arrive from PostgreSQL alike',
  async (t, serverUrl) => {
    const { url } = await createPostgresDatabase(t, serverUrl);
    const server = await startApp(t, { databaseUrl: url });
    const desk = await openDesk(t, { database: url });
    const alice = await server.chat('alice');
    await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
    const { id } = await alice.ask(
      { type: 'message', room_name: 'friends', body: 'hello' },
      { code: 'message', you: true },
    );
    await desk.json(['messages', 'delete', 'friends', String(id), '--yes']);
    await alice.next({ code: 'deleted', room_name: 'friends', id });
    await desk.json(['rooms', 'delete', 'friends', '--yes']);
    await alice.next({ code: 'parted', room_name: 'friends', you: true });
    await desk.json(['users', 'ban', 'alice']);
    await alice.next({ type: 'fatal', code: 'kicked' });
    t.is((await alice.closed).code, 4403);
  },
);
