/** What only a WebSocket has: binary frames, fragments, pings, close codes, and upgrades that are refused. */
import { connect } from 'node:net';
import test from 'ava';
import { WebSocket } from 'ws';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, startApp } from '../support/app.ts';
import { openRawClient } from '../support/raw-client.ts';

test('what is no JSON object in a text frame is invalid-format', async (t) => {
  const server = await startApp(t);
  const alice = await server.chat('alice');
  for (const text of ['{"type": "message", ', '[1]', '[{"type":"list"}]', '']) {
    t.is((await alice.ask(text, { type: 'error' })).code, 'invalid-format');
  }
  alice.socket.send(Buffer.from('{"type":"list"}'), { binary: true });
  await alice.next({ code: 'invalid-format' });
});

test('a connection that floods is closed with 4429', async (t) => {
  const server = await startApp(t);
  const alice = await server.chat('alice');
  for (let n = 0; n < 4 * limits.rawFramesPerSecond; n += 1) alice.send('x');
  t.is((await alice.closed).code, 4429);
});

test('a connection that floods is cut off, but a session that can be resumed waits for its client to come back', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const alice = await server.chat('alice', { token, resume: true });
  for (let n = 0; n < 4 * limits.rawFramesPerSecond; n += 1) alice.send('x');
  t.is((await alice.closed).code, 4429);
  const cursor = alice.cursor ?? '';
  const again = await openRawClient(t, server.url, { token, resume: true, cursor });
  await again.settle();
  t.true(again.session?.resumed);
});

test('pongs that nobody asked for count as a flood too, however small they are', async (t) => {
  const server = await startApp(t);
  const alice = await server.chat('alice');
  for (let n = 0; n < 4 * limits.rawFramesPerSecond; n += 1) alice.socket.pong();
  t.is((await alice.closed).code, 4429);
});

test('a message in pieces is read; one in endless empty pieces closes the connection', async (t) => {
  const server = await startApp(t);
  const alice = await server.chat('alice');
  for (const piece of '{"type":"help"') alice.socket.send(piece, { fin: false });
  alice.socket.send('}', { fin: true });
  await alice.next({ code: 'help' });
  for (let n = 0; n <= limits.messageFragments; n += 1) alice.socket.send('', { fin: false });
  t.is((await alice.closed).code, 1008);
});

test('a client message over 64 KiB closes the connection with 1009, one of just that size is read', async (t) => {
  const server = await startApp(t);
  const alice = await server.chat('alice');
  const padding = 'x'.repeat(limits.clientMessageBytes - JSON.stringify({ type: 'help', padding: '' }).length);
  await alice.ask({ type: 'help', padding }, { code: 'help' });
  alice.send({ type: 'help', padding: `${padding}x` });
  t.is((await alice.closed).code, 1009);
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
