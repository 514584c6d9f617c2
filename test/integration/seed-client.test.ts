/**
 * A client written from the original description of the API alone: REST by fetch, chat by a plain WebSocket, none of
 * the project's own client. Each answer has the keys that the description names with the values it promises; beside
 * them only the additions listed here are let through, so that a client which knows none of them is never surprised.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { openRawClient, type RawClient, type RawFrame } from '../support/raw-client.ts';

const password = 'tidal-Quartz-7731';
const stampForm = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;
const additions: Readonly<Record<string, readonly string[]>> = {
  message: ['id'],
  entry: ['id'],
  status: ['last_id', 'epoch'],
};

async function startServer(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-seed-'));
  const app = createApp(
    loadConfig({
      PORT: '0',
      DATABASE_URL: `sqlite://${folder}/chat.sqlite`,
      BCRYPT_ROUNDS: '4',
      LOG_LEVEL: 'silent',
      RATE_LIMITS: 'off',
    }),
  );
  t.teardown(async () => {
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });
  return (await app.listen()).url;
}

function post(url: string, path: string, body?: object, token?: string): Promise<Response> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (token !== undefined) headers.authorization = `Token ${token}`;
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function profile(url: string, token?: string): Promise<Response> {
  return fetch(`${url}/profile`, { headers: token === undefined ? {} : { authorization: `Token ${token}` } });
}

async function signUp(url: string, username: string): Promise<string> {
  await post(url, '/register', { username, password, email: `${username}@example.org` });
  const response = await post(url, '/login', { username, password });
  return ((await response.json()) as { token: string }).token;
}

/** A new user, connected and past the message of the day. */
async function enter(t: ExecutionContext, url: string, username: string): Promise<RawClient & { token: string }> {
  const token = await signUp(url, username);
  const client = await openRawClient(t, url, { token });
  await client.next({ type: 'notification', code: 'api-motd' });
  return Object.assign(client, { token });
}

async function joinRoom(client: RawClient, room: string): Promise<RawFrame> {
  return client.ask({ type: 'join', room_name: room }, { code: 'joined', you: true, room_name: room });
}

/** The named keys with these values (`stamp`: its form), and of others only known additions. */
function assertIs(t: ExecutionContext, value: object | undefined, expected: object, kind = ''): void {
  const rest: Record<string, unknown> = { ...value };
  for (const key of additions[kind] ?? []) delete rest[key];
  if ('stamp' in expected) {
    t.regex(String(rest.stamp), stampForm);
    delete rest.stamp;
  }
  const { stamp: _stamp, ...named } = expected as Record<string, unknown>;
  t.deepEqual(rest, named);
}

const stamp = 'YYYY-MM-DD HH:MM:SS';

test('an account is registered, logs in, shows its profile and logs out', async (t) => {
  const url = await startServer(t);
  const user = { username: 'youruser', email: 'your@example.org' };
  const registered = await post(url, '/register', { ...user, password });
  t.is(registered.status, 200);
  t.deepEqual(await registered.json(), user);

  const login = await post(url, '/login', { username: 'youruser', password });
  t.is(login.status, 200);
  const { token, ...others } = (await login.json()) as { token: string };
  t.true(token.length > 0);
  t.deepEqual(others, {});

  const shown = await profile(url, token);
  t.is(shown.status, 200);
  t.deepEqual(await shown.json(), user);

  const logout = await post(url, '/logout', undefined, token);
  t.is(logout.status, 204);
  t.is(await logout.text(), '');
  t.is((await profile(url, token)).status, 401);
  t.is((await post(url, '/logout', undefined, token)).status, 401);
});

test('REST calls without what they need are refused', async (t) => {
  const url = await startServer(t);
  await signUp(url, 'ann');
  t.is((await post(url, '/register', { username: 'ann', password, email: 'other@example.org' })).status, 400);
  t.is((await post(url, '/register', { username: 'bob' })).status, 400);
  t.is((await post(url, '/login', { username: 'ann', password: 'something else' })).status, 400);
  t.is((await post(url, '/login', { username: 'nobody', password })).status, 400);
  t.is((await profile(url)).status, 401);
  t.is((await profile(url, 'made-up')).status, 401);
  t.is((await post(url, '/logout')).status, 401);
});

