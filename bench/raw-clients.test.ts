import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { WebSocketServer } from 'ws';
import type { Transport } from './plan.ts';
import { warmUpPath } from './raw-nchan.ts';
import { createSender } from './raw-post.ts';
import { openRawClient } from './transports.ts';

const motd = '{"type":"notification","code":"api-motd"}';

async function openServer(t: ExecutionContext, handle: RequestListener, keepAliveTimeout = 60_000): Promise<number> {
  const server = createServer({ keepAliveTimeout }, handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return (server.address() as AddressInfo).port;
}

type Heard = { messages: string[]; ends: string[]; until(done: (heard: Heard) => boolean): Promise<void> };

/** What a client tells, collected. */
function listen(): Heard & { events: Parameters<(typeof openRawClient)['sse']>[2] } {
  let look = (): void => {};
  const heard: Heard = {
    messages: [],
    ends: [],
    until: (done) =>
      new Promise((resolve) => {
        look = () => {
          if (done(heard)) resolve();
        };
        look();
      }),
  };
  return {
    ...heard,
    events: {
      onMessage: (bytes, from, to) => {
        heard.messages.push(bytes.toString('utf8', from, to));
        look();
      },
      onEnd: (how) => {
        heard.ends.push(how);
        look();
      },
    },
  };
}

/** Answers the opening request, and leaves the others to `next`. */
function opening(transport: Transport, next: (request: IncomingMessage, response: ServerResponse) => void) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    if (request.method === 'POST' || request.url?.includes('cursor=') === true) next(request, response);
    else if (transport === 'sse') response.writeHead(200).write(`id: s.1\ndata: ${motd}\n\n`);
    else response.end(`{"cursor":"s.1","messages":[${motd}]}`);
  };
}

for (const transport of ['websocket', 'sse', 'poll'] as const) {
  test(`a server that refuses over ${transport} is named with its status`, async (t) => {
    const port = await openServer(t, (_request, response) => response.writeHead(401).end('{"type":"fatal"}'));
    const opened = openRawClient[transport](port, 'token', listen().events);
    await t.throwsAsync(opened, { message: /401/ });
  });

  test(`a server that hangs up before it answers over ${transport} is an error`, async (t) => {
    const port = await openServer(t, (request) => request.socket.destroy());
    await t.throwsAsync(openRawClient[transport](port, 'token', listen().events));
  });
}

for (const transport of ['sse', 'poll'] as const) {
  test(`what a server refuses of a POST over ${transport} comes once for each message`, async (t) => {
    const error = '{"type":"error","code":"rate-limited"}';
    const port = await openServer(
      t,
      opening(transport, (request, response) => {
        if (request.method === 'POST') response.writeHead(429).end(error);
      }),
    );
    const heard = listen();
    const client = await openRawClient[transport](port, 'token', heard.events);
    t.teardown(client.end);
    for (let count = 0; count < 5; count += 1) client.send('{}');
    await heard.until(({ messages }) => messages.length === 6);
    t.deepEqual(heard.messages, [motd, error, error, error, error, error]);
    t.deepEqual(heard.ends, []);
  });

  test(`an answer to a POST over ${transport} that is no error of the protocol ends the client`, async (t) => {
    const port = await openServer(
      t,
      opening(transport, (request, response) => {
        if (request.method === 'POST') response.writeHead(400).end('{"detail":"No."}');
      }),
    );
    const heard = listen();
    const client = await openRawClient[transport](port, 'token', heard.events);
    t.teardown(client.end);
    client.send('{}');
    await heard.until(({ ends }) => ends.length > 0);
    t.is(heard.ends[0], 'answered with 400 to a POST: {"detail":"No."}');
  });
}

test('a stream that the server ends is told', async (t) => {
  const port = await openServer(t, (_request, response) => response.end(`data: ${motd}\n\n`));
  const heard = listen();
  await openRawClient.sse(port, 'token', heard.events);
  await heard.until(({ ends }) => ends.length > 0);
  t.deepEqual(heard.messages, [motd]);
});

