import test, { type ExecutionContext } from 'ava';
import { type Scripted, scripted, until } from '../../../test/support/scripted-client.ts';
import { nextRequest, waiting } from '../../../test/support/scripted-http.ts';
import { type Exchange, joined, message, motd, status } from '../../../test/support/scripted-server.ts';
import { FatalError, type FetchLike } from '../index.ts';
import { takeoverLimits } from '../takeovers.ts';
import { pollTimes } from './poll.ts';

type Polling = Scripted & { poll: Exchange };

/** A client over polls, in session `s`; `poll` is the one that waits. */
async function polling(t: ExecutionContext): Promise<Polling> {
  const all = await scripted(t, { transport: 'poll' });
  const connected = all.client.connect();
  const first = await all.server.request();
  t.is(first.what, 'GET /poll/chat');
  first.messages('s.1', [motd]);
  await connected;
  return { ...all, poll: await all.server.request() };
}

/** The same, in room `r`. */
async function inRoom(t: ExecutionContext): Promise<Polling> {
  const all = await polling(t);
  const done = all.client.join('r');
  const post = await all.server.request();
  t.is(post.what, 'POST /poll/chat?session=s');
  post.answer(202);
  all.poll.messages('s.2', [joined('r', post.frames[0]?.ref ?? '', status([1]))]);
  await done;
  return { ...all, poll: await all.server.request() };
}

test('each poll asks for what comes after the last, with the token in a header', async (t) => {
  const all = await inRoom(t);
  t.is(all.client.transport, 'poll');
  t.is(all.poll.what, 'GET /poll/chat?cursor=s.2&wait=25');
  t.is(all.poll.headers.authorization, 'Token secret');
  all.poll.messages('s.4', [message('r', 2), message('r', 3)]);
  const following = await all.server.request();
  t.is(following.what, 'GET /poll/chat?cursor=s.4&wait=25');
  following.messages('s.4', []);
  t.is((await all.server.request()).what, 'GET /poll/chat?cursor=s.4&wait=25');
  t.deepEqual(all.told, ['joined r bob', 'message r 2', 'message r 3']);
});

test('a poll that breaks is asked again without waiting, which shows whether the session goes on', async (t) => {
  const all = await inRoom(t);
  const isWaiting = waiting(all);
  all.poll.cut();
  await isWaiting;
  const again = await nextRequest(all);
  t.is(again.what, 'GET /poll/chat?cursor=s.2&wait=0');
  const session = until(all.client, 'session');
  again.messages('s.2', []);
  t.deepEqual(await session, { resumed: true });
  t.deepEqual([...all.client.rooms], ['r']);
});

test('a poll that is not answered in time is asked again', async (t) => {
  const all = await inRoom(t);
  all.timers.advance(25_000 + pollTimes.marginMs - 1);
  t.is(all.client.state, 'open');
  const isWaiting = waiting(all);
  all.timers.advance(1);
  await isWaiting;
  t.is((await nextRequest(all)).what, 'GET /poll/chat?cursor=s.2&wait=0');
});

test('a session that has expired is followed by a new one, in the same rooms', async (t) => {
  const all = await inRoom(t);
  const isWaiting = waiting(all);
  all.poll.answer(410, { type: 'fatal', code: 'session-expired' });
  await isWaiting;
  const again = await nextRequest(all);
  t.is(again.what, 'GET /poll/chat');
  again.messages('q.1', [motd]);
  const requests = [await all.server.request(), await all.server.request()];
  const post = requests.find(({ what }) => what.startsWith('POST'));
  t.is(post?.what, 'POST /poll/chat?session=q');
  t.like(post?.frames[0], { type: 'join', room_name: 'r', since: 1 });
});

test('a poll refused with 401 ends the client, which ends nobody’s session', async (t) => {
  const { client, server, poll } = await polling(t);
  const end = until(client, 'end');
  poll.answer(401, { type: 'fatal', code: 'not-authenticated' });
  const { error } = await end;
  t.true(error instanceof FatalError);
  t.is(error.code, 'not-authenticated');
  t.is(server.requests.length, 0);
});

const elsewhere = { type: 'fatal', code: 'resumed-elsewhere' };

test('a session that passed to a poll which something sent twice is had back', async (t) => {
  const all = await inRoom(t);
  const isWaiting = waiting(all);
  all.poll.answer(409, elsewhere);
  await isWaiting;
  const again = await nextRequest(all);
  t.is(again.what, 'GET /poll/chat?cursor=s.2&wait=0');
  const session = until(all.client, 'session');
  again.messages('s.2', []);
  t.deepEqual(await session, { resumed: true });
  t.deepEqual(all.told, ['joined r bob']);
});

