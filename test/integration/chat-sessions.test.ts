/** Who gets in and how a session ends: tokens, one session per user, half-dead connections, log-out, shutdown. */
import { createHash } from 'node:crypto';
import test from 'ava';
import { type Clock, StoreError } from '../../src/core/ports.ts';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, startApp } from '../support/app.ts';
import { createStandingClock } from '../support/manual-timers.ts';
import { openRawClient } from '../support/raw-client.ts';
import { assertEnded, assertLoggedOut, assertRefused, chatPaths, eachTransport } from '../support/transports.ts';

eachTransport(test, 'without a valid token a connection is told so and ended', async (t, transport) => {
  const server = await startApp(t, { transport });
  const alice = await server.login('alice');
  await server.request('POST', '/logout', { token: alice });
  for (const options of [{}, { token: 'nonsense' }, { token: alice }, { token: 'a b', by: 'header' as const }]) {
    await assertRefused(t, await openRawClient(t, server.url, { transport, ...options }), 'not-authenticated');
  }
});

eachTransport(
  test,
  'the chat opens with and without a trailing slash, and with both ways to give a token; another path is 404',
  async (t, transport) => {
    const server = await startApp(t, { transport });
    const path = chatPaths[transport];
    for (const one of [path, `${path}/`]) {
      for (const by of ['query', 'header'] as const) {
        const client = await server.chat('alice', { path: one, by });
        await client.ask({ type: 'list' }, { code: 'list' });
        await client.close();
      }
    }
    const error = await t.throwsAsync(openRawClient(t, server.url, { transport, path: `${path}s` }));
    t.regex(error.message, /404/);
  },
);

eachTransport(
  test,
  'a second connection of a living user is refused, and the first notices nothing',
  async (t, transport) => {
    const server = await startApp(t, { transport });
    const token = await server.login('alice');
    const first = await server.chat('alice', { token });
    const before = first.frames.length;
    await assertRefused(t, await openRawClient(t, server.url, { transport, token }), 'already-chatting');
    await first.settle();
    t.is(first.frames.length, before);
  },
);

eachTransport(
  test,
  'a half-dead first connection gives way after the time for its proof, and its rooms see one parting',
  async (t, transport) => {
    const clock = createTestClock();
    const server = await startApp(t, { transport, overrides: { clock } });
    const token = await server.login('alice');
    const watcher = await server.chat('watcher');
    await watcher.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    const dead = await server.chat('alice', { token, mute: true });
    await dead.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    // An event stream is not asked before.
    if (transport === 'sse') clock.advance(limits.aliveMs + 1);

    const opening = openRawClient(t, server.url, { transport, token });
    await dead.asked;
    // One newcomer waits at a time.
    const third = await openRawClient(t, server.url, { transport, token });
    await assertRefused(t, third, 'already-chatting');
    clock.advance(limits.proofMs);
    const newcomer = await opening;
    await newcomer.next({ code: 'api-motd' });
    dead.unpause();
    const { code, status } = await dead.closed;
    t.deepEqual(
      [code, status],
      { websocket: [4408, undefined], sse: [undefined, 200], poll: [undefined, 410] }[transport],
    );
    await newcomer.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    await watcher.next({ code: 'joined', user: 'alice' });
    await watcher.next({ code: 'parted', user: 'alice' });
    await watcher.next({ code: 'joined', user: 'alice' });
    t.is(watcher.frames.filter((frame) => frame.code === 'parted').length, 1);
  },
);

eachTransport(
  test,
  'a connection that is asked for a proof of life and gives it stays, and the newcomer is refused',
  async (t, transport) => {
    const clock = createTestClock();
    // However long this machine takes for the proof, it is in time.
    const after: Clock['after'] = (ms, run) => (ms === limits.proofMs ? () => {} : clock.after(ms, run));
    const server = await startApp(t, { transport, overrides: { clock: { ...clock, after } } });
    const token = await server.login('alice');
    const first = await server.chat('alice', { token });
    if (transport === 'sse') clock.advance(limits.aliveMs + 1);
    const second = await openRawClient(t, server.url, { transport, token });
    await first.asked;
    await assertRefused(t, second, 'already-chatting');
    await first.ask({ type: 'list' }, { code: 'list' });
  },
);

