/** Sessions that go on over another connection: by cursor, in any direction between transports; and cursors that are no good. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { createTestClock, startApp, type TestApp } from '../support/app.ts';
import { openRawClient, type RawClient, type RawFrame } from '../support/raw-client.ts';
import { splitCursor, type TransportName, transportNames } from '../support/raw-collector.ts';
import { patienceMs, until } from '../support/services.ts';
import { assertEnded, assertRefused, eachTransport } from '../support/transports.ts';

const join = { type: 'join', room_name: 'friends' };

function cursorOf(client: RawClient): string {
  if (client.cursor === undefined) throw new Error('This session cannot be resumed.');
  return client.cursor;
}

/** Ids of the messages and names of the commands, as they came. */
function story(frames: readonly RawFrame[]): (number | string)[] {
  return frames.flatMap<number | string>((frame) => {
    if (frame.code === 'message') return [frame.id ?? 0];
    return frame.code === 'custom' ? [String(frame.command)] : [];
  });
}

for (const from of transportNames) {
  for (const to of transportNames) {
    test(`a session goes on from ${from} to ${to} and back, exactly where its client was, and its room sees nothing of it`, async (t) => {
      const server = await startApp(t);
      const token = await server.login('alice');
      const bob = await server.chat('bob');
      await bob.ask(join, { code: 'joined' });
      const say = async (...bodies: string[]): Promise<void> => {
        for (const body of bodies) {
          await bob.ask({ type: 'message', room_name: 'friends', body }, { code: 'message', body });
          await bob.ask({ type: 'custom', room_name: 'friends', command: body, payload: 'p' }, { code: 'custom' });
        }
      };
      const first = await server.chat('alice', { token, transport: from, resume: true });
      await first.ask(join, { code: 'joined' });
      await say('a');
      await first.next({ code: 'custom' });
      first.cut();
      await say('b', 'c');
      const options = { token, resume: true } as const;
      const second = await openRawClient(t, server.url, { ...options, transport: to, cursor: cursorOf(first) });
      await say('d');
      await second.next({ code: 'custom', command: 'd' });
      // The second is alive this time, and hears that it is over.
      const third = await openRawClient(t, server.url, { ...options, transport: from, cursor: cursorOf(second) });
      await assertEnded(t, second, 'resumed-elsewhere');
      third.send({ type: 'message', room_name: 'friends', body: 'mine', ref: 'r' });
      await third.next({ code: 'message', ref: 'r' });
      for (const client of [second, third]) if (client.transport !== 'poll') t.true(client.session?.resumed);
      t.deepEqual(story([...first.frames, ...second.frames, ...third.frames]), [1, 'a', 2, 'b', 3, 'c', 4, 'd', 5]);
      await bob.next({ code: 'message', body: 'mine' });
      const seen = bob.frames.filter(({ user, code }) => user === 'alice' && code !== 'message');
      t.deepEqual(
        seen.map(({ code }) => code),
        ['joined'],
      );
    });
  }
}

/** That connection is refused as one that brought no cursor, and the attached one notices nothing. */
async function assertNotResumed(
  t: ExecutionContext,
  { server, attached, token }: { server: Pick<TestApp, 'url'>; attached: RawClient; token: string },
  transport: TransportName,
  cursor: string,
): Promise<void> {
  const before = attached.frames.length;
  const client = await openRawClient(t, server.url, { transport, token, resume: true, cursor });
  if (transport === 'poll') {
    const body = { type: 'fatal', code: 'session-expired' };
    t.deepEqual(await client.closed, { status: 410, body }, cursor);
  } else await assertRefused(t, client, 'already-chatting');
  await attached.settle();
  t.is(attached.frames.length, before);
}

for (const attachedBy of transportNames) {
  eachTransport(
    test,
    `a cursor that is forged, another user’s, from the future, of a dead session or below one that was presented resumes nothing and disturbs nothing on ${attachedBy}`,
    async (t, transport) => {
      const server = await startApp(t, { env: { RATE_LIMITS: 'off' } });
      const token = await server.login('alice');
      const dead = await server.chat('alice', { token, transport: attachedBy, resume: true });
      await dead.close();
      const bob = await server.chat('bob', { transport: 'sse' });
      const first = await server.chat('alice', { token, transport: attachedBy, resume: true });
      for (let n = 0; n < 5; n += 1) await first.ask({ type: 'list' }, { code: 'list' });
      const [session, n] = splitCursor(cursorOf(first));
      first.cut();
      // A poll has shown by its next one that it has everything; the others may be cut before.
      const cursor = `${session}.${attachedBy === 'poll' ? n : n - 2}`;
      const options = { transport: attachedBy, token, resume: true, cursor } as const;
      const attached = await openRawClient(t, server.url, options);
      await attached.settle();
      const bad = [
        cursorOf(dead),
        cursorOf(bob),
        `${splitCursor(cursorOf(bob))[0]}.${n - 2}`,
        `${'A'.repeat(22)}.1`,
        `${session.slice(0, -1)}.${n - 1}`,
        `${session}.${n + 100}`,
        `${session}.${n - 3}`,
        `${session}.0`,
        `${session}.-1`,
        `${session}.0${n}`,
        `${session}.${n}.0`,
        `${session}.${n}e0`,
        `${session}.99999999999999999999`,
        `${session}.`,
        `.${n}`,
        session,
        'x'.repeat(600),
        '__proto__.1',
        'ünï.1',
      ];
      for (const one of bad) await assertNotResumed(t, { server, attached, token }, transport, one);
      await attached.ask({ type: 'help' }, { code: 'help' });
    },
  );
}

