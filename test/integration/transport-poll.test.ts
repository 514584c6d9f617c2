/** What only a poll has: waiting, answers that can be asked for again, their size, and gaps between polls. */
import { once } from 'node:events';
import { connect } from 'node:net';
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, startApp } from '../support/app.ts';
import { openRawClient, type RawPollClient } from '../support/raw-client.ts';

type Answer = { cursor: string; messages: { code: string; body?: string }[] };

/** A poll by hand that has to be answered with messages. */
async function poll(client: RawPollClient, query: { cursor?: string; wait?: string }): Promise<Answer> {
  const { status, body } = await client.poll(query);
  if (status !== 200) throw new Error(`A poll was answered ${status}: ${JSON.stringify(body)}`);
  return body as Answer;
}

test('a poll answers at once when something is due, else when its wait is over, and nobody may store the answer', async (t) => {
  const clock = createTestClock();
  const server = await startApp(t, { transport: 'poll', overrides: { clock } });
  const token = await server.login('alice');
  // It asks by hand: its own polls would get what is due.
  const alice = await openRawClient(t, server.url, { transport: 'poll', token, byHand: true });
  const first = await alice.poll();
  t.is(first.headers['cache-control'], 'no-store');
  const { cursor, messages } = first.body as Answer;
  t.is(messages[0]?.code, 'api-motd');
  t.regex(cursor, /^[\w-]{1,40}\.1$/);
  t.deepEqual(await poll(alice, { cursor, wait: '0' }), { cursor, messages: [] });

  for (const [wait, seconds] of [
    ['7', 7],
    ['55', 55],
    [undefined, 25],
  ] as const) {
    let isAnswered = false;
    const waiting = poll(alice, { cursor, ...(wait === undefined ? {} : { wait }) }).finally(() => {
      isAnswered = true;
    });
    // The POST goes out behind it; both are at the server when it is answered.
    await alice.delivered();
    clock.advance(seconds * 1000 - 1500);
    await alice.delivered();
    t.false(isAnswered);
    clock.advance(1500);
    t.deepEqual(await waiting, { cursor, messages: [] });
  }
  const waiting = poll(alice, { cursor });
  alice.send({ type: 'list' });
  t.is((await waiting).messages[0]?.code, 'list');
});

test('a wait that is no whole number of seconds from 0 to 55 is 400, and disturbs nothing', async (t) => {
  const server = await startApp(t, { transport: 'poll' });
  const alice = await server.chat('alice');
  for (const wait of ['56', '-1', '1.5', 'x', '1e1', '', ' 5']) {
    const { status, body } = await alice.poll({ cursor: alice.cursor, wait });
    t.is(status, 400, wait);
    t.is((body as { wait: string[] }).wait.length, 1);
  }
  await alice.ask({ type: 'list' }, { code: 'list' });
});

test('asking again with the same cursor gives the same messages, and those that came since', async (t) => {
  const server = await startApp(t, { transport: 'poll' });
  const token = await server.login('alice');
  const alice = await openRawClient(t, server.url, { transport: 'poll', token, byHand: true });
  const { cursor } = await poll(alice, {});
  for (const type of ['list', 'help']) alice.send({ type });
  await alice.delivered();
  const once = await poll(alice, { cursor });
  t.deepEqual(await poll(alice, { cursor }), once);
  alice.send({ type: 'list', ref: 'more' });
  await alice.delivered();
  const twice = await poll(alice, { cursor });
  t.deepEqual(twice.messages.slice(0, once.messages.length), once.messages);
  t.is(twice.messages.length, 3);
  // The answer was acknowledged by the cursor that it gave: what came before cannot be asked for any more.
  t.deepEqual((await poll(alice, { cursor: twice.cursor, wait: '0' })).messages, []);
  t.is((await alice.poll({ cursor })).status, 410);
});

