import test from 'ava';
import { WebSocket } from 'ws';
import { chatting, comeBack, reconnect, scripted, settled, until } from '../../test/support/scripted-client.ts';
import { connectionTimes, createClient, FatalError } from './index.ts';

test('connect resolves with the greeting, and not before', async (t) => {
  const { client, server } = await scripted(t);
  let resolved = false;
  const connected = client.connect().then(() => {
    resolved = true;
  });
  const line = await server.accept();
  t.is(line.url, '/ws/chat?token=secret&resume=1');
  t.is(client.state, 'connecting');
  t.false(resolved);
  const motd = until(client, 'motd');
  line.greet();
  await connected;
  t.is((await motd).content, 'Welcome.');
  t.is(client.state, 'open');
});

test('the path of the URL stays in front, and the token is encoded', async (t) => {
  const { server } = await scripted(t);
  const client = createClient({ url: `${server.url}/chat/`, token: 'a&b=c', WebSocket });
  const connected = client.connect();
  const line = await server.accept();
  t.is(line.url, '/chat/ws/chat?token=a%26b%3Dc&resume=1');
  line.greet();
  await connected;
  await client.close();
});

test('connecting twice waits for the one connection', async (t) => {
  const { client, server } = await scripted(t);
  const both = Promise.all([client.connect(), client.connect()]);
  const line = await server.accept();
  line.greet();
  await both;
  await client.connect();
  t.is(server.waiting, 0);
});

const cuts = ['before the greeting', 'after the greeting'] as const;
for (const when of cuts) {
  test(`a line cut ${when} is opened again`, async (t) => {
    const all = await scripted(t);
    const connected = all.client.connect();
    let line = await all.server.accept();
    if (when === 'after the greeting') {
      line.greet();
      await connected;
    }
    line = await reconnect(all, line);
    await connected;
    t.is(all.client.state, 'open');
    await settled(all.client, line);
  });
}

test('a server that cannot be reached is tried for ever, with waits up to the cap', async (t) => {
  const { server } = await scripted(t);
  await server.close();
  const all = await scripted(t, { url: server.url, random: () => 0.999_999 });
  const waits: number[] = [];
  const connected = all.client.connect();
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await until(all.client, 'state', ({ state }) => state === 'waiting');
    waits.push(Math.ceil((all.timers.waits[0] ?? 0) / 100) * 100);
    all.timers.advance(all.timers.waits[0] ?? 0);
  }
  t.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  const ended = t.throwsAsync(connected, { instanceOf: FatalError });
  await all.client.close();
  t.is((await ended)?.code, 'closed');
});

test('a server that accepts and does not greet is left after a deadline', async (t) => {
  const all = await scripted(t);
  const connected = all.client.connect();
  const line = await all.server.accept();
  all.timers.advance(connectionTimes.openMs - 1);
  t.is(all.client.state, 'connecting');
  // The server has accepted the line, the client need not have heard of it yet: then its end comes a moment later.
  const waiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  all.timers.advance(1);
  await waiting;
  await line.closed;
  await comeBack(all);
  await connected;
  t.is(all.client.state, 'open');
});

for (const code of [1002, 1006, 1007, 1009, 1011, 1012, 1013, 4408, 4429, 4999]) {
  test(`a line closed with ${code} is opened again`, async (t) => {
    const all = await chatting(t);
    const waiting = until(all.client, 'state', ({ state }) => state === 'waiting');
    if (code === 1006) all.line.cut();
    else all.line.close(code);
    await waiting;
    await comeBack(all);
    t.is(all.client.state, 'open');
  });
}

test('logged-out ends the client', async (t) => {
  const { client, line } = await chatting(t);
  const heard = until(client, 'logged-out');
  const end = until(client, 'end');
  line.send({ type: 'notification', code: 'logged-out' });
  line.close(1000);
  await heard;
  t.is((await end).reason, 'logged-out');
});

test('after server-closing the client waits as long as it was told', async (t) => {
  const { client, line, server, timers } = await chatting(t);
  const told = until(client, 'server-closing');
  const waiting = until(client, 'state', ({ state }) => state === 'waiting');
  line.send({ type: 'notification', code: 'server-closing', reconnect_in: 7_321 });
  line.close(1012);
  t.is((await told).reconnectInMs, 7_321);
  await waiting;
  t.deepEqual(timers.waits, [7_321]);
  timers.advance(7_320);
  t.is(client.state, 'waiting');
  timers.advance(1);
  t.is(client.state, 'connecting');
  (await server.accept()).greet();
});

test('a restart without a word spreads the clients over the jitter', async (t) => {
  const { client, line, timers } = await chatting(t, { random: () => 0.5 });
  const waiting = until(client, 'state', ({ state }) => state === 'waiting');
  line.close(1012);
  await waiting;
  t.deepEqual(timers.waits, [1_500]);
});

test('the waits start small again after a connection that lasted, and only then', async (t) => {
  const all = await chatting(t, { random: () => 0.999_999 });
  const wait = async (line: typeof all.line): Promise<number> => {
    const waiting = until(all.client, 'state', ({ state }) => state === 'waiting');
    line.cut();
    await waiting;
    return all.timers.waits[0] ?? 0;
  };
  t.is(await wait(all.line), 499);
  const brief = await comeBack(all);
  t.is(await wait(brief), 999);
  const lasting = await comeBack(all);
  all.timers.advance(2_000);
  t.is(await wait(lasting), 499);
});

