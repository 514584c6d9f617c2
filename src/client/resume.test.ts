import test, { type ExecutionContext } from 'ava';
import { join, type Scripted, scripted, settled, until } from '../../test/support/scripted-client.ts';
import { passFence } from '../../test/support/scripted-http.ts';
import {
  custom,
  joined,
  type Line,
  message,
  motd,
  parted,
  session,
  status,
} from '../../test/support/scripted-server.ts';
import { type Client, type ClientOptions, ConnectionError, FatalError, requestLimits } from './index.ts';

type Chatting = Scripted & { line: Line };

/** A client over a WebSocket in session `s`, in room `r`, which has the message 1. */
async function chatting(t: ExecutionContext, options: Partial<ClientOptions> = {}): Promise<Chatting> {
  const all = await scripted(t, options);
  const connected = all.client.connect();
  const line = await all.server.accept();
  line.begin('s');
  await connected;
  await join(all.client, line, 'r', 1);
  return { ...all, line };
}

/** Lets the client come back over a line that has yet to say which session it is. */
async function comeBack({ client, server, timers }: Scripted): Promise<Line> {
  while (client.state === 'waiting') timers.advance(timers.waits[0] ?? 0);
  return server.accept();
}

async function cut(all: Scripted, line: Line): Promise<Line> {
  const waiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  line.cut();
  await waiting;
  return comeBack(all);
}

const cursorOf = (line: Line): string | null => new URL(line.url, 'http://x').searchParams.get('cursor');

const opened = (client: Client): Promise<unknown> => until(client, 'session');

test('after a cut the client goes on from the last message that came, in its rooms, without a greeting', async (t) => {
  const all = await chatting(t);
  const { client, told } = all;
  const heard = until(client, 'message', ({ id }) => id === 2);
  all.line.send(message('r', 2));
  await heard;
  // The greeting, the answer to the join and the message.
  const line = await cut(all, all.line);
  t.is(cursorOf(line), 's.3');
  const open = until(client, 'session');
  line.begin('s', 'resumed');
  t.deepEqual(await open, { resumed: true });
  t.is(client.state, 'open');
  line.send(message('r', 3));
  await passFence(line);
  await settled(client, line);
  t.deepEqual(told, ['joined r bob', 'message r 2', 'message r 3']);
  t.deepEqual([...client.rooms], ['r']);
});

test('whatever the server sends is counted, also what this client does not know, but neither the session nor a fatal', async (t) => {
  const all = await chatting(t);
  all.line.sendText('{"type":"notification","code":"from-the-future"}');
  all.line.send({ type: 'error', code: 'invalid-format' });
  await settled(all.client, all.line);
  const line = await cut(all, all.line);
  t.is(cursorOf(line), 's.5');
  line.begin('s', 'resumed');
  await passFence(line);
  line.send(message('r', 2));
  await until(all.client, 'message');
  t.is(cursorOf(await cut(all, line)), 's.7');
});

test('what is unanswered after a resume is sent again once the question before it was answered: a command and a join, too', async (t) => {
  const all = await chatting(t);
  const { client } = all;
  const asked = [client.send('r', 'hello'), client.command('r', 'stock', 'x'), client.join('q')];
  const refs: string[] = [];
  for (const type of ['message', 'custom', 'join'] as const) refs.push((await all.line.next(type)).ref);
  const line = await cut(all, all.line);
  const open = opened(client);
  line.begin('s', 'resumed');
  await open;
  const later = client.send('r', 'later');
  const fence = await line.next('list');
  t.deepEqual(line.unread, []);
  line.send({ type: 'notification', code: 'list', list: [], ref: fence.ref });
  const hello = await line.next('message');
  const command = await line.next('custom');
  const door = await line.next('join');
  t.deepEqual([hello.ref, command.ref, door.ref], refs);
  const last = await line.next('message');
  line.send(message('r', 2, { ref: hello.ref }));
  line.send(custom('r', 'stock', 'x', command.ref));
  line.send(joined('q', door.ref, status([])));
  line.send(message('r', 3, { ref: last.ref }));
  await Promise.all([...asked, later]);
});

test('an answer that was missed comes with the resume, and its request is not sent again', async (t) => {
  const all = await chatting(t);
  const { client } = all;
  const command = client.command('r', 'stock', 'x');
  const { ref } = await all.line.next('custom');
  const line = await cut(all, all.line);
  line.begin('s', 'resumed');
  line.send(custom('r', 'stock', 'x', ref));
  await command;
  await passFence(line);
  await settled(client, line);
  t.deepEqual(line.unread, []);
});