test('of two polls at once the older gets resumed-elsewhere, and the newer what comes', async (t) => {
  const server = await startApp(t, { transport: 'poll' });
  const token = await server.login('alice');
  const alice = await openRawClient(t, server.url, { transport: 'poll', token, byHand: true });
  const { cursor } = await poll(alice, {});
  const older = alice.poll({ cursor });
  await alice.delivered();
  const newer = poll(alice, { cursor });
  t.like(await older, { status: 409, body: { type: 'fatal', code: 'resumed-elsewhere' } });
  alice.send({ type: 'list' });
  t.is((await newer).messages[0]?.code, 'list');
});

test('an answer carries about 64 KiB of messages, and the rest comes at once', async (t) => {
  const server = await startApp(t, { transport: 'poll', env: { RATE_LIMITS: 'off' } });
  const bob = await server.chat('bob');
  await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const token = await server.login('alice');
  const alice = await openRawClient(t, server.url, { transport: 'poll', token, byHand: true });
  let { cursor } = await poll(alice, {});
  alice.send({ type: 'join', room_name: 'friends' });
  await alice.delivered();
  ({ cursor } = await poll(alice, { cursor }));
  const body = 'x'.repeat(limits.bodyLength);
  const count = 60;
  for (let n = 0; n < count; n += 1) bob.send({ type: 'message', room_name: 'friends', body });
  await bob.next({ code: 'message', id: count });
  const sizes: number[] = [];
  let left = count;
  while (left > 0) {
    const answer = await poll(alice, { cursor, wait: '55' });
    ({ cursor } = answer);
    left -= answer.messages.length;
    sizes.push(JSON.stringify(answer.messages).length);
  }
  t.is(left, 0);
  t.true(Math.max(...sizes) < limits.transportBytes + limits.bodyLength + 1000, String(sizes));
  t.true(sizes.length <= 5, String(sizes));
});

test('a poll that does not come again is gone after its gap; its session ends when its grace is over, and not before', async (t) => {
  const clock = createTestClock();
  const server = await startApp(t, { transport: 'poll', overrides: { clock } });
  const [watcher, alice] = [await server.chat('watcher', { transport: 'websocket' }), await server.chat('alice')];
  for (const client of [watcher, alice]) await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  await alice.settle();
  alice.pause();
  const beats = async (ms: number): Promise<void> => {
    // In steps below the heartbeat of the watcher.
    for (let passed = 0; passed < ms; passed += 20_000) {
      clock.advance(Math.min(20_000, ms - passed));
      await watcher.settle();
    }
  };
  // The poll that waits is answered, and no other comes.
  await beats(25_000);
  await alice.asked;
  await beats(limits.pollGapSeconds * 1000 + 1000);
  await beats(limits.graceSeconds * 1000 - 5000);
  t.false(watcher.frames.some((frame) => frame.code === 'parted'));
  await beats(5000);
  await watcher.next({ code: 'parted', user: 'alice' });
  t.deepEqual((await alice.poll({ cursor: alice.cursor })).body, { type: 'fatal', code: 'session-expired' });
});

test('an answer that nobody reads is given up when the client asks again', async (t) => {
  // The answer has to be more than the sockets on both sides take.
  const server = await startApp(t, { transport: 'poll', env: { MOTD: 'x'.repeat(20_000_000) } });
  const token = await server.login('alice');
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.write(`GET /poll/chat?token=${token} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const head = await new Promise<string>((resolve) => {
    socket.once('data', (data: Buffer) => {
      socket.pause();
      resolve(data.toString());
    });
  });
  const cursor = /"cursor":"([^"]+)"/.exec(head)?.[1];
  t.truthy(cursor);
  const ended = once(socket, 'close');
  socket.on('error', () => {});
  const again = await fetch(`${server.url}/poll/chat?token=${token}&cursor=${cursor}&wait=0`);
  t.is(again.status, 200);
  socket.resume();
  await ended;
  t.true(socket.bytesRead < 20_000_000);
});
