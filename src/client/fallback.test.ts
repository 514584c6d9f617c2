import test from 'ava';
import { type Scripted, scripted, settled, until } from '../../test/support/scripted-client.ts';
import { choosing, nextRequest, passFence, streaming, turn, waiting } from '../../test/support/scripted-http.ts';
import { type Line, motd } from '../../test/support/scripted-server.ts';
import { connectionTimes, FatalError } from './index.ts';

const { tryMs, openMs } = connectionTimes;

test('where WebSockets work, nothing else is tried', async (t) => {
  const all = await choosing(t);
  const transports: unknown[] = [];
  all.client.on('transport', ({ transport }) => transports.push(transport));
  const connected = all.client.connect();
  (await all.server.accept()).begin('s');
  await connected;
  // Nothing is due but the look at the silence.
  t.deepEqual(all.timers.waits, [connectionTimes.silenceMs]);
  t.is(all.server.requests.length, 0);
  t.deepEqual(transports, ['websocket']);
});

test('a WebSocket that is refused is followed by an event stream at once', async (t) => {
  const { client, timers } = await streaming(t);
  t.is(client.transport, 'sse');
  t.is(timers.now(), 0);
});

test('a WebSocket that does not greet in time is followed by an event stream', async (t) => {
  const all = await choosing(t);
  const connected = all.client.connect();
  const line = await all.server.accept();
  all.timers.advance(tryMs);
  await line.closed;
  (await all.server.request()).stream().begin('s');
  await connected;
  t.is(all.client.transport, 'sse');
});

test('an event stream that is held back on its way is followed by polls', async (t) => {
  const all = await choosing(t);
  all.server.blockWebSockets('refuse');
  const connected = all.client.connect();
  const exchange = await all.server.request();
  exchange.stream();
  all.timers.advance(tryMs);
  await exchange.closed;
  const poll = await all.server.request();
  t.is(poll.what, 'GET /poll/chat');
  poll.messages('s.1', [motd]);
  await connected;
  t.is(all.client.transport, 'poll');
});

test('without a WebSocket class an event stream is the first try', async (t) => {
  const { WebSocket } = globalThis as { WebSocket?: unknown };
  t.is(WebSocket, undefined, 'this test means a platform without one');
  const all = await scripted(t, { transport: 'auto', WebSocket: undefined as never });
  const connected = all.client.connect();
  (await all.server.request()).stream().begin('s');
  await connected;
  t.is(all.client.transport, 'sse');
  t.deepEqual(all.timers.waits, [connectionTimes.streamSilenceMs]);
});

test('a platform that refuses to open a WebSocket is no end', async (t) => {
  const Refusing = function Refusing(): never {
    throw new Error('no sockets here');
  } as unknown as typeof WebSocket;
  const all = await choosing(t, { WebSocket: Refusing });
  const connected = all.client.connect();
  (await all.server.request()).stream().begin('s');
  await connected;
  t.is(all.client.transport, 'sse');
});

test('a server that nothing reaches is tried with every transport between two waits, from the best on', async (t) => {
  const all = await choosing(t, { random: () => 0.999_999 });
  all.server.blockWebSockets('refuse');
  all.client.connect().catch(() => {});
  const waits: unknown[] = [];
  for (let round = 1; round <= 7; round += 1) {
    const isWaiting = waiting(all);
    for (const path of ['/sse/chat', '/poll/chat']) {
      const request = await all.server.request();
      t.is(request.what, `GET ${path}`);
      t.is(all.server.blocked, round);
      request.answer(502);
    }
    await isWaiting;
    while (all.timers.waits.length > 1) await turn();
    const [wait = 0] = all.timers.waits;
    waits.push(Math.ceil(wait / 100) * 100);
    all.timers.advance(wait);
  }
  t.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15000, 15000]);
});

for (const code of [1012, 1013, 4429] as const) {
  test(`a server that closes with ${code} is tried over the same transport`, async (t) => {
    const all = await choosing(t);
    const connected = all.client.connect();
    for (let times = 0; times < 3; times += 1) {
      const isWaiting = waiting(all);
      (await all.server.accept()).close(code);
      await isWaiting;
      all.timers.advance(all.timers.waits[0] ?? 0);
    }
    (await all.server.accept()).begin('s');
    await connected;
    t.is(all.server.requests.length, 0);
  });
}

for (const code of ['not-authenticated', 'already-chatting', 'kicked'] as const) {
  test(`refused with ${code}, nothing else is tried`, async (t) => {
    const all = await choosing(t);
    const connected = t.throwsAsync(all.client.connect(), { instanceOf: FatalError });
    const line = await all.server.accept();
    line.send({ type: 'fatal', code });
    t.is((await connected)?.code, code);
    await line.closed;
    t.is(all.server.requests.length, 0);
    // The goodbye apart.
    t.deepEqual(
      all.timers.waits.filter((ms) => ms > 1_000),
      [],
    );
  });
}

