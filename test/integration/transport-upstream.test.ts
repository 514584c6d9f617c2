/** POST and DELETE: what a client without a socket sends, whose session it reaches, and how it is refused. */
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, startApp } from '../support/app.ts';
import { openRawClient } from '../support/raw-client.ts';
import { fetchAnswer, type HttpAnswer } from '../support/raw-http.ts';

const notConnected = { status: 409, body: { type: 'error', code: 'not-connected' } };
const notAuthenticated = { status: 401, body: { type: 'fatal', code: 'not-authenticated' } };
const taken = { status: 202, body: undefined };

/** A request to the door for what clients send. */
function call(
  server: { url: string },
  method: 'POST' | 'DELETE',
  query: Record<string, string>,
  body: unknown = [],
  path = '/sse/chat',
): Promise<HttpAnswer> {
  const address = new URL(`${path}?${new URLSearchParams(query).toString()}`, server.url);
  return fetchAnswer(address, { method, ...(method === 'POST' ? { body: JSON.stringify(body) } : {}) });
}

for (const transport of ['sse', 'poll'] as const) {
  test(`a POST takes one message or up to a hundred, in order, and answers 202 without a body (${transport})`, async (t) => {
    const server = await startApp(t, { transport, env: { RATE_LIMITS: 'off' } });
    const alice = await server.chat('alice');
    t.like(await alice.post([]), taken);
    t.like(await alice.post({ type: 'list', ref: 'one' }), taken);
    await alice.next({ ref: 'one' });
    const hundred = Array.from({ length: limits.batchMessages }, (_, n) => ({ type: 'list', ref: `r${n}` }));
    const before = alice.frames.length;
    t.like(await alice.post(hundred), taken);
    await alice.next({ ref: 'r99' });
    t.deepEqual(
      alice.frames.slice(before).map((frame) => frame.ref),
      hundred.map((message) => message.ref),
    );
  });

  test(`a malformed body is 400 and nothing of it is taken; a malformed element is invalid-format down the line (${transport})`, async (t) => {
    const server = await startApp(t, { transport });
    const alice = await server.chat('alice');
    const before = alice.frames.length;
    const list = { type: 'list' };
    for (const body of [
      '',
      '{',
      '[{"type":"list"},',
      '"list"',
      '7',
      'null',
      'true',
      Array.from({ length: limits.batchMessages + 1 }, () => list),
      '[]x',
      '{"a":"\0"}',
    ]) {
      const { status, body: answer } = await alice.post(body);
      t.is(status, 400, JSON.stringify(body).slice(0, 100));
      t.is(typeof (answer as { detail: unknown }).detail, 'string');
    }
    await alice.settle();
    t.is(alice.frames.length, before);
    t.like(
      await alice.post([1, { ...list, ref: 'a' }, null, [], { type: 7, ref: 'b' }, 'x', { ...list, ref: 'c' }]),
      taken,
    );
    await alice.next({ ref: 'c' });
    t.deepEqual(
      alice.frames.slice(before).map(({ code, ref }) => [code, ref]),
      [
        ['invalid-format', undefined],
        ['list', 'a'],
        ['invalid-format', undefined],
        ['invalid-format', undefined],
        ['invalid-format', 'b'],
        ['invalid-format', undefined],
        ['list', 'c'],
      ],
    );
  });

  test(`a body of 64 KiB is taken, a larger one is 413, and another media type 415 (${transport})`, async (t) => {
    const server = await startApp(t, { transport });
    const alice = await server.chat('alice');
    const message = (padding: string): string => JSON.stringify({ type: 'help', padding });
    const padding = 'x'.repeat(limits.requestBodyBytes - message('').length);
    t.like(await alice.post(message(padding)), taken);
    await alice.next({ code: 'help' });
    t.is((await alice.post(message(`${padding}x`))).status, 413);
    const address = new URL(`/${transport}/chat`, server.url);
    const headers = { authorization: `Token ${await server.login('bob')}`, 'content-type': 'text/plain' };
    await server.chat('bob', { token: headers.authorization.slice(6) });
    t.is((await fetchAnswer(address, { method: 'POST', headers, body: '[]' })).status, 415);
    // What curl calls JSON unless it is told otherwise.
    headers['content-type'] = 'application/x-www-form-urlencoded';
    t.is((await fetchAnswer(address, { method: 'POST', headers, body: '{"type":"list"}' })).status, 415);
  });

  test(`more than any client needs is 429, and nothing of it is taken (${transport})`, async (t) => {
    const clock = createTestClock();
    let instant = clock.now();
    const server = await startApp(t, { transport, overrides: { clock: { ...clock, now: () => instant } } });
    const alice = await server.chat('alice');
    await alice.settle();
    // Polls count too: none comes in the second that is full.
    alice.pause();
    instant += 1000;
    const batch = Array.from({ length: limits.batchMessages }, () => ({ type: 'list', ref: 'flood' }));
    for (let sent = 0; sent < limits.rawFramesPerSecond; sent += batch.length) t.like(await alice.post(batch), taken);
    const { status, body, headers } = await alice.post([{ type: 'list' }]);
    t.is(status, 429);
    t.deepEqual(body, { type: 'error', code: 'rate-limited', details: { retry_after: 1 } });
    t.is(headers['retry-after'], '1');
    instant += 1000;
    alice.unpause();
    await alice.next((frame) => alice.frames.indexOf(frame) === limits.rawFramesPerSecond);
    await alice.settle();
    t.is(alice.frames.length, limits.rawFramesPerSecond + 1);
  });

  test(`DELETE ends the session once its rooms have seen it part; after it there is none (${transport})`, async (t) => {
    const server = await startApp(t, { transport });
    const token = await server.login('alice');
    const [alice, bob] = [await server.chat('alice', { token }), await server.chat('bob')];
    for (const client of [bob, alice]) await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    t.like(await call(server, 'DELETE', { token, session: 'another' }), notConnected);
    t.like(await call(server, 'DELETE', { token: 'x' }), notAuthenticated);
    await alice.ask({ type: 'list' }, { code: 'list' });
    t.like(await call(server, 'DELETE', { token }, undefined, transport === 'sse' ? '/poll/chat/' : '/sse/chat'), {
      status: 204,
      body: undefined,
    });
    await bob.next({ code: 'parted', user: 'alice' });
    await alice.closed;
    t.like(await call(server, 'DELETE', { token }), notConnected);
    t.like(await call(server, 'POST', { token }, { type: 'list' }), notConnected);
    t.is(bob.frames.filter((frame) => frame.code === 'parted').length, 1);
  });
}

