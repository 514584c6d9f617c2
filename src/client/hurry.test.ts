import test from 'ava';
import { chatting, comeBack, scripted, until } from '../../test/support/scripted-client.ts';
import { connectionTimes } from './index.ts';

test('a client that waits for its next attempt makes it at once', async (t) => {
  const all = await chatting(t, { random: () => 0.999 });
  const waiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  all.line.cut();
  await waiting;
  all.client.hurry();
  t.is(all.client.state, 'connecting');
  const line = await all.server.accept();
  const open = until(all.client, 'state', ({ state }) => state === 'open');
  line.greet();
  await open;
  t.is(all.server.waiting, 0);
});

test('a wait that the server has asked for is kept', async (t) => {
  const all = await chatting(t);
  all.line.send({ type: 'notification', code: 'server-closing', reconnect_in: 9_000 });
  const waiting = until(all.client, 'state', ({ state }) => state === 'waiting');
  all.line.close(1012);
  await waiting;
  all.client.hurry();
  t.is(all.client.state, 'waiting');
  await comeBack(all);
  t.is(all.client.state, 'open');
});

test('a line that has been quiet is asked, and left where it does not answer', async (t) => {
  const all = await chatting(t);
  all.timers.advance(connectionTimes.answerMs);
  all.client.hurry();
  // Asked once, however often.
  all.client.hurry();
  await all.line.next('list');
  all.timers.advance(connectionTimes.answerMs - 1);
  t.is(all.client.state, 'open');
  all.timers.advance(1);
  t.is(all.client.state, 'waiting');
  await comeBack(all);
});

test('a line that answers is kept', async (t) => {
  const { client, line, timers } = await chatting(t);
  timers.advance(connectionTimes.answerMs);
  client.hurry();
  await line.next('list');
  const heard = until(client, 'frame');
  line.send({ type: 'notification', code: 'list', list: [] });
  await heard;
  timers.advance(connectionTimes.answerMs);
  t.is(client.state, 'open');
});

test('a line that was heard just now is not asked, nor is a client that is idle, connecting or ended', async (t) => {
  const { client, server } = await scripted(t);
  client.hurry();
  t.is(client.state, 'idle');
  const connected = client.connect();
  const line = await server.accept();
  client.hurry();
  t.is(client.state, 'connecting');
  line.greet();
  await connected;
  client.hurry();
  const answer = client.list();
  const asked = await line.next('list');
  // The probe has no ref: this is the question of the test itself.
  t.is(typeof asked.ref, 'string');
  line.send({ type: 'notification', code: 'list', list: [], ...(asked.ref === undefined ? {} : { ref: asked.ref }) });
  await answer;
  await client.close();
  client.hurry();
  t.is(client.state, 'ended');
});