test('an event stream that is refused for now is asked for again, not replaced', async (t) => {
  const all = await choosing(t);
  all.server.blockWebSockets('refuse');
  const connected = all.client.connect();
  const isWaiting = waiting(all);
  (await all.server.request()).answer(503, { type: 'fatal', code: 'unavailable' });
  await isWaiting;
  const again = await nextRequest(all);
  t.is(again.what, 'GET /sse/chat');
  again.stream().begin('s');
  await connected;
});

test('how long a proxy asked to wait while another transport was found says nothing of a later cut', async (t) => {
  const all = await choosing(t, { random: () => 0.999_999 });
  all.server.blockWebSockets('refuse');
  const connected = all.client.connect();
  (await all.server.request()).answer(503, 'a page', { 'retry-after': '60' });
  (await all.server.request()).messages('s.1', [motd]);
  await connected;
  const poll = await all.server.request();
  const isWaiting = waiting(all);
  poll.cut();
  await isWaiting;
  t.true(all.timers.waits.every((ms) => ms < 60_000));
});

test('a server that asks again and again to come back at once is waited for all the same', async (t) => {
  const all = await scripted(t, { random: () => 0.999_999 });
  all.client.connect().catch(() => {});
  const waits: number[] = [];
  for (let times = 0; times < 4; times += 1) {
    const line = await all.server.accept();
    line.begin('s', times === 0 ? undefined : 'resumed');
    const isWaiting = waiting(all);
    line.send({ type: 'notification', code: 'server-closing', reconnect_in: 0 });
    line.close(1012);
    await isWaiting;
    waits.push(all.timers.waits[0] ?? 0);
    all.timers.advance(waits.at(-1) ?? 0);
  }
  t.deepEqual(waits, [0, 999, 1_999, 3_999]);
});

/** A line in session `s` that is cut at once. */
async function dieYoung(all: Scripted, line: Line): Promise<void> {
  const isWaiting = waiting(all);
  line.cut();
  await isWaiting;
  while (all.client.state === 'waiting') all.timers.advance(all.timers.waits[0] ?? 0);
}

test('a WebSocket that dies young twice in a row is followed by an event stream, in the same session', async (t) => {
  const all = await choosing(t);
  const connected = all.client.connect();
  const line = await all.server.accept();
  line.begin('s');
  await connected;
  await dieYoung(all, line);
  const second = await all.server.accept();
  second.begin('s', 'resumed');
  await until(all.client, 'session');
  await dieYoung(all, second);
  const exchange = await all.server.request();
  t.is(exchange.what, 'GET /sse/chat?cursor=s.1');
  const session = until(all.client, 'session');
  exchange.stream().begin('s', 'resumed');
  t.deepEqual(await session, { resumed: true });
  t.is(all.client.transport, 'sse');
});

for (const how of ['has carried an answer', 'has lasted'] as const) {
  test(`a WebSocket that ${how} is opened again when it is cut${how === 'has lasted' ? ', however often' : ', but not for ever'}`, async (t) => {
    const all = await choosing(t);
    const connected = all.client.connect();
    let line = await all.server.accept();
    line.begin('s');
    await connected;
    for (let times = 0; times < 4; times += 1) {
      if (how === 'has lasted') all.timers.advance(connectionTimes.youngMs);
      else if (times > 0) await passFence(line);
      await settled(all.client, line).catch(() => {});
      await dieYoung(all, line);
      line = await all.server.accept();
      line.begin('s', 'resumed');
      await until(all.client, 'session');
      if (how === 'has lasted') await passFence(line);
    }
    t.is(all.client.transport, 'websocket');
    t.is(all.server.requests.length, 0);
    if (how === 'has lasted') return;
    await passFence(line);
    await dieYoung(all, line);
    t.regex((await all.server.request()).what, /^GET \/sse\/chat/);
  });
}

test('a transport that is asked for is the only one', async (t) => {
  const all = await scripted(t, { transport: 'poll' });
  all.client.connect().catch(() => {});
  for (let times = 0; times < 3; times += 1) {
    const isWaiting = waiting(all);
    const request = await nextRequest(all);
    t.is(request.what, 'GET /poll/chat');
    request.cut();
    await isWaiting;
  }
  const isWaiting = waiting(all);
  await nextRequest(all);
  all.timers.advance(openMs);
  await isWaiting;
  t.is(all.server.blocked + all.server.waiting, 0);
});

test('a transport that does not exist is refused at once', async (t) => {
  await t.throwsAsync(scripted(t, { transport: 'pigeon' as never }), { instanceOf: TypeError, message: /pigeon/ });
});
