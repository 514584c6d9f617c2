import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import test from 'ava';
import { openRedis } from './redis.ts';

test('a Redis that refuses the password is reported with its words, and without the password', async (t) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => socket.write('-WRONGPASS invalid username-password pair or user is disabled.\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = `redis://:very-secret@127.0.0.1:${(server.address() as AddressInfo).port}`;
  const said = await new Promise<unknown[]>((resolve) => {
    const connection = openRedis(url, { log: { info() {}, warn: (...entry) => resolve(entry) } });
    t.teardown(() => connection.close());
  });
  // All that a log could make of it.
  const whole = inspect(said, { depth: 9, showHidden: true });
  t.regex(whole, /WRONGPASS/);
  t.false(whole.includes('secret'));
});
