import test, { type ExecutionContext } from 'ava';
import { type Scripted, scripted, settled, until } from '../../test/support/scripted-client.ts';
import {
  type EventStream,
  type Exchange,
  joined,
  type Line,
  message,
  motd,
  status,
} from '../../test/support/scripted-server.ts';
import { type ClientOptions, connectionTimes, FatalError } from './index.ts';
import { takeoverLimits } from './takeovers.ts';

const { tryMs, climbMs, openMs } = connectionTimes;

/** A client that chooses by itself. */
function choosing(t: ExecutionContext, options: Partial<ClientOptions> = {}): Promise<Scripted> {
  return scripted(t, { transport: 'auto', ...options });
}

type Streaming = Scripted & { exchange: Exchange; stream: EventStream };

/** The same, on an event stream in session `s` and room `r`, because WebSockets are refused. */
async function streaming(t: ExecutionContext): Promise<Streaming> {
  const all = await choosing(t);
  all.server.blockWebSockets('refuse');
  const connected = all.client.connect();
  const exchange = await all.server.request();
  const stream = exchange.stream();
  stream.begin('s');
  await connected;
  const done = all.client.join('r');
  const post = await all.server.request();
  stream.send(joined('r', post.frames[0]?.ref ?? '', status([1])), 's.2');
  post.answer(202);
  await done;
  return { ...all, exchange, stream };
}

async function next({ client, server, timers }: Scripted): Promise<Exchange> {
  while (client.state === 'waiting') timers.advance(timers.waits[0] ?? 0);
  return server.request();
}

const waiting = ({ client }: Scripted): Promise<unknown> => until(client, 'state', ({ state }) => state === 'waiting');

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Lets half a minute pass as often as said, with a message at the end of each but the last: `s.<n>` and those after it. */
async function pass({ client, timers, stream }: Streaming, times: number, n: number): Promise<void> {
  for (let time = 1; time <= times; time += 1) {
    timers.advance(climbMs / 2);
    if (time === times) return;
    const heard = until(client, 'frame');
    stream.send({ type: 'notification', code: 'help', help: 'x' }, `s.${n + time - 1}`);
    await heard;
  }
}

/** Answers the question that goes first after a resume. */
async function passFence(line: Line): Promise<void> {
  const { ref } = await line.next('list');
  line.send({ type: 'notification', code: 'list', list: [], ref });
}

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
  const again = await next(all);
  t.is(again.what, 'GET /sse/chat');
  again.stream().begin('s');
  await connected;
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
  test(`a WebSocket that ${how} is opened again however often it is cut`, async (t) => {
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
  });
}

test('after a time on an event stream a WebSocket takes the session over, and nothing is lost or told twice', async (t) => {
  const all = await streaming(t);
  const { client, server, stream, exchange, told } = all;
  server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await server.accept();
  t.is(line.url, '/ws/chat?token=secret&resume=1&cursor=s.3');
  // The old connection goes on meanwhile; the new one repeats what it does not know to have arrived.
  const heard = until(client, 'message');
  stream.send(message('r', 2), 's.4');
  await heard;
  const switched = until(client, 'transport');
  line.begin('s', 'resumed');
  for (const id of [2, 3]) line.send(message('r', id));
  t.deepEqual(await switched, { transport: 'websocket' });
  await exchange.closed;
  await passFence(line);
  await settled(client, line);
  t.deepEqual(told, ['joined r bob', 'message r 2', 'message r 3']);
  t.is(client.state, 'open');
  t.is(client.session.export()?.cursor, 's.7');
  t.is(server.requests.length, 0);
});

test('what was sent over the old connection and is not answered after the switch is sent again', async (t) => {
  const all = await streaming(t);
  const { client, server } = all;
  server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await server.accept();
  const sent = client.send('r', 'hello');
  const post = await server.request();
  line.begin('s', 'resumed');
  await post.closed;
  await passFence(line);
  const again = await line.next('message');
  t.deepEqual([again.ref], [post.frames[0]?.ref]);
  line.send(message('r', 2, { ref: again.ref }));
  t.is((await sent).id, 2);
});

for (const how of ['is refused', 'does not greet', 'is refused by the server'] as const) {
  test(`a better connection that ${how} changes nothing, and is tried again after twice the time`, async (t) => {
    const all = await streaming(t);
    const { client, server, stream, timers, told } = all;
    const states: unknown[] = [];
    client.on('state', ({ state }) => states.push(state));
    const { blocked } = server;
    if (how !== 'is refused') server.allowWebSockets();
    await pass(all, 2, 3);
    if (how === 'is refused') {
      while (server.blocked === blocked) await turn();
    } else {
      const line = await server.accept();
      if (how === 'does not greet') timers.advance(tryMs);
      else line.send({ type: 'fatal', code: 'already-chatting' });
      await line.closed;
    }
    while (!timers.waits.includes(2 * climbMs)) await turn();
    const heard = until(client, 'message');
    stream.send(message('r', 2), 's.4');
    await heard;
    server.allowWebSockets();
    await pass(all, 4, 5);
    t.is((await server.accept()).url, '/ws/chat?token=secret&resume=1&cursor=s.7');
    t.deepEqual([client.state, client.transport], ['open', 'sse']);
    t.deepEqual(states, []);
    t.deepEqual(told, ['joined r bob', 'message r 2']);
  });
}

