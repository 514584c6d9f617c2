import type { ExecutionContext } from 'ava';
import test from 'ava';
import { WebSocketServer } from 'ws';
import { openRawClient } from './raw-client.ts';

function openEcho(t: ExecutionContext): Promise<string> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  server.on('connection', (socket, request) => {
    const content = `${request.url} ${request.headers.authorization ?? '-'}`;
    socket.send(JSON.stringify({ type: 'notification', code: 'api-motd', content }));
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return new Promise((resolve) => {
    server.on('listening', () => resolve(`http://127.0.0.1:${(server.address() as { port: number }).port}`));
  });
}

test('the token travels in the address or in the header', async (t) => {
  const url = await openEcho(t);
  const query = await openRawClient(t, url, { token: 'a b' });
  t.is((await query.take()).content, '/ws/chat?token=a+b -');
  const header = await openRawClient(t, url, { token: 'ab', by: 'header', path: '/ws/chat/' });
  t.is((await header.take()).content, '/ws/chat/ Token ab');
});

test('next passes over frames that do not match, and never returns one twice', async (t) => {
  const client = await openRawClient(t, await openEcho(t));
  for (const ref of ['1', '2', '3']) {
    client.send({ type: 'error', code: ref === '2' ? 'unavailable' : 'room:empty-message', ref });
  }
  t.is((await client.next({ code: 'room:empty-message' })).ref, '1');
  t.is((await client.next((frame) => frame.code === 'room:empty-message')).ref, '3');
  await client.settle();
  t.is(client.frames.length, 4);
  await t.throwsAsync(client.next({ code: 'unavailable' }, 10), { message: /10 ms passed/ });
});

test('a frame that the protocol does not have fails the call that waits', async (t) => {
  for (const frame of ['{"type":"notification","code":"api-motd"}', '{"type":"news"}', '[]', 'hello', Buffer.of(1)]) {
    const client = await openRawClient(t, await openEcho(t));
    client.socket.send(frame);
    await t.throwsAsync(client.next({ code: 'never' }), { message: /asyncapi|JSON|object|binary/ });
  }
});

test('waiting ends when the connection does', async (t) => {
  const client = await openRawClient(t, await openEcho(t));
  const waiting = client.next({ code: 'never' });
  await client.close();
  await t.throwsAsync(waiting, { message: /closed with 1005|closed with 1000/ });
  t.is((await client.closed).code, 1000);
});
