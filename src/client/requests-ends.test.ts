/** How requests wait when they are refused for now, and end without an answer: late, given up, or with the client. */
import test from 'ava';
import { chatting, join, reconnect, scripted, settled, until } from '../../test/support/scripted-client.ts';
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

for (const [given, ms] of [
  [1_000_000_000, 60_000],
  [-1, 1_000],
  ['soon', 1_000],
] as const) {
  test(`a refusal that asks to wait ${given} s is a wait of ${ms} ms`, async (t) => {
    const { client, line, timers } = await chatting(t);
    await join(client, line, 'r');
    const sent = client.send('r', '1');
    const { ref } = await line.next('message');
    const refused = until(client, 'frame');
    line.sendText(JSON.stringify({ type: 'error', code: 'rate-limited', details: { retry_after: given }, ref }));
    await refused;
    t.true(timers.waits.includes(ms), timers.waits.join());
    const ended = t.throwsAsync(sent, { instanceOf: FatalError });
    await client.close();
    await ended;
  });
}

test('after a refusal for too many messages, each answer lets more of them go at once', async (t) => {
  const { client, line, timers } = await chatting(t);
  await join(client, line, 'r');
  const sent = ['1', '2', '3', '4'].map((body) => client.send('r', body));
  const refs: string[] = [];
  for (const _ of sent) refs.push((await line.next('message')).ref);
  const refused = until(client, 'frame', (frame) => 'ref' in frame && frame.ref === refs.at(-1));
  for (const ref of refs) line.send({ type: 'error', code: 'rate-limited', details: { retry_after: 1 }, ref });
  await refused;
  timers.advance(1_000);
  const answer = async (id: number): Promise<void> => {
    const { ref, body } = await line.next('message');
    line.send(message('r', id, { ref, body }));
  };
  await answer(1);
  // Two are under way now, before either has its answer.
  const [second, third] = [await line.next('message'), await line.next('message')];
  t.deepEqual(line.unread, []);
  line.send(message('r', 2, { ref: second.ref, body: second.body }));
  line.send(message('r', 3, { ref: third.ref, body: third.body }));
  await answer(4);
  t.deepEqual(
    (await Promise.all(sent)).map(({ id }) => id),
    [1, 2, 3, 4],
  );
});
