/** Who gets in and how a session ends: tokens, one session per user, half-dead connections, log-out, heartbeat, shutdown. */
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import test from 'ava';
import { WebSocket } from 'ws';
import { StoreError } from '../../src/core/ports.ts';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, startApp } from '../support/app.ts';
import { openRawClient } from '../support/raw-client.ts';

test('without a valid token a connection is told so and closed with 4401', async (t) => {
  const server = await startApp(t);
  const alice = await server.login('alice');
  await server.request('POST', '/logout', { token: alice });
  for (const options of [{}, { token: 'nonsense' }, { token: alice }, { token: 'a b', by: 'header' as const }]) {
    const client = await openRawClient(t, server.url, options);
    t.deepEqual({ ...(await client.take()) }, { type: 'fatal', code: 'not-authenticated' });
    t.is((await client.closed).code, 4401);
  }
});

test('both paths and both ways to give a token open the chat; another path is 404', async (t) => {
  const server = await startApp(t);
  for (const path of ['/ws/chat', '/ws/chat/']) {
    for (const by of ['query', 'header'] as const) {
      const client = await server.chat('alice', { path, by });
      await client.ask({ type: 'list' }, { code: 'list' });
      await client.close();
    }
  }
  const error = await t.throwsAsync(openRawClient(t, server.url, { path: '/ws/other' }));
  t.regex(error.message, /404/);
});

test('a second connection of a living user is refused with 4409, and the first notices nothing', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const first = await server.chat('alice', { token });
  const before = first.frames.length;
  const second = await openRawClient(t, server.url, { token });
  t.deepEqual({ ...(await second.take()) }, { type: 'fatal', code: 'already-chatting' });
  t.is((await second.closed).code, 4409);
  await first.settle();
  t.is(first.frames.length, before);
});

test('a half-dead first connection gives way after the time for its proof, and its rooms see one parting', async (t) => {
  const clock = createTestClock();
  const server = await startApp(t, { overrides: { clock } });
  const token = await server.login('alice');
  const watcher = await server.chat('watcher');
  await watcher.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const dead = await server.chat('alice', { token, mute: true });
  await dead.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });

  let pings = 0;
  dead.socket.on('ping', () => {
    pings += 1;
  });
  const asked = new Promise((resolve) => dead.socket.once('ping', resolve));
  const newcomer = await openRawClient(t, server.url, { token });
  await asked;
  // One newcomer waits at a time.
  const third = await openRawClient(t, server.url, { token });
  t.is((await third.take()).code, 'already-chatting');
  clock.advance(limits.proofMs);
  await newcomer.next({ code: 'api-motd' });
  t.is((await dead.closed).code, 4408);
  t.is(pings, 1);
  await newcomer.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  await watcher.next({ code: 'joined', user: 'alice' });
  await watcher.next({ code: 'parted', user: 'alice' });
  await watcher.next({ code: 'joined', user: 'alice' });
  t.is(watcher.frames.filter((frame) => frame.code === 'parted').length, 1);
});

test('a token that is revoked while its connection waits for the older one’s proof does not get in', async (t) => {
  const clock = createTestClock();
  const server = await startApp(t, { overrides: { clock } });
  const [older, newer] = [await server.login('alice'), await server.login('alice')];
  const dead = await server.chat('alice', { token: older, mute: true });
  const asked = new Promise((resolve) => dead.socket.once('ping', resolve));
  const newcomer = await openRawClient(t, server.url, { token: newer });
  await asked;
  t.is((await server.request('POST', '/logout', { token: newer })).status, 204);
  clock.advance(limits.proofMs);
  t.deepEqual({ ...(await newcomer.take()) }, { type: 'fatal', code: 'not-authenticated' });
  t.is((await newcomer.closed).code, 4401);
});

