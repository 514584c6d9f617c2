import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { patienceMs, until } from './services.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** A proxy in front of a server that sends everything back, and a client that is connected through it. */
async function startEcho(t: ExecutionContext): Promise<{ proxy: TcpProxy; client: Socket; received: () => string }> {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const proxy = await openTcpProxy(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.teardown(() => proxy.close());
  const client = connect(proxy.port, '127.0.0.1');
  client.on('error', () => {});
  await once(client, 'connect');
  let text = '';
  client.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { proxy, client, received: () => text };
}

async function hears(received: () => string, wanted: string): Promise<void> {
  await until(patienceMs, async () => {
    if (received() !== wanted) throw new Error(`received "${received()}", not "${wanted}"`);
  });
}

test('delays what passes by so much each way, and keeps its order when the delay ends', async (t) => {
  const { proxy, client, received } = await startEcho(t);
  proxy.delay(100);
  const begun = performance.now();
  client.write('one ');
  await hears(received, 'one ');
  t.true(performance.now() - begun >= 195, 'there and back');
  client.write('two ');
  await until(patienceMs, async () => {
    if (proxy.bytesUp < 8) throw new Error('not yet on its way');
  });
  proxy.resume();
  client.write('three');
  await hears(received, 'one two three');
  t.pass();
});
