import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { noteEvents, type Told } from '../../test/support/http-door.ts';
import { patienceMs, until } from '../../test/support/services.ts';
import type { OpenRequest } from '../core/transport.ts';
import { type ConnectionLimit, createConnectionLimit } from './connection-limit.ts';
import { createWebSocketDoor, type WebSocketDoor } from './websocket.ts';

/** Above what the kernel's buffers take. */
const muchBytes = 20_000_000;

type Open = Told & { client: WebSocket; limit: ConnectionLimit; requests: OpenRequest[]; door: WebSocketDoor };

/** A client that has its upgrade; `letIn`: when it is let in. */
async function connect(t: ExecutionContext, query = '', letIn = Promise.resolve()): Promise<Open> {
  const told = noteEvents();
  const limit = createConnectionLimit(1);
  const requests: OpenRequest[] = [];
  const door = createWebSocketDoor({
    limit,
    log: { debug() {}, error() {} },
    async open(transport, request) {
      told.transports.push(transport);
      requests.push(request);
      await letIn;
      return told.events;
    },
  });
  const server = createServer().on('upgrade', (request, socket, head) => door.handleUpgrade(request, socket, head));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws/chat${query}`);
  client.on('error', () => {});
  t.teardown(() => {
    client.terminate();
    door.close();
    server.close();
  });
  await new Promise((resolve) => client.once('open', resolve));
  return { ...told, client, limit, requests, door };
}

function untilTold({ names }: Told, name: string): Promise<void> {
  return until(patienceMs, async () => {
    if (!names.includes(name)) throw new Error(`told: ${names.join()}`);
  });
}

test('what a client sends while it is being let in is handed over then', async (t) => {
  let letIn: () => void = () => {};
  const open = await connect(t, '', new Promise((resolve) => (letIn = resolve)));
  await new Promise((resolve) => open.client.send('early', resolve));
  // It had time to arrive, if anybody had read it.
  for (let turns = 0; turns < 100; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  letIn();
  await t.notThrowsAsync(untilTold(open, 'receive'));
});

test('a client that is gone before it was let in is told of, and gives its place back', async (t) => {
  let letIn: () => void = () => {};
  const open = await connect(t, '', new Promise((resolve) => (letIn = resolve)));
  t.is(open.limit.size, 1);
  open.client.terminate();
  letIn();
  await untilTold(open, 'close');
  t.is(open.limit.size, 0);
});

test('a client that the server has cut before it was let in is told of', async (t) => {
  let letIn: () => void = () => {};
  const open = await connect(t, '', new Promise((resolve) => (letIn = resolve)));
  const closed = new Promise((resolve) => open.client.once('close', resolve));
  open.door.close();
  await closed;
  t.deepEqual(open.names, []);
  letIn();
  await t.notThrowsAsync(untilTold(open, 'close'));
});

test('a client leaves by closing with 1000 or without a code, and by nothing else', async (t) => {
  for (const [end, isGoodbye] of [
    [(client: WebSocket) => client.close(1000), true],
    [(client: WebSocket) => client.close(), true],
    [(client: WebSocket) => client.close(1001), false],
    [(client: WebSocket) => client.close(3000), false],
    [(client: WebSocket) => client.terminate(), false],
  ] as const) {
    const open = await connect(t);
    const told = new Promise((resolve) => {
      open.events.onClose = resolve;
    });
    end(open.client);
    t.is(await told, isGoodbye, String(end));
  }
});

test('whoever brings a cursor, or asks for it, has a session that outlives the connection', async (t) => {
  for (const [query, resumable, cursor] of [
    ['', false, undefined],
    ['?cursor=', false, undefined],
    ['?resume=1', true, undefined],
    ['/?cursor=s.1', true, 's.1'],
  ] as const) {
    const { requests } = await connect(t, query);
    t.like(requests[0], { resumable, cursor, takeover: false });
  }
});

test('a WebSocket tells when its client has taken what waited', async (t) => {
  const open = await connect(t);
  open.client.pause();
  open.transports[0]?.write([{ bytes: Buffer.alloc(muchBytes, 'x') }]);
  t.true((open.transports[0]?.unwritten() ?? 0) > 0);
  open.client.resume();
  await t.notThrowsAsync(untilTold(open, 'drain'));
});