test('a poll asks again at once with the new cursor, on the same connection', async (t) => {
  const asked: string[] = [];
  const sockets = new Set<unknown>();
  const port = await openServer(
    t,
    opening('poll', (request, response) => {
      sockets.add(request.socket);
      asked.push(new URL(request.url ?? '', 'http://x').searchParams.get('cursor') ?? '');
      if (asked.length === 1) response.end('{"cursor":"s.3","messages":[{"type":"a","b":{}},{"type":"b","c":[]}]}');
      if (asked.length === 2) response.end('{"cursor":"s.3","messages":[]}');
      if (asked.length === 3) response.end('{"cursor":"s.4","messages":[{"type":"c"}]}');
    }),
  );
  const heard = listen();
  const client = await openRawClient.poll(port, 'token', heard.events);
  t.teardown(client.end);
  await heard.until(({ messages }) => messages.length === 4);
  t.deepEqual(heard.messages, [motd, '{"type":"a","b":{}}', '{"type":"b","c":[]}', '{"type":"c"}']);
  t.deepEqual(asked.slice(0, 3), ['s.1', 's.3', 's.3']);
  t.is(sockets.size, 1);
});

test('a poll whose cursor counts other messages than came is told', async (t) => {
  const port = await openServer(
    t,
    opening('poll', (_request, response) => response.end('{"cursor":"s.9","messages":[{"type":"a"}]}')),
  );
  const heard = listen();
  await openRawClient.poll(port, 'token', heard.events);
  await heard.until(({ ends }) => ends.length > 0);
  t.is(heard.ends[0], 'answered with 2 messages in all under the cursor s.9');
});

test('a poll that is refused is told with its status', async (t) => {
  const fatal = '{"type":"fatal","code":"resumed-elsewhere"}';
  const port = await openServer(
    t,
    opening('poll', (_request, response) => response.writeHead(409).end(fatal)),
  );
  const heard = listen();
  await openRawClient.poll(port, 'token', heard.events);
  await heard.until(({ ends }) => ends.length > 0);
  t.is(heard.ends[0], `answered with 409: ${fatal}`);
});

test('a client of Socket.IO is let in by its handshake, answers pings and knows messages from the rest', async (t) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/socket.io/' });
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  await once(server, 'listening');
  const told: string[] = [];
  server.on('connection', (socket) => {
    socket.send('0{"sid":"a","pingInterval":25000}');
    socket.on('message', (data) => {
      told.push((data as Buffer).toString());
      if (told.length === 1) for (const packet of ['40{"sid":"b"}', '42["m",{"type":"a"}]', '2']) socket.send(packet);
      if (told.length === 3) socket.send('44{"message":"No."}');
    });
  });
  const heard = listen();
  const client = await openRawClient['socket.io']((server.address() as AddressInfo).port, '', heard.events);
  t.teardown(client.end);
  client.send('{"type":"b"}');
  await heard.until(({ ends }) => ends.length > 0);
  t.deepEqual(heard.messages, ['{"type":"a"}']);
  t.deepEqual(told.sort(), ['3', '40', '42["m",{"type":"b"}]']);
  t.is(heard.ends[0], 'told 44{"message":"No."}');
});