test('the question is asked again where the server asks to wait', async (t) => {
  const all = await chatting(t);
  const { client } = all;
  const sent = client.send('r', 'hello');
  await all.line.next('message');
  const line = await cut(all, all.line);
  line.begin('s', 'resumed');
  const { ref } = await line.next('list');
  const heard = until(client, 'frame');
  line.send({ type: 'error', code: 'rate-limited', details: { retry_after: 2 }, ref });
  await heard;
  all.timers.advance(1_999);
  t.deepEqual(line.unread, []);
  all.timers.advance(1);
  await passFence(line);
  line.send(message('r', 2, { ref: (await line.next('message')).ref }));
  await sent;
});

test('a cut before the question is answered begins anew', async (t) => {
  const all = await chatting(t);
  const sent = all.client.send('r', 'hello');
  await all.line.next('message');
  let { line } = all;
  for (let times = 0; times < 3; times += 1) {
    line = await cut(all, line);
    line.begin('s', 'resumed');
    if (times < 2) await line.next('list');
  }
  await passFence(line);
  line.send(message('r', 2, { ref: (await line.next('message')).ref }));
  t.is((await sent).id, 2);
});

test('a new session that was cut off before its greeting is new all the same, and its rooms are joined', async (t) => {
  const all = await chatting(t);
  const line = await cut(all, all.line);
  const heard = until(all.client, 'frame');
  line.send(session('other'));
  await heard;
  const next = await cut(all, line);
  t.is(cursorOf(next), 'other.0');
  const open = until(all.client, 'session');
  next.begin('other', 'resumed');
  t.deepEqual(await open, { resumed: false });
  t.like(await next.next('join'), { room_name: 'r', since: 1 });
});

test('a client that is suspended before a message is told leaves that message to the next one', async (t) => {
  const all = await chatting(t);
  const exported = new Promise((resolve) => {
    all.client.on('frame', ({ code }) => {
      if (code === 'message') resolve(all.client.suspend());
    });
  });
  all.line.send(message('r', 2));
  t.like(await exported, { cursor: 's.2', rooms: [{ name: 'r', epoch: 'e1', seen: 1 }] });
  t.deepEqual(all.told, ['joined r bob', 'end suspended']);
});

test('a client that is closed by what waited for a session that is gone stays closed', async (t) => {
  const all = await chatting(t);
  const line = await cut(all, all.line);
  line.begin('other');
  const { ref } = await line.next('join');
  line.send(joined('r', ref, status([9], { truncated: true })));
  line.send(custom('r', 'stock', 'x'));
  line.send(custom('r', 'stock', 'y'));
  await settled(all.client, line).catch(() => {});
  const next = await cut(all, line);
  const sessions: unknown[] = [];
  all.client.on('session', (event) => sessions.push(event));
  all.client.on('custom', () => void all.client.close());
  next.begin('third');
  t.is(await next.closed, 1000);
  t.deepEqual(all.told, ['joined r bob', 'rejoined r', 'custom r stock=x', 'end closed']);
  t.deepEqual([next.unread, sessions], [[], []]);
});

test('while the line is away, a command waits to hear whether the session goes on', async (t) => {
  const all = await chatting(t);
  const command = t.throwsAsync(all.client.command('r', 'stock', 'x'), { instanceOf: ConnectionError });
  const sent = all.client.send('r', 'hello');
  await all.line.next('custom');
  const line = await cut(all, all.line);
  t.is(cursorOf(line), 's.2');
  line.begin('other');
  t.is((await command)?.reason, 'lost');
  const { since, ref } = await line.next('join');
  t.is(since, 1);
  line.send(joined('r', ref, status([])));
  line.send(message('r', 2, { ref: (await line.next('message')).ref }));
  await sent;
  t.is(cursorOf(await cut(all, line)), 'other.3');
});

test('a server that knows no sessions is joined anew', async (t) => {
  const all = await scripted(t);
  const connected = all.client.connect();
  const first = await all.server.accept();
  first.greet();
  await connected;
  await join(all.client, first, 'r', 1);
  const line = await cut(all, first);
  t.is(cursorOf(line), null);
  line.greet();
  t.is((await line.next('join')).since, 1);
});

