/** A client that takes the place of the connection over which its user chats already: once, on whatever it opens first. */
import test from 'ava';
import { comeBack, reconnect, scripted, until } from '../../test/support/scripted-client.ts';
import { choosing, nextRequest, waiting } from '../../test/support/scripted-http.ts';
import { motd } from '../../test/support/scripted-server.ts';

test('a takeover goes with the first connection and not with those after it (websocket)', async (t) => {
  const all = await scripted(t);
  const connected = all.client.connect({ takeover: true });
  const line = await all.server.accept();
  t.is(line.url, '/ws/chat?token=secret&resume=1&takeover=1');
  line.begin('s');
  await connected;
  t.is((await reconnect(all, line)).url, '/ws/chat?token=secret&resume=1&cursor=s.1');
});

test('a takeover goes with the first connection and not with those after it (sse)', async (t) => {
  const all = await scripted(t, { transport: 'sse' });
  const connected = all.client.connect({ takeover: true });
  const exchange = await all.server.request();
  t.is(exchange.what, 'GET /sse/chat?takeover=1');
  exchange.stream().begin('s');
  await connected;
  const isWaiting = waiting(all);
  exchange.cut();
  await isWaiting;
  t.is((await nextRequest(all)).what, 'GET /sse/chat?cursor=s.1');
});

test('a takeover goes with the first question and not with those after it (poll)', async (t) => {
  const all = await scripted(t, { transport: 'poll' });
  const connected = all.client.connect({ takeover: true });
  const first = await all.server.request();
  t.is(first.what, 'GET /poll/chat?takeover=1');
  first.messages('s.1', [motd]);
  await connected;
  t.is((await all.server.request()).what, 'GET /poll/chat?cursor=s.1&wait=25');
});

test('a takeover that no connection came of goes with the next attempt, over whichever transport', async (t) => {
  const all = await choosing(t);
  all.server.blockWebSockets('refuse');
  const connected = all.client.connect({ takeover: true });
  const exchange = await all.server.request();
  t.is(exchange.what, 'GET /sse/chat?takeover=1');
  exchange.stream().begin('s');
  await connected;
  t.is(all.client.transport, 'sse');
});

test('a takeover that was answered is over, even when its greeting got lost', async (t) => {
  const all = await scripted(t);
  const connected = all.client.connect({ takeover: true });
  const line = await all.server.accept();
  const heard = until(all.client, 'frame');
  line.send({ type: 'notification', code: 'session', session: 's', resumed: false, grace: 30 });
  await heard;
  const isWaiting = waiting(all);
  line.cut();
  await isWaiting;
  const next = await comeBack(all);
  t.is(next.url, '/ws/chat?token=secret&resume=1&cursor=s.0');
  await connected;
});

test('a takeover is of one connect: the next one asks', async (t) => {
  const all = await scripted(t);
  const connected = all.client.connect({ takeover: true });
  const line = await all.server.accept();
  line.begin('s');
  await connected;
  const ended = until(all.client, 'end');
  line.send({ type: 'fatal', code: 'resumed-elsewhere' });
  line.close(4410);
  await ended;
  const again = all.client.connect();
  const next = await all.server.accept();
  t.is(next.url, '/ws/chat?token=secret&resume=1');
  next.begin('s2');
  await again;
});