test('either door serves any session that can be resumed, a WebSocket with resume=1 too, by query or header', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  for (const transport of ['websocket', 'sse', 'poll'] as const) {
    const alice = await server.chat('alice', { token, transport, resume: true });
    for (const path of ['/sse/chat', '/sse/chat/', '/poll/chat', '/poll/chat/']) {
      t.like(await call(server, 'POST', { token }, { type: 'list', ref: path }, path), taken);
      await alice.next({ ref: path });
    }
    const headers = { authorization: `Token ${token}` };
    const address = new URL('/poll/chat', server.url);
    t.like(await fetchAnswer(address, { method: 'POST', headers, body: '{"type":"help"}' }), taken);
    await alice.next({ code: 'help' });
    await alice.close();
  }
});

test('a POST without a session, with another token, for another session or one that was replaced is refused and takes nothing', async (t) => {
  const server = await startApp(t, { transport: 'sse' });
  const [token, other] = [await server.login('alice'), await server.login('alice')];
  const list = { type: 'list' };
  t.like(await call(server, 'POST', {}, list), notAuthenticated);
  t.like(await call(server, 'POST', { token: 'nonsense' }, list), notAuthenticated);
  t.like(await call(server, 'POST', { token }, list), notConnected);
  const plain = await server.chat('alice', { token, transport: 'websocket' });
  t.like(await call(server, 'POST', { token }, list), notConnected);
  t.like(await call(server, 'DELETE', { token }), notConnected);
  await plain.close();

  const alice = await server.chat('alice', { token });
  const session = alice.session?.session ?? '';
  const bob = await server.chat('bob');
  t.like(await call(server, 'POST', { token: other }, list), notConnected);
  t.like(await call(server, 'POST', { token, session: bob.session?.session ?? '' }, list), notConnected);
  t.like(await call(server, 'POST', { token, session: '' }, list), notConnected);
  await alice.settle();
  t.false(alice.frames.some((frame) => frame.code === 'list'));
  t.like(await call(server, 'POST', { token, session }, list), taken);
  await alice.next({ code: 'list' });

  // Another browser of the user takes its place: neither its token nor its session's name opens anything any more.
  const newer = await server.chat('alice', { token: other, takeover: true });
  t.like(await call(server, 'POST', { token }, list), notConnected);
  t.like(await call(server, 'POST', { token, session }, list), notConnected);
  t.like(await call(server, 'POST', { token: other, session }, list), notConnected);
  await newer.settle();
  t.false(newer.frames.some((frame) => frame.code === 'list'));
  await newer.ask(list, { code: 'list' });
});

test('a session that was resumed with another token takes messages with that one alone', async (t) => {
  const server = await startApp(t, { transport: 'sse' });
  const [token, other] = [await server.login('alice'), await server.login('alice')];
  const first = await server.chat('alice', { token });
  const cursor = first.cursor ?? '';
  first.cut();
  const second = await openRawClient(t, server.url, { transport: 'poll', token: other, cursor, wait: 1 });
  t.like(await call(server, 'POST', { token }, { type: 'list' }), notConnected);
  await second.ask({ type: 'list' }, { code: 'list' });
  // The old token has nothing to do with the session any more.
  t.is((await server.request('POST', '/logout', { token })).status, 204);
  await second.ask({ type: 'help' }, { code: 'help' });
});

test('a POST to a session in its grace takes effect at once, and its answer comes with the resume', async (t) => {
  const server = await startApp(t, { transport: 'sse' });
  const token = await server.login('alice');
  const [alice, bob] = [await server.chat('alice', { token }), await server.chat('bob')];
  for (const client of [bob, alice]) await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const { cursor = '' } = alice;
  alice.cut();
  t.like(await call(server, 'POST', { token }, { type: 'message', room_name: 'friends', body: 'hi', ref: 'r' }), taken);
  await bob.next({ code: 'message', body: 'hi' });
  const again = await openRawClient(t, server.url, { transport: 'sse', token, cursor });
  t.like(await again.take(), { code: 'message', ref: 'r', you: true });
});
