import { once } from 'node:events';
import { Agent, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { noteEvents, openPaused, serveDoor } from '../../test/support/http-door.ts';
import { patienceMs, until } from '../../test/support/services.ts';
import type { OpenRequest } from '../core/transport.ts';
import { createConnectionLimit } from './connection-limit.ts';
import { createSseDoor } from './sse.ts';

const request: OpenRequest = { credentials: { kind: 'none' }, takeover: false, resumable: true, cursor: undefined };
/** More than the sockets on both sides take. */
const much = [{ bytes: Buffer.alloc(20_000_000, 'x') }];

/** Throws when something else is told. */
function untilTold(names: readonly string[], expected: readonly string[]): Promise<void> {
  return until(patienceMs, async () => {
    if (names.join() !== expected.join()) throw new Error(`told: ${names.join()}`);
  });
}

test('a stream tells when its client has taken what waited, and when it is gone', async (t) => {
  const { events, names, transports } = noteEvents();
  const limit = createConnectionLimit(1);
  const door = createSseDoor({
    limit,
    open(transport) {
      transports.push(transport);
      transport.write(much, { session: 's', n: 1 });
      return Promise.resolve(events);
    },
  });
  const client = await openPaused(t, await serveDoor(t, (response) => door.open(response, request)));
  const [transport] = transports;
  t.true((transport?.unwritten() ?? 0) > 0);
  t.deepEqual(names, []);
  client.resume();
  await untilTold(names, ['drain']);
  t.is(transport?.unwritten(), 0);
  t.is(limit.size, 1);
  client.destroy();
  await untilTold(names, ['drain', 'close']);
  t.is(limit.size, 0);
});

test('what one client has yet to take keeps its ids while others get the same messages', async (t) => {
  const { events, transports } = noteEvents();
  const shown = [{ bytes: Buffer.from('x'.repeat(30_000)) }];
  const door = createSseDoor({
    limit: createConnectionLimit(2),
    open(transport) {
      transports.push(transport);
      transport.write([]);
      return Promise.resolve(events);
    },
  });
  const port = await serveDoor(t, (response) => door.open(response, request));
  const clients = [await openPaused(t, port), await openPaused(t, port)];
  const [slow, other] = transports;
  let n = 100;
  // More than the sockets on both sides take: the last ones wait in this process.
  while ((slow?.unwritten() ?? 0) < 500_000) slow?.write(shown, { session: 'slow', n: n++ });
  for (let next = 100; next < 120; next += 1) other?.write(shown, { session: 'swift', n: next });
  const idsOf = async (client: IncomingMessage, last: string): Promise<string[]> => {
    let heard = '';
    client.on('data', (data: Buffer) => (heard += data.toString()));
    client.resume();
    await until(patienceMs, async () => {
      if (!heard.includes(`id: ${last}`)) throw new Error(`heard ${heard.length} characters`);
    });
    return heard.match(/id: [a-z]+\.\d+/g) ?? [];
  };
  const [ofSlow, ofOther] = await Promise.all([
    idsOf(clients[0] as IncomingMessage, `slow.${n - 1}`),
    idsOf(clients[1] as IncomingMessage, 'swift.119'),
  ]);
  t.deepEqual(
    ofSlow,
    Array.from({ length: n - 100 }, (_, index) => `id: slow.${100 + index}`),
  );
  t.deepEqual(
    ofOther,
    Array.from({ length: 20 }, (_, index) => `id: swift.${100 + index}`),
  );
});

test('the bytes of a message are copied once for all streams that get it', async (t) => {
  const { events, transports } = noteEvents();
  const door = createSseDoor({
    limit: createConnectionLimit(3),
    open(transport) {
      transports.push(transport);
      transport.write([]);
      return Promise.resolve(events);
    },
  });
  const port = await serveDoor(t, (response) => door.open(response, request));
  for (let client = 0; client < 3; client += 1) await openPaused(t, port);
  const bytes = Buffer.from('{}');
  let copies = 0;
  bytes.copy = (...given): number => {
    copies += 1;
    return Buffer.prototype.copy.apply(bytes, given);
  };
  const shown = [{ bytes }];
  for (const transport of transports) transport.write(shown, { session: 's', n: 1 });
  t.is(copies, 1);
});

test('a stream whose client is gone before it was let in says so', async (t) => {
  const { events, names } = noteEvents();
  let gone: Promise<unknown> = Promise.resolve();
  const door = createSseDoor({
    limit: createConnectionLimit(1),
    async open(transport) {
      transport.write([], { session: 's', n: 1 });
      await gone;
      return events;
    },
  });
  const opened = new Promise<void>((resolve) => {
    void serveDoor(t, async (response: ServerResponse) => {
      gone = once(response, 'close');
      await door.open(response, request);
      resolve();
    }).then(async (port) => (await openPaused(t, port)).destroy());
  });
  await opened;
  t.deepEqual(names, ['close']);
});

test('a client that reads nothing is cut once its stream has ended, and nothing is written after the end', async (t) => {
  const { events, names, transports } = noteEvents();
  const door = createSseDoor({
    limit: createConnectionLimit(1),
    open(transport) {
      transports.push(transport);
      transport.write(much, { session: 's', n: 1 });
      return Promise.resolve(events);
    },
  });
  await openPaused(
    t,
    await serveDoor(t, (response) => {
      response.on('error', () => names.push('error'));
      return door.open(response, request);
    }),
  );
  transports[0]?.close('tooSlow');
  transports[0]?.ping();
  transports[0]?.write(much, { session: 's', n: 2 });
  transports[0]?.refuse('kicked');
  await t.notThrowsAsync(untilTold(names, ['close']));
});

const umlauts = [{ bytes: Buffer.from('"ä€😀"') }, { bytes: Buffer.from('{}') }];
const written = 'retry: 2000\nid: s.9\ndata: "ä€😀"\n\nid: s.10\ndata: {}\n\ndata: {}\n\n';

/** A stream that is written to, and ended. */
const endless = createSseDoor({
  limit: createConnectionLimit(2),
  async open(transport) {
    transport.write([], { session: 's', n: 9 });
    setImmediate(() => {
      transport.write(umlauts, { session: 's', n: 9 });
      transport.write(umlauts.slice(1));
      setImmediate(() => transport.close('normal'));
    });
    return noteEvents().events;
  },
});

test('events arrive as they were encoded, also where HTTP/1.0 knows no chunks', async (t) => {
  const port = await serveDoor(t, (response) => endless.open(response, request));
  t.is(await (await fetch(`http://127.0.0.1:${port}`)).text(), written);
  const socket = connect(port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  socket.write('GET / HTTP/1.0\r\n\r\n');
  t.is((await text(socket)).split('\r\n\r\n')[1], written);
});

test('a connection that has many streams, one after the other, keeps nothing of those that ended', async (t) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const sockets = new Set<unknown>();
  const counts: number[] = [];
  const port = await serveDoor(t, (response) => {
    sockets.add(response.socket);
    counts.push(response.socket?.listenerCount('drain') ?? 0);
    return endless.open(response, request);
  });
  for (let stream = 0; stream < 3; stream += 1) {
    const answer = await new Promise<IncomingMessage>((resolve) => get({ port, agent }, resolve));
    t.is(await text(answer), written);
  }
  t.is(sockets.size, 1);
  t.is(new Set(counts).size, 1);
});