test('a newcomer gets in at once when the first connection ends while it has to prove itself', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const first = await server.chat('alice', { token, mute: true });
  const asked = new Promise((resolve) => first.socket.once('ping', resolve));
  const second = await openRawClient(t, server.url, { token });
  await asked;
  first.cut();
  t.is((await second.take()).code, 'api-motd');
});

test('takeover=1 ends the living session with resumed-elsewhere', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const first = await server.chat('alice', { token });
  const second = await server.chat('alice', { token, path: '/ws/chat?takeover=1' });
  t.is((await first.next({ type: 'fatal' })).code, 'resumed-elsewhere');
  t.is((await first.closed).code, 4410);
  await second.ask({ type: 'list' }, { code: 'list' });
});

test('a hundred connections of one user at once leave exactly one in the chat', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const clients = await Promise.all(Array.from({ length: 100 }, () => openRawClient(t, server.url, { token })));
  const firsts = await Promise.all(clients.map((client) => client.take()));
  t.is(firsts.filter((frame) => frame.code === 'api-motd').length, 1);
  t.is(firsts.filter((frame) => frame.code === 'already-chatting').length, 99);
});

test('a silent connection is closed at the second heartbeat, and its user parts', async (t) => {
  const clock = createTestClock();
  const server = await startApp(t, { overrides: { clock } });
  const alice = await server.chat('alice', { mute: true });
  const bob = await server.chat('bob');
  for (const client of [alice, bob]) await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  clock.advance(limits.pingIntervalMs);
  await Promise.all([bob.settle(), alice.settle()]);
  clock.advance(limits.pingIntervalMs);
  // Its own ping of `settle` was a sign of life; from here it is silent.
  await bob.settle();
  clock.advance(limits.pingIntervalMs);
  t.is((await alice.closed).code, 4408);
  await bob.next({ code: 'parted', user: 'alice' });
});

test('logging out by REST ends the chat session opened with that token, and no other', async (t) => {
  const server = await startApp(t);
  const [chatting, other] = [await server.login('alice'), await server.login('alice')];
  const watcher = await server.chat('watcher');
  await watcher.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const alice = await server.chat('alice', { token: chatting });
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  t.is((await server.request('POST', '/logout', { token: other })).status, 204);
  await alice.ask({ type: 'list' }, { code: 'list' });
  t.is((await server.request('POST', '/logout', { token: chatting })).status, 204);
  await alice.next({ type: 'notification', code: 'logged-out' });
  t.is((await alice.closed).code, 1000);
  await watcher.next({ code: 'parted', user: 'alice' });
  t.is((await server.request('GET', '/profile', { token: chatting })).status, 401);
});

test('a session ends with the time of the token that opened it', async (t) => {
  const clock = createTestClock();
  const server = await startApp(t, { overrides: { clock } });
  await server.login('alice');
  const storage = await server.elsewhere();
  const user = await storage.users.findByName('alice');
  const token = 'a-token-for-two-hours';
  const hash = createHash('sha256').update(token).digest('hex');
  const createdAt = clock.now();
  const expiresAt = createdAt + 2 * 3_600_000;
  await storage.tokens.create({ userId: user?.id ?? 0, hash, label: 'bot', createdAt, expiresAt });
  const alice = await server.chat('alice', { token });
  clock.advance(3_600_000);
  await alice.settle();
  clock.advance(3_600_000);
  await alice.next({ type: 'notification', code: 'logged-out' });
  t.is((await alice.closed).code, 1000);
});

test('a store that cannot be asked closes with 1013, never with not-authenticated', async (t) => {
  let isBroken = false;
  const server = await startApp(t, {
    overrides: {
      wrapStorage: (storage) => ({
        ...storage,
        ping: () => storage.ping(),
        lockServer: () => storage.lockServer(),
        close: () => storage.close(),
        tokens: {
          ...storage.tokens,
          findByHash: (hash) =>
            isBroken ? Promise.reject(new StoreError('unavailable', 'gone')) : storage.tokens.findByHash(hash),
        },
      }),
    },
  });
  const token = await server.login('alice');
  isBroken = true;
  const client = await openRawClient(t, server.url, { token });
  t.is((await client.closed).code, 1013);
  t.deepEqual(client.frames, []);
  isBroken = false;
  await server.chat('alice', { token });
});