test('the old connection may hear of the switch first', async (t) => {
  const all = await streaming(t);
  const { client, server, stream, told } = all;
  server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await server.accept();
  const heard = until(client, 'frame');
  stream.send({ type: 'fatal', code: 'resumed-elsewhere' }, 'resumed-elsewhere');
  stream.end();
  await heard;
  const sent = client.send('r', 'hello');
  const session = until(client, 'session');
  line.begin('s', 'resumed');
  t.deepEqual(await session, { resumed: true });
  t.is(client.transport, 'websocket');
  await passFence(line);
  const { ref } = await line.next('message');
  line.send(message('r', 2, { ref }));
  await sent;
  t.deepEqual(told, ['joined r bob', 'message r 2']);
});

test('a switch that takes the session and then fails is followed by the transport that worked', async (t) => {
  const all = await streaming(t);
  all.server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await all.server.accept();
  const heard = until(all.client, 'frame');
  all.stream.send({ type: 'fatal', code: 'resumed-elsewhere' }, 'resumed-elsewhere');
  all.stream.end();
  await heard;
  const isWaiting = waiting(all);
  line.cut();
  await isWaiting;
  const again = await next(all);
  t.is(again.what, 'GET /sse/chat?cursor=s.3');
  again.stream().begin('s', 'resumed');
  await until(all.client, 'session');
  t.is(all.client.transport, 'sse');
  t.deepEqual(all.told, ['joined r bob']);
});

test('a switch that was given up and takes the session all the same is made good', async (t) => {
  const all = await streaming(t);
  all.server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await all.server.accept();
  all.timers.advance(tryMs);
  await line.closed;
  const isWaiting = waiting(all);
  all.stream.send({ type: 'fatal', code: 'resumed-elsewhere' }, 'resumed-elsewhere');
  all.stream.end();
  await isWaiting;
  const again = await next(all);
  t.is(again.what, 'GET /sse/chat?cursor=s.3');
  again.stream().begin('s', 'resumed');
  await until(all.client, 'session');
  t.deepEqual([all.client.transport, all.told], ['sse', ['joined r bob']]);
});

test('a session that goes on elsewhere when nothing is under way any more ends the client', async (t) => {
  const { client, server, stream, timers } = await streaming(t);
  timers.advance(takeoverLimits.strayMs + 1);
  const end = until(client, 'end');
  stream.send({ type: 'fatal', code: 'resumed-elsewhere' }, 'resumed-elsewhere');
  t.is((await end).reason, 'resumed-elsewhere');
  t.is(server.requests.length, 0);
});

test('from polls both better transports are tried, and no poll is begun meanwhile', async (t) => {
  const all = await choosing(t);
  const { client, server, timers } = all;
  server.blockWebSockets('refuse');
  const connected = client.connect();
  (await server.request()).answer(404);
  (await server.request()).messages('s.1', [motd]);
  await connected;
  const poll = await server.request();
  const { blocked } = server;
  timers.advance(20_000);
  poll.messages('s.1', []);
  const second = await server.request();
  timers.advance(20_000);
  second.messages('s.1', []);
  const third = await server.request();
  timers.advance(20_000);
  while (server.blocked === blocked) await turn();
  const exchange = await server.request();
  t.is(exchange.what, 'GET /sse/chat?cursor=s.1');
  const heard = until(client, 'frame');
  third.messages('s.2', [{ type: 'notification', code: 'help', help: 'x' }]);
  await heard;
  await third.closed;
  for (let turns = 0; turns < 20; turns += 1) await turn();
  t.is(server.requests.length, 0);
  exchange.stream().begin('s', 'resumed');
  await until(client, 'transport');
  t.is(client.transport, 'sse');
});

test('a better transport that takes too long lets the polls go on', async (t) => {
  const all = await choosing(t);
  const { client, server, timers } = all;
  server.blockWebSockets('refuse');
  const connected = client.connect();
  (await server.request()).answer(404);
  (await server.request()).messages('s.1', [motd]);
  await connected;
  for (let times = 0; times < 3; times += 1) {
    const poll = await server.request();
    t.is(poll.what, 'GET /poll/chat?cursor=s.1&wait=25');
    timers.advance(20_000);
    if (times < 2) poll.messages('s.1', []);
    else {
      const exchange = await server.request();
      poll.messages('s.1', []);
      timers.advance(tryMs);
      await exchange.closed;
    }
  }
  t.is((await server.request()).what, 'GET /poll/chat?cursor=s.1&wait=25');
  t.deepEqual([client.state, client.transport], ['open', 'poll']);
});

test('a transport that is asked for is the only one', async (t) => {
  const all = await scripted(t, { transport: 'poll' });
  all.client.connect().catch(() => {});
  for (let times = 0; times < 3; times += 1) {
    const isWaiting = waiting(all);
    const request = await next(all);
    t.is(request.what, 'GET /poll/chat');
    request.cut();
    await isWaiting;
  }
  const isWaiting = waiting(all);
  await next(all);
  all.timers.advance(openMs);
  await isWaiting;
  t.is(all.server.blocked + all.server.waiting, 0);
});

test('a transport that does not exist is refused at once', async (t) => {
  await t.throwsAsync(scripted(t, { transport: 'pigeon' as never }), { instanceOf: TypeError, message: /pigeon/ });
});
