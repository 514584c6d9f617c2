import test from 'ava';
import { settled, until } from '../../test/support/scripted-client.ts';
import { choosing, nextRequest, pass, passFence, streaming, turn, waiting } from '../../test/support/scripted-http.ts';
import { custom, message, motd } from '../../test/support/scripted-server.ts';
import { connectionTimes } from './index.ts';
import { takeoverLimits } from './takeovers.ts';

const { tryMs, climbMs } = connectionTimes;

test('after a time on an event stream a WebSocket takes the session over, and nothing is lost or told twice', async (t) => {
  const all = await streaming(t);
  const { client, server, stream, exchange, told } = all;
  server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await server.accept();
  t.is(line.url, '/ws/chat?token=secret&resume=1&cursor=s.3');
  // The old connection goes on meanwhile; the new one repeats what it does not know to have arrived.
  const heard = until(client, 'custom');
  stream.send(message('r', 2), 's.4');
  stream.send(custom('r', 'stock', 'x'), 's.5');
  await heard;
  const switched = until(client, 'transport');
  line.begin('s', 'resumed');
  for (const frame of [message('r', 2), custom('r', 'stock', 'x'), message('r', 3)]) line.send(frame);
  t.deepEqual(await switched, { transport: 'websocket' });
  await exchange.closed;
  await passFence(line);
  await settled(client, line);
  t.deepEqual(told, ['joined r bob', 'message r 2', 'custom r stock=x', 'message r 3']);
  t.is(client.state, 'open');
  t.is(client.session.export()?.cursor, 's.8');
  t.is(server.requests.length, 0);
});

test('what was sent over the old connection and is not answered after the switch is sent again', async (t) => {
  const all = await streaming(t);
  const { client, server } = all;
  server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await server.accept();
  const sent = client.send('r', 'hello');
  const post = await server.request();
  line.begin('s', 'resumed');
  await post.closed;
  await passFence(line);
  const again = await line.next('message');
  t.deepEqual([again.ref], [post.frames[0]?.ref]);
  line.send(message('r', 2, { ref: again.ref }));
  t.is((await sent).id, 2);
});

for (const how of ['is refused', 'does not greet', 'is refused by the server'] as const) {
  test(`a better connection that ${how} changes nothing, and is tried again after twice the time`, async (t) => {
    const all = await streaming(t);
    const { client, server, stream, timers, told } = all;
    const states: unknown[] = [];
    client.on('state', ({ state }) => states.push(state));
    const { blocked } = server;
    if (how !== 'is refused') server.allowWebSockets();
    await pass(all, 2, 3);
    if (how === 'is refused') {
      while (server.blocked === blocked) await turn();
    } else {
      const line = await server.accept();
      if (how === 'does not greet') timers.advance(tryMs);
      else line.send({ type: 'fatal', code: 'already-chatting' });
      await line.closed;
    }
    while (!timers.waits.includes(2 * climbMs)) await turn();
    const heard = until(client, 'message');
    stream.send(message('r', 2), 's.4');
    await heard;
    server.allowWebSockets();
    await pass(all, 4, 5);
    t.is((await server.accept()).url, '/ws/chat?token=secret&resume=1&cursor=s.7');
    t.deepEqual([client.state, client.transport], ['open', 'sse']);
    t.deepEqual(states, []);
    t.deepEqual(told, ['joined r bob', 'message r 2']);
  });
}

test('the old connection may hear of the switch first', async (t) => {
  const all = await streaming(t);
  const { client, server, stream, told } = all;
  server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await server.accept();
  const heard = until(client, 'frame');
  stream.send({ type: 'fatal', code: 'resumed-elsewhere' }, 'resumed-elsewhere');
  stream.end();
  await heard;
  const sent = client.send('r', 'hello');
  const session = until(client, 'session');
  line.begin('s', 'resumed');
  t.deepEqual(await session, { resumed: true });
  t.is(client.transport, 'websocket');
  await passFence(line);
  const { ref } = await line.next('message');
  line.send(message('r', 2, { ref }));
  await sent;
  t.deepEqual(told, ['joined r bob', 'message r 2']);
});

test('an old connection that breaks meanwhile leaves the session to the switch, without a wait', async (t) => {
  const all = await streaming(t);
  const { client, server, stream, exchange } = all;
  server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await server.accept();
  const states: unknown[] = [];
  client.on('state', ({ state }) => states.push(state));
  stream.end();
  await exchange.closed;
  for (let turns = 0; turns < 20; turns += 1) await turn();
  const open = until(client, 'session');
  line.begin('s', 'resumed');
  t.deepEqual(await open, { resumed: true });
  t.deepEqual([client.transport, states], ['websocket', []]);
});