for (const path of ['/ws/chat', '/ws/chat/']) {
  for (const by of ['query', 'header'] as const) {
    test(`${path} opens with the token by ${by}, and greets first`, async (t) => {
      const url = await startServer(t);
      const client = await openRawClient(t, url, { token: await signUp(url, 'ann'), path, by });
      const { content, ...motd } = await client.take();
      t.deepEqual(motd, { type: 'notification', code: 'api-motd' });
      t.is(typeof content, 'string');
      t.is((await client.ask({ type: 'list' }, { code: 'list' })).type, 'notification');
    });
  }
}

test('without a valid token the chat says so and closes', async (t) => {
  const url = await startServer(t);
  for (const options of [
    {},
    { token: 'made-up' },
    { token: 'made-up', by: 'header' as const },
    { path: '/ws/chat/' },
  ]) {
    const client = await openRawClient(t, url, options);
    t.deepEqual(await client.take(), { type: 'fatal', code: 'not-authenticated' });
    await client.closed;
    t.is(client.frames.length, 1);
  }
});

test('a user who is chatting already is refused elsewhere, and stays undisturbed where they are', async (t) => {
  const url = await startServer(t);
  const first = await enter(t, url, 'ann');
  await joinRoom(first, 'friends');
  const before = first.frames.length;
  const second = await openRawClient(t, url, { token: first.token });
  t.deepEqual(await second.take(), { type: 'fatal', code: 'already-chatting' });
  await second.closed;
  await first.settle();
  t.is(first.frames.length, before);
  t.is((await first.ask({ type: 'message', room_name: 'friends', body: 'here' }, { code: 'message' })).body, 'here');
  await first.close();
  const third = await openRawClient(t, url, { token: first.token });
  t.is((await third.take()).code, 'api-motd');
});

test('help is answered', async (t) => {
  const client = await enter(t, await startServer(t), 'ann');
  t.is((await client.ask({ type: 'help' }, { code: 'help' })).type, 'notification');
});

test('the list names every room and tells which ones the user is in', async (t) => {
  const client = await enter(t, await startServer(t), 'ann');
  const list = (joined: boolean): object => ({
    type: 'notification',
    code: 'list',
    list: [
      { name: 'family', joined: false },
      { name: 'friends', joined },
      { name: 'investments', joined: false },
    ],
  });
  t.deepEqual(await client.ask({ type: 'list' }, { code: 'list' }), list(false));
  await joinRoom(client, 'friends');
  t.deepEqual(await client.ask({ type: 'list' }, { code: 'list' }), list(true));
  await client.ask({ type: 'part', room_name: 'friends' }, { code: 'parted' });
  t.deepEqual(await client.ask({ type: 'list' }, { code: 'list' }), list(false));
});

test('joining shows the room to the newcomer and the newcomer to the room', async (t) => {
  const url = await startServer(t);
  const ann = await enter(t, url, 'ann');
  const bob = await enter(t, url, 'bob');
  const own = await joinRoom(ann, 'friends');
  const joined = { type: 'room:notification', code: 'joined', room_name: 'friends', stamp };
  const { status, ...event } = own;
  assertIs(t, event, { ...joined, you: true, user: 'ann' });
  assertIs(t, status, { users: [{ name: 'ann', you: true }], messages: [] }, 'status');

  const { status: bobs } = await joinRoom(bob, 'friends');
  t.deepEqual(bobs?.users, [
    { name: 'ann', you: false },
    { name: 'bob', you: true },
  ]);
  assertIs(t, await ann.next({ code: 'joined' }), { ...joined, you: false, user: 'bob' });
});