eachTransport(
  test,
  'a token that is revoked while its connection waits for the older one’s proof does not get in',
  async (t, transport) => {
    const clock = createTestClock();
    const server = await startApp(t, { transport, overrides: { clock } });
    const [older, newer] = [await server.login('alice'), await server.login('alice')];
    const dead = await server.chat('alice', { token: older, mute: true });
    if (transport === 'sse') clock.advance(limits.aliveMs + 1);
    const opening = openRawClient(t, server.url, { transport, token: newer });
    await dead.asked;
    t.is((await server.request('POST', '/logout', { token: newer })).status, 204);
    clock.advance(limits.proofMs);
    await assertRefused(t, await opening, 'not-authenticated');
  },
);

eachTransport(
  test,
  'a newcomer gets in at once when the first session ends while it has to prove itself',
  async (t, transport) => {
    const clock = createTestClock();
    const server = await startApp(t, { transport, overrides: { clock } });
    const [older, newer] = [await server.login('alice'), await server.login('alice')];
    const first = await server.chat('alice', { token: older, mute: true });
    if (transport === 'sse') clock.advance(limits.aliveMs + 1);
    const opening = openRawClient(t, server.url, { transport, token: newer });
    await first.asked;
    if (transport === 'websocket') first.cut();
    else t.is((await server.request('POST', '/logout', { token: older })).status, 204);
    t.is((await (await opening).take()).code, 'api-motd');
  },
);

eachTransport(test, 'takeover=1 ends the living session with resumed-elsewhere', async (t, transport) => {
  const server = await startApp(t, { transport });
  const token = await server.login('alice');
  const first = await server.chat('alice', { token });
  await first.settle();
  const second = await server.chat('alice', { token, takeover: true });
  await assertEnded(t, first, 'resumed-elsewhere');
  await second.ask({ type: 'list' }, { code: 'list' });
});

eachTransport(test, 'a hundred connections of one user at once leave exactly one in the chat', async (t, transport) => {
  // The one that is in may take its time to prove itself to the others.
  const server = await startApp(t, { transport, overrides: { clock: createStandingClock() } });
  const token = await server.login('alice');
  const opening = Array.from({ length: 100 }, () => openRawClient(t, server.url, { transport, token }));
  const firsts = await Promise.all((await Promise.all(opening)).map((client) => client.take()));
  t.is(firsts.filter((frame) => frame.code === 'api-motd').length, 1);
  t.is(firsts.filter((frame) => frame.code === 'already-chatting').length, 99);
});

eachTransport(
  test,
  'logging out by REST ends the chat session opened with that token, and no other',
  async (t, transport) => {
    const server = await startApp(t, { transport });
    const [chatting, other] = [await server.login('alice'), await server.login('alice')];
    const watcher = await server.chat('watcher');
    await watcher.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    const alice = await server.chat('alice', { token: chatting });
    await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    t.is((await server.request('POST', '/logout', { token: other })).status, 204);
    await alice.settle();
    t.is((await server.request('POST', '/logout', { token: chatting })).status, 204);
    await assertLoggedOut(t, alice);
    await watcher.next({ code: 'parted', user: 'alice' });
    t.is((await server.request('GET', '/profile', { token: chatting })).status, 401);
  },
);

eachTransport(test, 'a session ends with the time of the token that opened it', async (t, transport) => {
  const clock = createTestClock();
  const server = await startApp(t, { transport, overrides: { clock } });
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
  await assertLoggedOut(t, alice);
});

eachTransport(
  test,
  'a store that cannot be asked ends a connection with 1013 or 503, never with not-authenticated',
  async (t, transport) => {
    let isBroken = false;
    const server = await startApp(t, {
      transport,
      overrides: {
        wrapStorage: (storage) => ({
          ...storage,
          ping: () => storage.ping(),
          lockServer: (asked) => storage.lockServer(asked),
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
    const client = await openRawClient(t, server.url, { transport, token });
    const { code, status } = await client.closed;
    t.is(code ?? status, transport === 'websocket' ? 1013 : 503);
    t.deepEqual(client.frames, []);
    isBroken = false;
    await server.chat('alice', { token });
  },
);

eachTransport(
  test,
  'a stopping server tells its clients when to come back and ends their connections; what was accepted is stored',
  async (t, transport) => {
    const server = await startApp(t, { transport, env: { RATE_LIMITS: 'off' } });
    const alice = await server.chat('alice');
    await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    for (let n = 0; n < 200; n += 1) alice.send({ type: 'message', room_name: 'friends', body: `m${n}` });
    await alice.next({ code: 'message' });
    await alice.delivered();
    await server.app.close();
    const { code } = await alice.closed;
    t.is(code, transport === 'websocket' ? 1012 : undefined);
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
  },
);
