import test, { type ExecutionContext } from 'ava';
import { type Scripted, scripted, until } from '../../../test/support/scripted-client.ts';
import { nextRequest, turn, waiting } from '../../../test/support/scripted-http.ts';
import { type EventStream, type Exchange, joined, message, status } from '../../../test/support/scripted-server.ts';
import { connectionTimes, FatalError } from '../index.ts';
import { upstreamTimes } from './upstream.ts';

type Streaming = Scripted & { stream: EventStream; exchange: Exchange };

/** A client over an event stream, in session `s`. */
async function streaming(t: ExecutionContext): Promise<Streaming> {
  const all = await scripted(t, { transport: 'sse' });
  const connected = all.client.connect();
  const exchange = await all.server.request();
  const stream = exchange.stream();
  stream.begin('s');
  await connected;
  return { ...all, stream, exchange };
}

/** The same, in room `r`. */
async function inRoom(t: ExecutionContext): Promise<Streaming> {
  const all = await streaming(t);
  const done = all.client.join('r');
  const post = await all.server.request();
  all.stream.send(joined('r', post.frames[0]?.ref ?? '', status([1])), 's.2');
  post.answer(202);
  await done;
  return all;
}

test('the stream is asked for with the token in a header, and the client is in the chat with the greeting', async (t) => {
  const { client, exchange } = await streaming(t);
  t.is(exchange.what, 'GET /sse/chat');
  t.is(exchange.headers.authorization, 'Token secret');
  t.is(exchange.headers.accept, 'text/event-stream');
  t.deepEqual([client.state, client.transport], ['open', 'sse']);
});

test('events are messages, wherever the bytes are split, and comments are none', async (t) => {
  const { client, stream, told } = await inRoom(t);
  const text = `:\n\nid: s.3\ndata: ${JSON.stringify({ ...message('r', 2), body: 'äöü 🐦' })}\n\n`;
  const heard = until(client, 'message');
  for (const byte of Buffer.from(text)) stream.write(Buffer.from([byte]));
  t.is((await heard).body, 'äöü 🐦');
  t.deepEqual(told, ['joined r bob', 'message r 2']);
});

test('a stream that is cut is resumed from the last id, in the same rooms', async (t) => {
  const all = await inRoom(t);
  const isWaiting = waiting(all);
  all.exchange.cut();
  await isWaiting;
  t.is(all.client.transport, undefined);
  const again = await nextRequest(all);
  t.is(again.what, 'GET /sse/chat?cursor=s.2');
  const stream = again.stream();
  stream.begin('s', 'resumed');
  const heard = until(all.client, 'message');
  stream.send(message('r', 2), 's.3');
  await heard;
  t.deepEqual(all.told, ['joined r bob', 'message r 2']);
});

test('a stream that the server ends is resumed', async (t) => {
  const all = await inRoom(t);
  const isWaiting = waiting(all);
  all.stream.end();
  await isWaiting;
  t.is((await nextRequest(all)).what, 'GET /sse/chat?cursor=s.2');
});

test('what is sent at once goes together, and the next batch waits for the answer to this one', async (t) => {
  const { client, server, stream } = await inRoom(t);
  const sent = [1, 2, 3].map((id) => client.send('r', `own ${id}`));
  const first = await server.request();
  t.is(first.what, 'POST /sse/chat?session=s');
  t.is(first.headers.authorization, 'Token secret');
  t.is(first.frames.length, 3);
  sent.push(client.send('r', 'own 4'), client.send('r', 'own 5'));
  t.is(server.requests.length, 0);
  first.answer(202);
  const second = await server.request();
  second.answer(202);
  for (const [index, { ref }] of [...first.frames, ...second.frames].entries()) {
    stream.send(message('r', index + 2, { ref }), `s.${index + 3}`);
  }
  t.deepEqual(
    (await Promise.all(sent)).map(({ id }) => id),
    [2, 3, 4, 5, 6],
  );
});

test('a batch is no larger than the server takes', async (t) => {
  const { client, server } = await inRoom(t);
  const sent = Promise.allSettled(Array.from({ length: 30 }, () => client.send('r', 'ä'.repeat(4_000))));
  for (let count = 0; count < 30; ) {
    const post = await server.request();
    t.true(Number(post.headers['content-length']) <= 65_536);
    t.true(post.frames.length > 1 || count === 28 || count === 29);
    count += post.frames.length;
    post.answer(202);
  }
  await client.suspend();
  await sent;
});

for (const [code, headers, ms] of [
  [429, {}, upstreamTimes.retryMs],
  [503, { 'retry-after': '3' }, 3_000],
  [503, { 'retry-after': '0' }, upstreamTimes.retryMs],
] as const) {
  test(`a batch refused with ${code} and ${JSON.stringify(headers)} is sent again as it was after ${ms} ms`, async (t) => {
    const { client, server, timers } = await inRoom(t);
    const sent = client.send('r', 'hello');
    sent.catch(() => {});
    const first = await server.request();
    first.answer(code, { type: 'error', code: 'rate-limited', details: { retry_after: 1 } }, headers);
    await first.closed;
    while (!timers.waits.includes(ms)) await new Promise((resolve) => setImmediate(resolve));
    timers.advance(ms - 1);
    t.is(server.requests.length, 0);
    timers.advance(1);
    const second = await server.request();
    t.deepEqual(second.frames, first.frames);
    t.is(client.state, 'open');
  });
}

