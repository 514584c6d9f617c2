import type { ExecutionContext } from 'ava';
import test from 'ava';
import { WebSocketServer } from 'ws';
import { openRawClient } from './raw-client.ts';

function openEcho(t: ExecutionContext): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  server.on('connection', (socket, request) => {
    socket.send(JSON.stringify({ url: request.url, authorization: request.headers.authorization }));
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return new Promise((resolve) => {
    server.on('listening', () => resolve(`http://127.0.0.1:${(server.address() as { port: number }).port}`));
  });
}

test('the token travels in the address or in the header', async (t) => {
  const url = await openEcho(t);
  const query = await openRawClient(t, url, { token: 'a b' });
  t.deepEqual(await query.take(), { url: '/ws/chat?token=a+b' });
  const header = await openRawClient(t, url, { token: 'ab', by: 'header', path: '/ws/chat/' });
  t.deepEqual(await header.take(), { url: '/ws/chat/', authorization: 'Token ab' });
});

test('next passes over frames that do not match, and never returns one twice', async (t) => {
  const client = await openRawClient(t, await openEcho(t));
  client.send({ code: 'a', n: 1 });
  client.send({ code: 'b', n: 2 });
  client.send({ code: 'a', n: 3 });
  t.is((await client.next({ code: 'a' })).n, 1);
  t.is((await client.next((frame) => frame.code === 'a')).n, 3);
  await client.settle();
  t.is(client.frames.length, 4);
  await t.throwsAsync(client.next({ code: 'b' }, 10), { message: /10 ms passed/ });
});

test('waiting ends when the connection does', async (t) => {
  const client = await openRawClient(t, await openEcho(t));
  const waiting = client.next({ code: 'never' });
  await client.close();
  await t.throwsAsync(waiting, { message: /closed with 1005|closed with 1000/ });
  t.is((await client.closed).code, 1000);
});