test('a silent line is asked, and kept when it answers', async (t) => {
  const { client, line, timers } = await chatting(t);
  timers.advance(connectionTimes.silenceMs);
  await line.next('list');
  const heard = until(client, 'frame');
  line.send({ type: 'notification', code: 'list', list: [] });
  await heard;
  timers.advance(connectionTimes.answerMs);
  t.is(client.state, 'open');
});

test('a silent line that does not answer is opened again', async (t) => {
  const all = await chatting(t);
  all.timers.advance(connectionTimes.silenceMs);
  await all.line.next('list');
  all.timers.advance(connectionTimes.answerMs);
  t.is(all.client.state, 'waiting');
  await comeBack(all);
  t.is(all.client.state, 'open');
});

test('a line that is heard is not asked', async (t) => {
  const { client, line, timers } = await chatting(t);
  for (let times = 0; times < 5; times += 1) {
    timers.advance(connectionTimes.silenceMs - 1_000);
    const heard = until(client, 'frame');
    line.send({ type: 'notification', code: 'help', help: 'help' });
    await heard;
  }
  t.deepEqual(line.unread, []);
});

test('what is no message of the protocol disturbs nothing', async (t) => {
  const { client, line, told } = await chatting(t);
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '7',
    '{"type":"x","code":"y"}',
    '{"code":"message"}',
    '{"type":"fatal"}',
  ]) {
    line.sendText(text);
  }
  await settled(client, line);
  t.is(client.state, 'open');
  t.deepEqual(told, []);
});

test('a platform that refuses to open a WebSocket ends the client with the cause', async (t) => {
  const cause = new Error('no sockets here');
  const Refusing = function Refusing(): never {
    throw cause;
  } as unknown as typeof WebSocket;
  const { client } = await scripted(t, { WebSocket: Refusing });
  const error = await t.throwsAsync(client.connect(), { instanceOf: FatalError });
  t.is(error?.code, 'blocked');
  t.is(error?.cause, cause);
});

test('an aborted connect rejects with the reason and stops trying', async (t) => {
  const { client, server, timers } = await scripted(t);
  const controller = new AbortController();
  const connected = client.connect({ signal: controller.signal });
  const line = await server.accept();
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await t.throwsAsync(connected), reason);
  t.is(client.state, 'idle');
  await line.closed;
  t.deepEqual(
    timers.waits.filter((ms) => ms > 1_000),
    [],
  );
  t.is(await t.throwsAsync(client.connect({ signal: controller.signal })), reason);
  const again = client.connect();
  (await server.accept()).greet();
  await again;
});

test('an aborted connect leaves the others waiting', async (t) => {
  const { client, server } = await scripted(t);
  const controller = new AbortController();
  const first = client.connect({ signal: controller.signal });
  const second = client.connect();
  const line = await server.accept();
  controller.abort();
  await t.throwsAsync(first, { any: true, name: 'AbortError' });
  line.greet();
  await second;
  t.is(client.state, 'open');
});

test('close parts with a normal close, ends once and leaves no timer', async (t) => {
  const { client, line, timers, told } = await chatting(t);
  await Promise.all([client.close(), client.close()]);
  t.is(await line.closed, 1000);
  t.deepEqual(timers.waits, []);
  t.deepEqual(told, ['end closed']);
});

test('close ends an attempt that is under way, and a wait', async (t) => {
  const connecting = await scripted(t);
  const connected = t.throwsAsync(connecting.client.connect(), { instanceOf: FatalError });
  const line = await connecting.server.accept();
  await connecting.client.close();
  t.is((await connected)?.code, 'closed');
  await line.closed;

  const { client, line: other, timers } = await chatting(t);
  const waiting = until(client, 'state', ({ state }) => state === 'waiting');
  other.cut();
  await waiting;
  await client.close();
  t.deepEqual(timers.waits, []);
});

test('closing from a listener is heard at once', async (t) => {
  const { client, line, told } = await chatting(t);
  client.on('error', () => void client.close());
  const end = until(client, 'end');
  line.send({ type: 'error', code: 'invalid-format' });
  line.send({ type: 'error', code: 'invalid-format' });
  await end;
  await line.closed;
  t.deepEqual(told, ['error invalid-format', 'end closed']);
});

test('after an end the client connects anew, in no room', async (t) => {
  const { client, line, server } = await chatting(t);
  await client.close();
  await line.closed;
  client.token = 'other';
  const connected = client.connect();
  const next = await server.accept();
  t.is(next.url, '/ws/chat?token=other&resume=1');
  next.greet();
  await connected;
  t.is(client.rooms.size, 0);
  await settled(client, next);
});

test('a listener that throws is reported and the client goes on', async (t) => {
  const reports: unknown[] = [];
  const { client, line } = await chatting(t, { onListenerError: (error) => reports.push(error) });
  const thrown = new Error('listener');
  client.on('frame', () => {
    throw thrown;
  });
  await settled(client, line);
  t.deepEqual(reports, [thrown]);
  t.is(client.state, 'open');
});

test('a listener of the state may connect anew at once', async (t) => {
  const { client, line, server, told } = await chatting(t);
  let again: Promise<void> | undefined;
  client.on('state', ({ state }) => {
    if (state === 'ended') again = client.connect();
  });
  line.close(4401);
  const next = await server.accept();
  next.greet();
  await again;
  t.is(client.state, 'open');
  t.deepEqual(told, ['end not-authenticated']);
  await settled(client, next);
});

test('a listener of the state that closes the client leaves nothing under way', async (t) => {
  const { client, line, timers, told } = await chatting(t);
  client.on('state', ({ state }) => {
    if (state === 'waiting') void client.close();
  });
  const end = until(client, 'end');
  line.cut();
  await end;
  t.deepEqual(timers.waits, []);
  t.deepEqual(told, ['end closed']);
});