test('a session that passes to another client again and again is believed to be there, and not ended', async (t) => {
  const all = await polling(t);
  const end = until(all.client, 'end');
  let { poll } = all;
  for (let times = 0; times < takeoverLimits.disputes; times += 1) {
    const isWaiting = waiting(all);
    poll.answer(409, elsewhere);
    await isWaiting;
    const again = await nextRequest(all);
    again.messages('s.1', []);
    // The next poll, and the question that goes first after a resume.
    const requests = [await all.server.request(), await all.server.request()];
    poll = requests.find(({ what }) => what.startsWith('GET')) ?? poll;
  }
  poll.answer(409, elsewhere);
  t.is((await end).reason, 'resumed-elsewhere');
  t.is(all.server.requests.length, 0);
});

test('a session that another client has ended by taking the place is not asked for in vain', async (t) => {
  const all = await polling(t);
  const end = until(all.client, 'end');
  for (const [code, reason] of [
    [409, 'resumed-elsewhere'],
    [410, 'session-expired'],
  ] as const) {
    const isWaiting = waiting(all);
    (code === 409 ? all.poll : await nextRequest(all)).answer(code, { type: 'fatal', code: reason });
    await isWaiting;
  }
  const fresh = await nextRequest(all);
  t.is(fresh.what, 'GET /poll/chat');
  fresh.answer(409, { type: 'fatal', code: 'already-chatting' });
  t.is((await end).reason, 'resumed-elsewhere');
});

test('a fatal behind the last messages is told after them', async (t) => {
  const { client, poll, told } = await inRoom(t);
  const end = until(client, 'end');
  poll.messages('s.3', [message('r', 2), { type: 'fatal', code: 'kicked' }]);
  await end;
  t.deepEqual(told, ['joined r bob', 'message r 2', 'end kicked']);
});

/** Of another session, from long ago, from ahead; the last with one message too many. */
const strangers = [
  { cursor: 'q.1', messages: [] },
  { cursor: 'q.2', messages: [message('r', 7)] },
  { cursor: 's.0', messages: [] },
  { cursor: 's.3', messages: [message('r', 7)] },
  { cursor: 's.2', messages: [message('r', 7), message('r', 8)] },
];

test('an answer that is none of the chat’s is a broken connection', async (t) => {
  for (const body of [
    'a page',
    {},
    { cursor: 7, messages: [] },
    { cursor: 's.1' },
    { cursor: 'x', messages: [] },
    ...strangers,
  ]) {
    const all = await polling(t);
    const isWaiting = waiting(all);
    all.poll.answer(200, body);
    await isWaiting;
    t.is((await nextRequest(all)).what, 'GET /poll/chat?cursor=s.1&wait=0');
    t.deepEqual(all.told, []);
  }
});

test('a poll whose fetch heeds no abort is given up all the same', async (t) => {
  let isDeaf = false;
  const deaf: FetchLike = (url, init) => (isDeaf ? new Promise(() => {}) : fetch(url, init));
  const all = await scripted(t, { transport: 'poll', fetch: deaf });
  const connected = all.client.connect();
  const first = await all.server.request();
  isDeaf = true;
  first.messages('s.1', [motd]);
  await connected;
  const isWaiting = waiting(all);
  while (!all.timers.waits.includes(25_000 + pollTimes.marginMs)) await new Promise((resolve) => setImmediate(resolve));
  all.timers.advance(25_000 + pollTimes.marginMs);
  await isWaiting;
  isDeaf = false;
  t.is((await nextRequest(all)).what, 'GET /poll/chat?cursor=s.1&wait=0');
});

test('something that answers at once and has nothing is not asked in a loop', async (t) => {
  const { server, poll, timers } = await polling(t);
  poll.messages('s.1', []);
  (await server.request()).messages('s.1', []);
  while (!timers.waits.includes(pollTimes.quickMs)) await new Promise((resolve) => setImmediate(resolve));
  t.is(server.requests.length, 0);
  timers.advance(pollTimes.quickMs);
  t.is((await server.request()).what, 'GET /poll/chat?cursor=s.1&wait=25');
});

test('close leaves the chat, suspend only ends the poll', async (t) => {
  const leaving = await polling(t);
  const closed = leaving.client.close();
  const farewell = await leaving.server.request();
  t.is(farewell.what, 'DELETE /poll/chat?session=s');
  farewell.answer(204);
  await closed;
  await leaving.poll.closed;

  const staying = await polling(t);
  t.like(await staying.client.suspend(), { cursor: 's.1' });
  await staying.poll.closed;
  t.is(staying.server.requests.length, 0);
  t.deepEqual(staying.timers.waits, []);
});