test('a client of Nchan polls from where it is, and publishes what is to be heard', async (t) => {
  const asked: (string | undefined)[] = [];
  const posted: string[] = [];
  const port = await openServer(t, (request, response) => {
    if (request.method === 'POST') {
      void text(request).then((body) => posted.push(body));
      response.writeHead(201).end('queued messages: 1');
      return;
    }
    asked.push(`${request.url} ${request.headers['if-modified-since']} ${request.headers['if-none-match']}`);
    if (asked.length > 2) return;
    response.writeHead(200, { 'Last-Modified': 'Mon', Etag: String(asked.length) }).end(`{"type":"${asked.length}"}`);
  });
  const heard = listen();
  const client = await openRawClient['nchan-poll'](port, 't', heard.events, 'hall');
  t.teardown(client.end);
  client.send('{"type":"join","room_name":"hall"}');
  client.send('{"type":"message","room_name":"hall","body":"hello"}');
  await heard.until(({ messages }) => messages.length === 3);
  await until(() => asked.length === 3 && posted.length === 1);
  t.regex(heard.messages[0] ?? '', /"joined"/);
  t.deepEqual(heard.messages.slice(1), ['{"type":"1"}', '{"type":"2"}']);
  t.deepEqual(asked, ['/room/hall undefined undefined', '/room/hall Mon 1', '/room/hall Mon 2']);
  t.regex(posted[0] ?? '', /^{"type":"room:notification","code":"message".*"body":"hello"/);
});

test('a client of Nchan hears events from the head of the stream on, on a connection that was asked for something', async (t) => {
  const asked: (string | undefined)[] = [];
  const sockets = new Set<unknown>();
  const port = await openServer(t, (request, response) => {
    asked.push(request.url);
    sockets.add(request.socket);
    if (asked.length === 1) {
      response.writeHead(204).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': hi\n\nid: 1:0\ndata: {"type":"a"}\n\n');
  });
  const heard = listen();
  const client = await openRawClient['nchan-sse'](port, 't', heard.events, 'hall');
  t.teardown(client.end);
  await heard.until(({ messages }) => messages.length === 2);
  t.is(heard.messages[1], '{"type":"a"}');
  t.deepEqual(asked, [warmUpPath, '/room/hall']);
  t.is(sockets.size, 1);
});

test('a client of Nchan in a room upgrades a connection that was asked for something; one in none at once', async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(204).end();
  });
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', (_socket, { url }) => asked.push(`upgrade ${url}`));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.address() as AddressInfo;
  for (const room of ['hall', undefined]) {
    const client = await openRawClient['nchan-websocket'](port, 't', listen().events, room);
    t.teardown(client.end);
  }
  t.deepEqual(asked, [`GET ${warmUpPath}`, 'upgrade /room/hall', 'upgrade /room/idle']);
});

/** A server that takes POSTs, and what it took: bodies by connection. */
async function openTaker(
  t: ExecutionContext,
  keepAliveTimeout?: number,
): Promise<{ port: number; taken: Map<object, string[]> }> {
  const taken = new Map<object, string[]>();
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const bodies = taken.get(request.socket) ?? [];
    taken.set(request.socket, bodies);
    bodies.push(await text(request));
    response.writeHead(202, { 'Content-Length': 0 }).end();
  };
  const port = await openServer(t, (request, response) => void take(request, response), keepAliveTimeout);
  return { port, taken };
}

function count(taken: Map<object, string[]>): number {
  return [...taken.values()].flat().reduce((sum, body) => sum + [JSON.parse(body)].flat().length, 0);
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

test('what is sent during a POST goes with the next one: in order, a hundred at most', async (t) => {
  const { port, taken } = await openTaker(t);
  const sender = createSender(port, '/sse/chat', 'token', listen().events);
  t.teardown(sender.end);
  for (let number = 0; number < 151; number += 1) sender.send(String(number));
  await until(() => count(taken) === 151);
  const [bodies = []] = taken.values();
  t.deepEqual(
    bodies.map((body) => [JSON.parse(body) as number | number[]].flat().length),
    [1, 100, 50],
  );
  t.deepEqual(
    JSON.parse(`[${bodies.join(',')}]`).flat(),
    Array.from({ length: 151 }, (_, number) => number),
  );
  t.is(taken.size, 1);
});

test('a POST stays below the size that servers take', async (t) => {
  const { port, taken } = await openTaker(t);
  const sender = createSender(port, '/sse/chat', 'token', listen().events);
  t.teardown(sender.end);
  for (let number = 0; number < 21; number += 1) sender.send(`"${'x'.repeat(15_000)}"`);
  await until(() => count(taken) === 21);
  const sizes = [...taken.values()].flat().map((body) => body.length);
  t.true(sizes.every((size) => size <= 65_536));
  t.is(sizes.length, 6);
});

test('a connection that its server is about to close is not used again', async (t) => {
  // Announced as one second: not even a POST right after an answer is safe.
  const { port, taken } = await openTaker(t, 1_000);
  const heard = listen();
  const sender = createSender(port, '/sse/chat', 'token', heard.events);
  t.teardown(sender.end);
  for (let number = 0; number < 3; number += 1) sender.send(String(number));
  await until(() => count(taken) === 3);
  t.deepEqual([...taken.values()], [['0'], ['[1,2]']]);
  t.deepEqual(heard.ends, []);
});
