/** The raw clients without sockets, against servers that answer as a test says, rightly or wrongly. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { openRawClient } from './raw-client.ts';
import { createEventStreamReader, type StreamEvent } from './raw-event-stream.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function openStub(t: ExecutionContext, handle: Handler): Promise<string> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => handle(request, response, body));
  });
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const motd = '{"type":"notification","code":"api-motd","content":"Hello"}';
const session = '{"type":"notification","code":"session","session":"S","resumed":false,"grace":30}';
const fatal = '{"type":"fatal","code":"already-chatting"}';

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(body);
}

/** A stream that has begun well, then says `text`. */
function stream(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(`retry: 2000\n\ndata: ${session}\n\n${text}`);
}

test('an event stream is read as browsers read it, wherever its pieces end', (t) => {
  const text =
    ':first\n\nretry: 20\nretry: x\nid: a.1\ndata: {"ü":\ndata: 1}\n\rid: a.2\r\nevent: other\rdata:  two\r\n\r\n' +
    'id: a.3\n\nid: a\0b\ndata\nunknown: x\n\ndata: cut off\n';
  const bytes = Buffer.from(text);
  for (let size = 1; size < bytes.length; size += 1) {
    const events: StreamEvent[] = [];
    const reader = createEventStreamReader((event) => events.push(event));
    for (let at = 0; at < bytes.length; at += size) reader.read(bytes.subarray(at, at + size));
    t.deepEqual(
      events,
      [
        { id: 'a.1', type: 'message', data: '{"ü":\n1}' },
        { id: 'a.2', type: 'other', data: ' two' },
        { id: undefined, type: 'message', data: '' },
      ],
      `in pieces of ${size}`,
    );
    t.deepEqual([reader.lastEventId, reader.retryMs, reader.comments], ['a.3', 20, ['first']]);
  }
});

test('an event stream gives its frames, cursor and comments; what is sent goes out in order, each POST after the last', async (t) => {
  const posts: string[] = [];
  let isUnderWay = false;
  const url = await openStub(t, (request, response, body) => {
    if (request.method === 'GET') {
      t.is(request.url, '/sse/chat/?token=a+b&cursor=S.0');
      t.is(request.headers['last-event-id'], 'S.7');
      return stream(response, `: hi\n\nid: S.1\ndata: ${motd}\n\n`);
    }
    t.false(isUnderWay);
    isUnderWay = true;
    posts.push(body);
    setImmediate(() => {
      isUnderWay = false;
      response.writeHead(202).end();
    });
  });
  const options = { transport: 'sse', token: 'a b', path: '/sse/chat/', cursor: 'S.0', lastEventId: 'S.7' } as const;
  const client = await openRawClient(t, url, options);
  t.is((await client.take()).code, 'api-motd');
  t.deepEqual(client.session, { session: 'S', resumed: false, grace: 30 });
  t.deepEqual([client.cursor, client.stream.lastEventId, client.stream.retryMs], ['S.1', 'S.1', 2000]);
  t.deepEqual(client.stream.comments, [' hi']);
  for (let n = 0; n < 250; n += 1) client.send({ n });
  t.is((await client.post('x')).status, 202);
  t.is(posts.pop(), 'x');
  const messages = posts.flatMap((body) => JSON.parse(body) as { n: number } | { n: number }[]);
  t.deepEqual(
    messages.map((message) => message.n),
    Array.from({ length: 250 }, (_, index) => index),
  );
  client.cut();
  t.deepEqual(await client.closed, {});
});

test('an event without its cursor, with another or of a type of its own fails the call that waits', async (t) => {
  for (const text of [
    `data: ${motd}\n\n`,
    `id: S.2\ndata: ${motd}\n\n`,
    `id: T.1\ndata: ${motd}\n\n`,
    `id: S.1\nevent: motd\ndata: ${motd}\n\n`,
    `id: S.1\ndata: ${fatal}\n\n`,
    `data: ${session}\n\n`,
    'id: S.1\ndata: {}\n\n',
    'id: S.1\ndata: hello\n\n',
  ]) {
    const url = await openStub(t, (_request, response) => stream(response, text));
    const client = await openRawClient(t, url, { transport: 'sse' });
    await t.throwsAsync(client.next({ code: 'never' }), { message: /id|type|session|asyncapi|JSON/ }, text);
  }
});

test('a fatal ends a stream; in place of one it is the only frame, and anything else rejects', async (t) => {
  let refuse = false;
  const url = await openStub(t, (request, response) => {
    if (request.url !== '/sse/chat') answer(response, 404, '{"detail":"Not found."}');
    else if (refuse) answer(response, 409, fatal);
    else {
      stream(response, `id: already-chatting\ndata: ${fatal}\n\n`);
      response.end();
    }
  });
  const ended = await openRawClient(t, url, { transport: 'sse' });
  t.deepEqual(await ended.closed, { status: 200 });
  t.is((await ended.take()).code, 'already-chatting');
  refuse = true;
  const refused = await openRawClient(t, url, { transport: 'sse' });
  t.deepEqual(await refused.closed, { status: 409, body: JSON.parse(fatal) });
  t.is((await refused.take()).code, 'already-chatting');
  for (const transport of ['sse', 'poll'] as const) {
    await t.throwsAsync(openRawClient(t, url, { transport, path: '/other' }), { message: /404/ });
  }
});

test('polls follow one another with the cursor of the last answer, until one refuses', async (t) => {
  const asked: string[] = [];
  const url = await openStub(t, (request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    if (asked.length === 3) return answer(response, 409, fatal);
    answer(response, 200, `{"cursor":"S.${asked.length}","messages":[${motd}]}`);
  });
  const client = await openRawClient(t, url, { transport: 'poll', token: 'a', by: 'header', wait: 5 });
  t.deepEqual(await client.closed, { status: 409, body: JSON.parse(fatal) });
  t.deepEqual(asked, [
    '/poll/chat Token a',
    '/poll/chat?cursor=S.1&wait=5 Token a',
    '/poll/chat?cursor=S.2&wait=5 Token a',
  ]);
  t.deepEqual(
    client.frames.map((frame) => frame.code),
    ['api-motd', 'api-motd', 'already-chatting'],
  );
  t.is(client.cursor, 'S.2');
});

test('a paused poll does not ask; a cursor that does not count the messages fails the call that waits', async (t) => {
  let count = 0;
  let noteSecond: (response: ServerResponse) => void = () => {};
  const asked = new Promise<ServerResponse>((resolve) => {
    noteSecond = resolve;
  });
  const url = await openStub(t, (_request, response) => {
    count += 1;
    if (count === 1) answer(response, 200, `{"cursor":"S.1","messages":[${motd}]}`);
    else noteSecond(response);
  });
  const client = await openRawClient(t, url, { transport: 'poll' });
  const second = client.next((frame) => client.frames.indexOf(frame) === 1);
  client.pause();
  answer(await asked, 200, `{"cursor":"S.3","messages":[${motd}]}`);
  await t.throwsAsync(second, { message: /S\.3 in place of S\.2/ });
  t.is(count, 2);
});

test('a POST that is refused fails the call that waits', async (t) => {
  const url = await openStub(t, (request, response) => {
    if (request.method === 'GET') stream(response, '');
    else answer(response, 409, '{"type":"error","code":"not-connected"}');
  });
  const client = await openRawClient(t, url, { transport: 'sse' });
  await t.throwsAsync(client.ask({ type: 'list' }, { code: 'list' }), { message: /409.*not-connected/ });
});