for (const how of ['cut off', 'not answered', 'answered 409', 'answered 502'] as const) {
  test(`a batch that is ${how} breaks the connection, which is resumed`, async (t) => {
    const all = await inRoom(t);
    const sent = all.client.send('r', 'hello');
    const post = await all.server.request();
    const isWaiting = waiting(all);
    if (how === 'cut off') post.cut();
    else if (how === 'not answered') all.timers.advance(upstreamTimes.postMs);
    else if (how === 'answered 409') post.answer(409, { type: 'error', code: 'not-connected' });
    else post.answer(502);
    await isWaiting;
    const again = await nextRequest(all);
    t.is(again.what, 'GET /sse/chat?cursor=s.2');
    const stream = again.stream();
    stream.begin('s', 'resumed');
    const fence = await all.server.request();
    t.like(fence.frames[0], { type: 'list' });
    t.is(fence.frames.length, 1);
    fence.answer(202);
    stream.send({ type: 'notification', code: 'list', list: [], ref: fence.frames[0]?.ref ?? '' }, 's.3');
    const resent = await all.server.request();
    t.deepEqual(resent.frames, post.frames);
    stream.send(message('r', 2, { ref: resent.frames[0]?.ref ?? '' }), 's.4');
    t.is((await sent).id, 2);
  });
}

test('asked for a sign of life, the client posts one, once', async (t) => {
  const { server, stream } = await streaming(t);
  stream.send({ type: 'notification', code: 'ping' }, 's.2');
  const post = await server.request();
  t.is(post.what, 'POST /sse/chat?session=s');
  t.deepEqual(post.frames, []);
  t.is(post.headers['content-length'], '2');
  post.answer(202);
  await post.closed;
  for (let turns = 0; turns < 50; turns += 1) await turn();
  t.is(server.requests.length, 0);
});

test('a stream that falls silent is resumed, one that has comments is kept', async (t) => {
  const all = await streaming(t);
  const { client, stream, timers } = all;
  for (let times = 0; times < 5; times += 1) {
    timers.advance(connectionTimes.streamSilenceMs - 1);
    // The comment has come when the message behind it has.
    const heard = until(client, 'frame');
    stream.write(':\n');
    stream.send({ type: 'notification', code: 'help', help: 'x' }, `s.${times + 2}`);
    await heard;
  }
  t.is(client.state, 'open');
  timers.advance(connectionTimes.streamSilenceMs);
  t.is(client.state, 'waiting');
  await all.exchange.closed;
  t.is((await nextRequest(all)).what, 'GET /sse/chat?cursor=s.6');
});

for (const [code, reason] of [
  [401, 'not-authenticated'],
  [403, 'kicked'],
  [409, 'already-chatting'],
  [409, 'resumed-elsewhere'],
] as const) {
  test(`refused with ${code} ${reason}, the client ends`, async (t) => {
    const { client, server } = await scripted(t, { transport: 'sse' });
    const connected = t.throwsAsync(client.connect(), { instanceOf: FatalError });
    (await server.request()).answer(code, { type: 'fatal', code: reason });
    t.is((await connected)?.code, reason);
    t.is(client.state, 'ended');
    t.is(server.requests.length, 0);
  });
}

for (const [what, answer] of [
  ['a store that cannot be reached', { status: 503, body: { type: 'fatal', code: 'unavailable' } }],
  ['the error page of a proxy', { status: 502, body: 'bad gateway' }],
  ['a page that is no stream', { status: 200, body: {} }],
] as const) {
  test(`after ${what} the client tries again`, async (t) => {
    const all = await scripted(t, { transport: 'sse' });
    const connected = all.client.connect();
    const isWaiting = waiting(all);
    (await all.server.request()).answer(answer.status, answer.body);
    await isWaiting;
    (await nextRequest(all)).stream().begin('s');
    await connected;
    t.is(all.client.state, 'open');
  });
}

test('a fatal on the stream ends the client, which ends nobody’s session', async (t) => {
  const { client, server, stream, exchange } = await streaming(t);
  const end = until(client, 'end');
  stream.send({ type: 'fatal', code: 'resumed-elsewhere' }, 'resumed-elsewhere');
  t.is((await end).reason, 'resumed-elsewhere');
  await exchange.closed;
  t.is(server.requests.length, 0);
});

test('close leaves the chat, suspend only ends the stream', async (t) => {
  const leaving = await streaming(t);
  const closed = leaving.client.close();
  const farewell = await leaving.server.request();
  t.is(farewell.what, 'DELETE /sse/chat?session=s');
  farewell.answer(204);
  await closed;
  await leaving.exchange.closed;

  const staying = await streaming(t);
  t.like(await staying.client.suspend(), { cursor: 's.1' });
  await staying.exchange.closed;
  t.is(staying.server.requests.length, 0);
  t.deepEqual(staying.timers.waits, []);
});

test('close while the client is away leaves the chat as well', async (t) => {
  const all = await streaming(t);
  const isWaiting = waiting(all);
  all.exchange.cut();
  await isWaiting;
  const closed = all.client.close();
  const farewell = await all.server.request();
  t.is(farewell.what, 'DELETE /sse/chat?session=s');
  farewell.answer(204);
  await closed;
  t.deepEqual(all.timers.waits, []);
});

test('a fetch without streams is no way to read one', async (t) => {
  const all = await scripted(t, {
    transport: 'sse',
    fetch: async (url, init) => {
      const { status, ...rest } = await fetch(url, init);
      return { status, text: () => Promise.resolve(JSON.stringify(rest)) };
    },
  });
  all.client.connect().catch(() => {});
  const isWaiting = waiting(all);
  (await all.server.request()).answer(200, {});
  await isWaiting;
  t.is(all.client.state, 'waiting');
});
