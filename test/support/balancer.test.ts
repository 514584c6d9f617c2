import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { WebSocket, WebSocketServer } from 'ws';
import { startBalancer } from './balancer.ts';
import { patienceMs, until } from './services.ts';

type Backend = { url: string; server: Server; isReady: boolean; bodies: string[] };

/** A server that says its number, over HTTP with what was posted, and over a WebSocket. */
async function startBackend(t: ExecutionContext, number: number): Promise<Backend> {
  const server = createServer((asked, answer) => {
    if (asked.url === '/readyz') {
      answer.writeHead(backend.isReady ? 200 : 503).end();
      return;
    }
    let body = '';
    asked.on('data', (chunk: Buffer) => (body += chunk.toString()));
    asked.on('end', () => {
      backend.bodies.push(body);
      answer.end(String(number));
    });
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.send(String(number)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const backend: Backend = { url, server, isReady: true, bodies: [] };
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return backend;
}

async function ask(url: string, body: string): Promise<string> {
  const response = await fetch(url, { method: 'POST', body, headers: { connection: 'close' } });
  return response.status === 200 ? response.text() : String(response.status);
}

async function connectSocket(url: string): Promise<string> {
  const socket = new WebSocket(url.replace('http', 'ws'));
  const [data] = (await once(socket, 'message')) as [Buffer];
  socket.terminate();
  return data.toString();
}

test('gives requests and upgrades to the ready servers in turn, and each to one of them', async (t) => {
  const backends = await Promise.all([0, 1, 2].map((number) => startBackend(t, number)));
  const balancer = await startBalancer(
    t,
    backends.map(({ url }) => url),
  );
  const readyAre = (count: number): Promise<void> =>
    until(patienceMs, async () => {
      if (balancer.ready().length !== count) throw new Error(`${balancer.ready().length} are ready`);
    });
  await readyAre(3);
  const six = [];
  for (let n = 0; n < 6; n++)
    six.push(n % 2 === 0 ? await ask(balancer.url, `${n}`) : await connectSocket(balancer.url));
  t.deepEqual(six.toSorted(), ['0', '0', '1', '1', '2', '2']);
  t.deepEqual(backends.flatMap(({ bodies }) => bodies).toSorted(), ['0', '2', '4']);

  const [first, second, third] = backends as [Backend, Backend, Backend];
  first.isReady = false;
  await readyAre(2);
  // Gone, and the balancer has not noticed: nothing was asked of it, so another one is.
  second.server.closeAllConnections();
  second.server.close();
  for (let n = 0; n < 4; n++) t.is(await ask(balancer.url, 'again'), '2');
  third.isReady = false;
  await readyAre(0);
  t.is(await ask(balancer.url, 'nobody'), '503');
});