test('a message reaches the members of its room, its author included, and nobody else', async (t) => {
  const url = await startServer(t);
  const [ann, bob, eve] = [await enter(t, url, 'ann'), await enter(t, url, 'bob'), await enter(t, url, 'eve')];
  for (const client of [ann, bob]) await joinRoom(client, 'friends');
  await joinRoom(eve, 'family');
  const seen = eve.frames.length;
  ann.send({ type: 'message', room_name: 'friends', body: 'Hello everyone!' });
  const message = { type: 'room:notification', code: 'message', user: 'ann', room_name: 'friends', stamp };
  for (const client of [ann, bob]) {
    const expected = { ...message, you: client === ann, body: 'Hello everyone!' };
    assertIs(t, await client.next({ code: 'message' }), expected, 'message');
  }
  await eve.settle();
  t.is(eve.frames.length, seen);
});

test('one connection chats in several rooms', async (t) => {
  const url = await startServer(t);
  const [ann, bob] = [await enter(t, url, 'ann'), await enter(t, url, 'bob')];
  for (const room of ['friends', 'family']) for (const client of [ann, bob]) await joinRoom(client, room);
  for (const room of ['family', 'friends']) {
    ann.send({ type: 'message', room_name: room, body: `to ${room}` });
    t.is((await bob.next({ code: 'message' })).room_name, room);
  }
});

for (const type of ['message', 'custom']) {
  test(`a command sent as ${type} reaches the members and is not stored`, async (t) => {
    const url = await startServer(t);
    const [ann, bob] = [await enter(t, url, 'ann'), await enter(t, url, 'bob')];
    for (const client of [ann, bob]) await joinRoom(client, 'friends');
    ann.send({ type, room_name: 'friends', command: 'foo', payload: 'bar' });
    const event = { type: 'room:notification', code: 'custom', user: 'ann', room_name: 'friends', stamp };
    for (const client of [ann, bob]) {
      const expected = { ...event, you: client === ann, command: 'foo', payload: 'bar' };
      assertIs(t, await client.next({ code: 'custom' }), expected);
    }
    await bob.ask({ type: 'part', room_name: 'friends' }, { code: 'parted', you: true });
    t.deepEqual((await joinRoom(bob, 'friends')).status?.messages, []);
  });
}

test('leaving shows to all, whether by part or by closing', async (t) => {
  const url = await startServer(t);
  const [ann, bob, eve] = [await enter(t, url, 'ann'), await enter(t, url, 'bob'), await enter(t, url, 'eve')];
  for (const client of [ann, bob, eve]) await joinRoom(client, 'friends');
  const parted = { type: 'room:notification', code: 'parted', room_name: 'friends', stamp };
  bob.send({ type: 'part', room_name: 'friends' });
  assertIs(t, await bob.next({ code: 'parted' }), { ...parted, you: true, user: 'bob' });
  assertIs(t, await ann.next({ code: 'parted' }), { ...parted, you: false, user: 'bob' });
  await eve.close();
  assertIs(t, await ann.next({ code: 'parted' }), { ...parted, you: false, user: 'eve' });
  t.deepEqual((await joinRoom(bob, 'friends')).status?.users, [
    { name: 'ann', you: false },
    { name: 'bob', you: true },
  ]);
});

test('the history has the last 50 messages, newest first, and nothing but messages', async (t) => {
  const url = await startServer(t);
  const [ann, bob] = [await enter(t, url, 'ann'), await enter(t, url, 'bob')];
  await joinRoom(ann, 'friends');
  await joinRoom(bob, 'friends');
  for (let n = 1; n <= 55; n += 1) {
    const author = n % 2 === 0 ? ann : bob;
    await author.ask(
      { type: 'message', room_name: 'friends', body: `no. ${n}` },
      { code: 'message', body: `no. ${n}` },
    );
  }
  await ann.ask({ type: 'custom', room_name: 'friends', command: 'foo', payload: 'bar' }, { code: 'custom' });
  await bob.ask({ type: 'part', room_name: 'friends' }, { code: 'parted', you: true });
  const messages = (await joinRoom(bob, 'friends')).status?.messages ?? [];
  t.is(messages.length, 50);
  for (const [index, entry] of messages.entries()) {
    const n = 55 - index;
    const user = n % 2 === 0 ? 'ann' : 'bob';
    assertIs(t, entry, { stamp, user, you: user === 'bob', body: `no. ${n}` }, 'entry');
  }
});