test('a switch that takes the session and then fails is followed by the transport that worked', async (t) => {
  const all = await streaming(t);
  all.server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await all.server.accept();
  const heard = until(all.client, 'frame');
  all.stream.send({ type: 'fatal', code: 'resumed-elsewhere' }, 'resumed-elsewhere');
  all.stream.end();
  await heard;
  const isWaiting = waiting(all);
  line.cut();
  await isWaiting;
  // What it had begun may even arrive late.
  const isWaitingAgain = waiting(all);
  (await nextRequest(all)).answer(409, { type: 'fatal', code: 'resumed-elsewhere' });
  await isWaitingAgain;
  const again = await nextRequest(all);
  t.is(again.what, 'GET /sse/chat?cursor=s.3');
  again.stream().begin('s', 'resumed');
  await until(all.client, 'session');
  t.is(all.client.transport, 'sse');
  t.deepEqual(all.told, ['joined r bob']);
});

test('a switch that was given up and takes the session all the same is made good', async (t) => {
  const all = await streaming(t);
  all.server.allowWebSockets();
  await pass(all, 2, 3);
  const line = await all.server.accept();
  all.timers.advance(tryMs);
  await line.closed;
  const isWaiting = waiting(all);
  all.stream.send({ type: 'fatal', code: 'resumed-elsewhere' }, 'resumed-elsewhere');
  all.stream.end();
  await isWaiting;
  const again = await nextRequest(all);
  t.is(again.what, 'GET /sse/chat?cursor=s.3');
  again.stream().begin('s', 'resumed');
  await until(all.client, 'session');
  t.deepEqual([all.client.transport, all.told], ['sse', ['joined r bob']]);
});

test('a session that goes on elsewhere when nothing is under way any more ends the client', async (t) => {
  const { client, server, stream, timers } = await streaming(t);
  timers.advance(takeoverLimits.strayMs + 1);
  const end = until(client, 'end');
  stream.send({ type: 'fatal', code: 'resumed-elsewhere' }, 'resumed-elsewhere');
  t.is((await end).reason, 'resumed-elsewhere');
  t.is(server.requests.length, 0);
});

test('from polls both better transports are tried, and no poll is begun meanwhile', async (t) => {
  const all = await choosing(t);
  const { client, server, timers } = all;
  server.blockWebSockets('refuse');
  const connected = client.connect();
  (await server.request()).answer(404);
  (await server.request()).messages('s.1', [motd]);
  await connected;
  const poll = await server.request();
  const { blocked } = server;
  timers.advance(20_000);
  poll.messages('s.1', []);
  const second = await server.request();
  timers.advance(20_000);
  second.messages('s.1', []);
  const third = await server.request();
  timers.advance(20_000);
  while (server.blocked === blocked) await turn();
  const exchange = await server.request();
  t.is(exchange.what, 'GET /sse/chat?cursor=s.1');
  const heard = until(client, 'frame');
  third.messages('s.2', [{ type: 'notification', code: 'help', help: 'x' }]);
  await heard;
  await third.closed;
  for (let turns = 0; turns < 20; turns += 1) await turn();
  t.is(server.requests.length, 0);
  exchange.stream().begin('s', 'resumed');
  await until(client, 'transport');
  t.is(client.transport, 'sse');
});

test('a better transport that takes too long lets the polls go on', async (t) => {
  const all = await choosing(t);
  const { client, server, timers } = all;
  server.blockWebSockets('refuse');
  const connected = client.connect();
  (await server.request()).answer(404);
  (await server.request()).messages('s.1', [motd]);
  await connected;
  for (let times = 0; times < 3; times += 1) {
    const poll = await server.request();
    t.is(poll.what, 'GET /poll/chat?cursor=s.1&wait=25');
    timers.advance(20_000);
    if (times < 2) poll.messages('s.1', []);
    else {
      const exchange = await server.request();
      poll.messages('s.1', []);
      timers.advance(tryMs);
      await exchange.closed;
    }
  }
  t.is((await server.request()).what, 'GET /poll/chat?cursor=s.1&wait=25');
  t.deepEqual([client.state, client.transport], ['open', 'poll']);
});