eachTransport(
  test,
  'a cursor of another user’s session is worth nothing even when that one is detached',
  async (t, transport) => {
    const server = await startApp(t);
    const [alice, bob] = [await server.login('alice'), await server.login('bob')];
    const first = await server.chat('alice', { token: alice, transport: 'sse' });
    first.cut();
    const thief = await openRawClient(t, server.url, { transport, token: bob, resume: true, cursor: cursorOf(first) });
    if (transport === 'poll') t.is((await thief.closed).status, 410);
    else t.like(thief.session ?? (await thief.next({ code: 'api-motd' }), thief.session), { resumed: false });
    const again = await openRawClient(t, server.url, { transport: 'sse', token: alice, cursor: cursorOf(first) });
    await again.settle();
    t.true(again.session?.resumed);
  },
);

eachTransport(
  test,
  'a cursor older than the outbox begins a new session, and the room sees one parting',
  async (t, transport) => {
    const server = await startApp(t, { env: { SESSION_OUTBOX: '327680', RATE_LIMITS: 'off' } });
    const token = await server.login('alice');
    const bob = await server.chat('bob');
    const alice = await server.chat('alice', { token, transport: 'sse' });
    for (const client of [bob, alice]) await client.ask(join, { code: 'joined' });
    const old = cursorOf(alice);
    for (let n = 0; n < 100; n += 1) alice.send({ type: 'message', room_name: 'friends', body: 'x'.repeat(4000) });
    await alice.next({ code: 'message', id: 100 });
    const recent = cursorOf(alice);
    alice.cut();
    const refused = await openRawClient(t, server.url, { transport: 'poll', token, cursor: old });
    t.is((await refused.closed).status, 410);
    if (transport === 'poll') {
      const again = await openRawClient(t, server.url, { transport, token, cursor: recent });
      await again.ask({ type: 'list' }, { code: 'list' });
      return;
    }
    // A detached session keeps nobody out.
    const newer = await openRawClient(t, server.url, { transport, token, resume: true, cursor: old });
    await newer.next({ code: 'api-motd' });
    t.false(newer.session?.resumed);
    await bob.next({ code: 'parted', user: 'alice' });
    await newer.ask(join, { code: 'joined' });
    t.is(bob.frames.filter((frame) => frame.code === 'parted').length, 1);
  },
);

eachTransport(
  test,
  'a detached session never keeps its user out: a newcomer without its cursor replaces it',
  async (t, transport) => {
    const clock = createTestClock();
    const server = await startApp(t, { overrides: { clock } });
    const token = await server.login('alice');
    const bob = await server.chat('bob');
    const alice = await server.chat('alice', { token, transport: 'sse' });
    for (const client of [bob, alice]) await client.ask(join, { code: 'joined' });
    alice.cut();
    // The server has to notice the cut before: it refuses while the stream counts as alive.
    const newer = await until(patienceMs, async () => {
      const client = await openRawClient(t, server.url, { transport, token, resume: true });
      const frame = await client.take();
      if (frame.code !== 'api-motd') throw new Error(`refused: ${frame.code}`);
      return client;
    });
    await bob.next({ code: 'parted', user: 'alice' });
    await newer.ask(join, { code: 'joined' });
    await bob.next({ code: 'joined', user: 'alice' });
    // The grace of the one that was replaced is over without any more ado.
    clock.advance(20_000);
    await bob.settle();
    clock.advance(20_000);
    await bob.settle();
    t.is(bob.frames.filter((frame) => frame.code === 'parted').length, 1);
  },
);

test('what was sent and not answered before a cut is sent again with its ref, and stored and relayed once', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const bob = await server.chat('bob');
  const alice = await server.chat('alice', { token, transport: 'websocket', resume: true });
  for (const client of [bob, alice]) await client.ask(join, { code: 'joined' });
  const sent = [
    { type: 'message', room_name: 'friends', body: 'once', ref: 'm' },
    { type: 'custom', room_name: 'friends', command: 'c', payload: 'p', ref: 'c' },
  ];
  const cursor = cursorOf(alice);
  for (const message of sent) alice.send(message);
  await bob.next({ code: 'custom' });
  alice.cut();
  const again = await openRawClient(t, server.url, { transport: 'poll', token, cursor });
  for (const message of sent) again.send(message);
  await again.ask({ type: 'list', ref: 'end' }, { ref: 'end' });
  t.deepEqual(
    again.frames.map(({ code, repeat }) => (repeat === true ? 'repeat' : code)),
    ['message', 'custom', 'repeat', 'list'],
  );
  await bob.settle();
  t.deepEqual(story(bob.frames), [1, 'c']);
});

test('a WebSocket that closes with a code of its own may come back; one that says goodbye is gone', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  for (const [code, resumed] of [
    [3000, true],
    [4999, true],
    [1000, false],
    [undefined, false],
  ] as const) {
    const alice = await server.chat('alice', { token, resume: true });
    alice.socket.close(code);
    await alice.closed;
    const again = await openRawClient(t, server.url, { token, resume: true, cursor: cursorOf(alice) });
    await again.settle();
    t.is(again.session?.resumed, resumed, String(code));
    await again.close();
  }
});

test('SESSION_GRACE=0 ends a session with its connection', async (t) => {
  const server = await startApp(t, { env: { SESSION_GRACE: '0' } });
  const bob = await server.chat('bob');
  const alice = await server.chat('alice', { transport: 'sse' });
  for (const client of [bob, alice]) await client.ask(join, { code: 'joined' });
  t.is(alice.session?.grace, 0);
  alice.cut();
  await bob.next({ code: 'parted', user: 'alice' });
});