test('a server that resumes another session than the one asked for has begun a new one', async (t) => {
  const all = await chatting(t);
  const line = await cut(all, all.line);
  const open = until(all.client, 'session');
  line.begin('other', 'resumed');
  line.send(motd);
  t.deepEqual(await open, { resumed: false });
  t.is((await line.next('join')).since, 1);
});

test('a server that knows no sessions any more is joined anew, and asked for none', async (t) => {
  const all = await chatting(t);
  const line = await cut(all, all.line);
  t.is(cursorOf(line), 's.2');
  const open = until(all.client, 'session');
  line.greet();
  t.deepEqual(await open, { resumed: false });
  t.is((await line.next('join')).since, 1);
  t.is(cursorOf(await cut(all, line)), null);
});

test('a room parted while the client was away is left', async (t) => {
  const all = await chatting(t);
  const line = await cut(all, all.line);
  line.begin('s', 'resumed');
  line.send(parted('r', true));
  await passFence(line);
  await settled(all.client, line);
  t.is(all.client.rooms.size, 0);
  t.deepEqual(all.told, ['joined r bob', 'parted r bob']);
});

test('suspend keeps the session for another client, which goes on in it', async (t) => {
  const all = await chatting(t);
  const waits = t.throwsAsync(all.client.send('r', 'hello'), { instanceOf: FatalError });
  const exported = await all.client.suspend();
  t.is((await waits)?.code, 'suspended');
  t.is(await all.line.closed, 3000);
  t.deepEqual(exported, { version: 1, cursor: 's.2', rooms: [{ name: 'r', epoch: 'e1', seen: 1 }] });
  t.is(all.client.session.export(), undefined);
  t.is(await all.client.suspend(), undefined);
  t.deepEqual(all.told, ['joined r bob', 'end suspended']);

  const next = await scripted(t, { url: all.server.url });
  const connected = next.client.connect({ resume: JSON.parse(JSON.stringify(exported)) });
  const line = await all.server.accept();
  t.is(cursorOf(line), 's.2');
  line.begin('s', 'resumed');
  await connected;
  t.deepEqual([...next.client.rooms], ['r']);
  line.send(message('r', 2));
  await passFence(line);
  await settled(next.client, line);
  t.deepEqual(next.told, ['message r 2']);
});

test('what was exported while a room is caught up with names no cursor', async (t) => {
  const all = await chatting(t);
  const line = await cut(all, all.line);
  line.begin('other');
  const { ref } = await line.next('join');
  const rejoined = until(all.client, 'rejoined');
  line.send(joined('r', ref, status([9], { truncated: true })));
  await rejoined;
  t.deepEqual(all.client.session.export(), { version: 1, rooms: [{ name: 'r', epoch: 'e1', seen: 1 }] });
});

test('a client that is suspended while a room is caught up with tells the live events that wait', async (t) => {
  const all = await chatting(t);
  const line = await cut(all, all.line);
  line.begin('other');
  const { ref } = await line.next('join');
  line.send(joined('r', ref, status([9], { truncated: true })));
  line.send(custom('r', 'stock', 'x'));
  line.send(message('r', 10));
  await settled(all.client, line).catch(() => {});
  const exported = await all.client.suspend();
  t.deepEqual(all.told, ['joined r bob', 'rejoined r', 'custom r stock=x', 'end suspended']);
  t.deepEqual(exported, { version: 1, rooms: [{ name: 'r', epoch: 'e1', seen: 1 }] });
});

test('a rejoin that has no answer for too long leads to a new session, also while the line is away', async (t) => {
  // Long waits, so that no step in time goes over one of them.
  const all = await chatting(t, { random: () => 0.999_999 });
  let line = await cut(all, all.line);
  line.begin('other');
  await line.next('join');
  let waitedMs = 0;
  line = await cut(all, line);
  while (cursorOf(line) !== null) {
    t.true(waitedMs <= requestLimits.sendTimeoutMs);
    all.timers.advance(10_000);
    waitedMs += 10_000;
    line = all.client.state === 'waiting' ? await comeBack(all) : await cut(all, line);
  }
  line.begin('third');
  t.like(await line.next('join'), { room_name: 'r', since: 1 });
});

test('a session that expired is followed by a new one', async (t) => {
  const all = await chatting(t);
  const waiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  all.line.send({ type: 'fatal', code: 'session-expired' });
  await waiting;
  const line = await comeBack(all);
  t.is(cursorOf(line), null);
  line.begin('other');
  t.is((await line.next('join')).since, 1);
});