test('a reader that stops reading is closed with 4408 once a MiB waits for it, and the others miss nothing', async (t) => {
  const server = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  const slow = await server.chat('slow');
  const sender = await server.chat('sender');
  const other = await server.chat('other');
  for (const client of [slow, sender, other])
    await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  slow.socket.pause();
  const body = 'x'.repeat(4000);
  let sent = 0;
  // The kernel's buffers take some megabytes before anything waits in the server.
  while (!other.frames.some((frame) => frame.code === 'parted' && frame.user === 'slow') && sent < 20_000) {
    for (let n = 0; n < 50; n += 1) sender.send({ type: 'message', room_name: 'friends', body });
    sent += 50;
    await sender.next({ code: 'message', id: sent });
    await other.next({ code: 'message', id: sent });
  }
  await other.settle();
  t.is(other.frames.filter((frame) => frame.code === 'parted').length, 1);
  const ids = other.frames.filter((frame) => frame.code === 'message').map((frame) => frame.id);
  t.deepEqual(
    ids,
    Array.from({ length: sent }, (_, index) => index + 1),
  );
  slow.socket.resume();
  t.true([1006, 4408].includes((await slow.closed).code ?? 0));
});

test('a stopping server tells its clients when to come back and closes with 1012; what was accepted is stored', async (t) => {
  const server = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  const alice = await server.chat('alice');
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  for (let n = 0; n < 200; n += 1) alice.send({ type: 'message', room_name: 'friends', body: `m${n}` });
  await alice.next({ code: 'message' });
  await server.app.close();
  t.is((await alice.closed).code, 1012);
  t.is(alice.frames.findLast((frame) => frame.code === 'server-closing')?.type, 'notification');
  t.is(typeof alice.frames.find((frame) => frame.code === 'server-closing')?.reconnect_in, 'number');
  const echoed = alice.frames.filter((frame) => frame.code === 'message').map((frame) => frame.id);
  const storage = await server.elsewhere();
  const room = await storage.rooms.findByName('friends');
  const stored = await storage.messages.range(room?.id ?? 0, 1, 1000, 1000);
  t.true(stored.length >= echoed.length);
  t.deepEqual(
    echoed,
    stored.slice(0, echoed.length).map((message) => message.id),
  );
});

test('a refused upgrade is cut after its answer, though the peer never closes its half', async (t) => {
  const server = await startApp(t);
  const { hostname, port } = new URL(server.url);
  const upgrade = 'HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  for (const [request, status] of [
    [`GET /ws/other ${upgrade}`, 404],
    [`GET /ws/chat ${upgrade}Sec-WebSocket-Version: 9\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n`, 400],
    [`POST /ws/chat ${upgrade}Sec-WebSocket-Version: 13\r\n`, 405],
  ] as const) {
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString();
    });
    const cut = new Promise<void>((resolve) => socket.once('error', () => resolve()));
    socket.write(`${request}\r\n`);
    // Only bytes that nobody takes any more tell a half-open peer that it was cut.
    const probe = setInterval(() => socket.write('x'), 100);
    await cut;
    clearInterval(probe);
    t.true(answer.startsWith(`HTTP/1.1 ${status} `) && answer.endsWith('"}'), answer);
  }
});

test('connections beyond the limit are answered 503 before they become WebSockets', async (t) => {
  const server = await startApp(t, { env: { MAX_CONNECTIONS: '1' } });
  const first = await server.chat('alice');
  const error = await t.throwsAsync(openRawClient(t, server.url, { token: 'x' }));
  t.regex(error.message, /503/);
  t.is(first.socket.readyState, WebSocket.OPEN);
});
