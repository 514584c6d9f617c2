/** What only an event stream has: its headers, ids and comments, refusals over HTTP, and browsers that come back by themselves. */
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, startApp } from '../support/app.ts';
import { openRawClient } from '../support/raw-client.ts';
import { fetchAnswer } from '../support/raw-http.ts';
import { assertEnded, assertRefused } from '../support/transports.ts';

test('a stream has headers that proxies respect, says its session first and numbers what it sends', async (t) => {
  const server = await startApp(t, { transport: 'sse' });
  const alice = await server.chat('alice');
  t.like(alice.headers, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  });
  t.is(alice.stream.retryMs, 2000);
  const { session } = alice;
  t.like(session, { resumed: false, grace: 30 });
  t.is(alice.cursor, `${session?.session}.1`);
  await alice.ask({ type: 'list' }, { code: 'list' });
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  t.is(alice.stream.lastEventId, `${session?.session}.3`);
});

test('a quiet stream has a comment every 15 seconds', async (t) => {
  const clock = createTestClock();
  const server = await startApp(t, { transport: 'sse', overrides: { clock } });
  const alice = await server.chat('alice');
  for (let count = 1; count <= 5; count += 1) {
    clock.advance(14_000);
    await alice.settle();
    t.is(alice.stream.comments.length, count - 1);
    clock.advance(1000);
    await alice.comments(count);
  }
  t.true(alice.stream.comments.every((comment) => comment === ''));
});

test('a refusal before a stream begins is an HTTP status with the fatal as its body', async (t) => {
  const server = await startApp(t, { transport: 'sse', env: { MAX_CONNECTIONS: '1' } });
  const url = new URL('/sse/chat', server.url);
  const refused = await fetchAnswer(url, { method: 'GET' });
  t.is(refused.status, 401);
  t.is(refused.headers['www-authenticate'], 'Token');
  t.deepEqual(refused.body, { type: 'fatal', code: 'not-authenticated' });
  const alice = await server.chat('alice');
  const full = await fetchAnswer(url, { method: 'GET' });
  t.is(full.status, 503);
  t.regex(full.headers['retry-after'] ?? '', /^[1-9]\d*$/);
  t.deepEqual(full.body, { type: 'fatal', code: 'unavailable' });
  await alice.ask({ type: 'list' }, { code: 'list' });
});

test('HEAD and other methods are 405 and open nothing', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  for (const door of ['sse', 'poll']) {
    for (const path of [`/${door}/chat`, `/${door}/chat/`]) {
      const address = new URL(`${path}?token=${token}`, server.url);
      for (const method of ['HEAD', 'PUT', 'PATCH']) {
        const { status, headers } = await fetchAnswer(address, { method });
        t.is(status, 405, `${method} ${path}`);
        t.deepEqual(headers.allow?.split(', ').toSorted(), ['DELETE', 'GET', 'POST']);
      }
      t.is((await fetchAnswer(address, { method: 'DELETE' })).status, 409);
    }
  }
});

test('a stream opened twice: the second is refused; with the cursor it takes the session, and the first is ended', async (t) => {
  const server = await startApp(t, { transport: 'sse' });
  const token = await server.login('alice');
  const first = await server.chat('alice', { token });
  await assertRefused(t, await openRawClient(t, server.url, { transport: 'sse', token }), 'already-chatting');
  await first.ask({ type: 'list' }, { code: 'list' });
  const second = await openRawClient(t, server.url, { transport: 'sse', token, cursor: first.cursor ?? '' });
  await assertEnded(t, first, 'resumed-elsewhere');
  await second.ask({ type: 'list' }, { code: 'list' });
  t.true(second.session?.resumed);
});

for (const how of ['takeover', 'cursor'] as const) {
  test(`a browser whose session was taken over by ${how} comes back by itself, is refused and takes nothing back`, async (t) => {
    const server = await startApp(t, { transport: 'sse' });
    const token = await server.login('alice');
    const first = await server.chat('alice', { token });
    const { cursor } = first;
    if (cursor === undefined) throw new Error('no cursor');
    const taking = how === 'takeover' ? { takeover: true } : { cursor };
    const second = await openRawClient(t, server.url, { transport: 'sse', token, ...taking });
    await assertEnded(t, first, 'resumed-elsewhere');
    t.is(first.stream.lastEventId, 'resumed-elsewhere');
    // The address is the one it was opened with, so that an old cursor may stand in it.
    for (const old of [{}, { cursor }]) {
      const lastEventId = first.stream.lastEventId;
      const again = await openRawClient(t, server.url, { transport: 'sse', token, lastEventId, ...old });
      await assertRefused(t, again, 'resumed-elsewhere');
    }
    await second.ask({ type: 'list' }, { code: 'list' });
  });
}

test('Last-Event-ID wins over the cursor in the address', async (t) => {
  const server = await startApp(t, { transport: 'sse' });
  const token = await server.login('alice');
  const first = await server.chat('alice', { token });
  const early = first.cursor ?? '';
  await first.ask({ type: 'list' }, { code: 'list' });
  const late = first.stream.lastEventId;
  first.cut();
  const second = await openRawClient(t, server.url, { transport: 'sse', token, cursor: early, lastEventId: late });
  await second.settle();
  t.deepEqual(second.frames, []);
  t.true(second.session?.resumed);
});

test('a stream is asked for a sign of life only when it has posted nothing for 45 seconds, and any POST is one', async (t) => {
  const clock = createTestClock();
  const server = await startApp(t, { transport: 'sse', overrides: { clock } });
  const token = await server.login('alice');
  const alice = await server.chat('alice', { token, mute: true });
  const knock = async (): Promise<void> =>
    assertRefused(t, await openRawClient(t, server.url, { transport: 'sse', token }), 'already-chatting');
  clock.advance(limits.aliveMs - 1000);
  await knock();
  t.is((await alice.post([])).status, 202);
  clock.advance(limits.aliveMs - 1000);
  await knock();
  t.false(alice.frames.some((frame) => frame.code === 'ping'));

  clock.advance(2000);
  const knocking = knock();
  await alice.next({ type: 'notification', code: 'ping' });
  // Also one that is refused for its form.
  t.is((await alice.post('{')).status, 400);
  await knocking;
  clock.advance(limits.aliveMs + 1000);
  const opening = openRawClient(t, server.url, { transport: 'sse', token });
  await alice.next({ type: 'notification', code: 'ping' });
  clock.advance(limits.proofMs);
  await (await opening).next({ code: 'api-motd' });
  t.deepEqual(await alice.closed, { status: 200 });
});
