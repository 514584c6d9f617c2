/** How requests end without an answer: late, given up, or with the client. */
import test from 'ava';
import { chatting, join, reconnect, scripted, settled } from '../../test/support/scripted-client.ts';
import { joined, message, status } from '../../test/support/scripted-server.ts';
import { ConnectionError, FatalError } from './index.ts';

test('no answer in time rejects with timeout, and a late answer disturbs nothing', async (t) => {
  const { client, line, timers, told } = await chatting(t);
  await join(client, line, 'r');
  const late = t.throwsAsync(client.send('r', 'hello', { timeoutMs: 500 }), { instanceOf: ConnectionError });
  const { ref } = await line.next('message');
  timers.advance(500);
  const error = await late;
  t.is(error?.reason, 'timeout');
  t.is(error?.ref, ref);
  line.send(message('r', 1, { ref, body: 'hello' }));
  await settled(client, line);
  t.deepEqual(told, ['joined r bob', 'message r 1']);
});

test('an aborted request rejects with the reason of its signal and is not sent again', async (t) => {
  const scene = await chatting(t);
  const { client } = scene;
  await join(client, scene.line, 'r');
  const controller = new AbortController();
  const { signal } = controller;
  const sent = [client.send('r', 'hello', { signal }), client.list({ signal })];
  await scene.line.next('message');
  const reason = new Error('enough');
  controller.abort(reason);
  for (const one of sent) t.is(await t.throwsAsync<Error>(one as Promise<unknown>), reason);
  t.is(await t.throwsAsync(client.help({ signal })), reason);
  await scene.line.next('list');
  const line = await reconnect(scene, scene.line);
  const rejoin = await line.next('join');
  line.send(joined('r', rejoin.ref, status([])));
  await settled(client, line);
});

test('close rejects all that waits and leaves no timer', async (t) => {
  const { client, line, timers } = await chatting(t);
  await join(client, line, 'r');
  const waiting = [client.send('r', 'hello'), client.list(), client.command('r', 'a', 'b'), client.join('s')];
  const errors = Promise.all(waiting.map((one) => t.throwsAsync(one as Promise<unknown>, { instanceOf: FatalError })));
  await client.close();
  for (const error of await errors) t.is(error?.code, 'closed');
  t.deepEqual(timers.waits, []);
});

test('a terminal refusal rejects all that waits with its reason', async (t) => {
  const { client, line } = await chatting(t);
  const waiting = t.throwsAsync(client.list(), { instanceOf: FatalError });
  await line.next('list');
  line.send({ type: 'fatal', code: 'kicked' });
  t.is((await waiting)?.code, 'kicked');
});

test('a request before connect is refused, one while connecting waits', async (t) => {
  const { client, server } = await scripted(t);
  const early = await t.throwsAsync(client.list(), { instanceOf: ConnectionError });
  t.is(early?.reason, 'not-connected');
  const connected = client.connect();
  const list = client.list();
  const line = await server.accept();
  line.greet();
  await connected;
  const { ref } = await line.next('list');
  line.send({ type: 'notification', code: 'list', list: [], ref });
  t.deepEqual(await list, []);
});