test('what is no JSON object, or has a field of the wrong type, is invalid-format, and the chat goes on', async (t) => {
  const client = await enter(t, await startServer(t), 'ann');
  await joinRoom(client, 'friends');
  for (const message of [
    '[]',
    '"help"',
    '1',
    'null',
    'no JSON',
    '{"type":',
    { type: 'join', room_name: 1 },
    { type: 'join' },
    { type: 'part', room_name: null },
    { type: 'message', room_name: 'friends', body: 5 },
    { type: 'message', room_name: 'friends' },
    { type: 'message', room_name: ['friends'], body: 'x' },
    { type: 'message', room_name: 'friends', command: 1, payload: 'x' },
    { type: 'custom', room_name: 'friends', command: 'x', payload: {} },
  ]) {
    client.send(message);
    t.deepEqual(await client.take(), { type: 'error', code: 'invalid-format' }, JSON.stringify(message));
  }
  t.is((await client.ask({ type: 'list' }, { code: 'list' })).code, 'list');
});

test('each mistake has its error, and the chat goes on', async (t) => {
  const client = await enter(t, await startServer(t), 'ann');
  await joinRoom(client, 'friends');
  const error = (code: string, details?: object): object => ({ type: 'error', code, ...(details ? { details } : {}) });
  const name = (value: string): object => ({ name: value });
  const cases: [object, object][] = [
    [{ type: 'dance' }, error('unsupported-command', { type: 'dance' })],
    [{ type: 'message', room_name: 'friends', body: '' }, error('room:empty-message')],
    [{ type: 'message', room_name: 'friends', body: ' \n\t ' }, error('room:empty-message')],
    [{ type: 'message', room_name: 'friends', command: '', payload: 'x' }, error('room:empty-custom')],
    [{ type: 'message', room_name: 'friends', command: 'x', payload: '' }, error('room:empty-custom')],
    [{ type: 'custom', room_name: 'friends', command: ' ', payload: 'x' }, error('room:empty-custom')],
    [{ type: 'custom', room_name: 'friends', command: 'x', payload: ' ' }, error('room:empty-custom')],
    [{ type: 'part', room_name: 'family' }, error('room:not-joined', name('family'))],
    [{ type: 'message', room_name: 'family', body: 'x' }, error('room:not-joined', name('family'))],
    [{ type: 'message', room_name: 'family', command: 'x', payload: 'y' }, error('room:not-joined', name('family'))],
    [{ type: 'custom', room_name: 'family', command: 'x', payload: 'y' }, error('room:not-joined', name('family'))],
    [{ type: 'join', room_name: 'friends' }, error('room:already-joined', name('friends'))],
    [{ type: 'join', room_name: 'making_friends' }, error('room:invalid', name('making_friends'))],
  ];
  for (const [message, expected] of cases) {
    client.send(message);
    t.deepEqual<object, object>(await client.take(), expected, JSON.stringify(message));
  }
});

test('a log-out by HTTP ends the chat, and the rooms see the user leave', async (t) => {
  const url = await startServer(t);
  const [ann, bob] = [await enter(t, url, 'ann'), await enter(t, url, 'bob')];
  for (const client of [ann, bob]) await joinRoom(client, 'friends');
  t.is((await post(url, '/logout', undefined, bob.token)).status, 204);
  t.deepEqual(await bob.next({ type: 'notification' }), { type: 'notification', code: 'logged-out' });
  await bob.closed;
  const parted = { type: 'room:notification', code: 'parted', room_name: 'friends', stamp };
  assertIs(t, await ann.next({ code: 'parted' }), { ...parted, you: false, user: 'bob' });
  const again = await openRawClient(t, url, { token: bob.token });
  t.deepEqual(await again.take(), { type: 'fatal', code: 'not-authenticated' });
});
