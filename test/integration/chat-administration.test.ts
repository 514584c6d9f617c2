/** What administrators do to messages and users, as the chat's clients see it, on every transport. */
import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { Storage } from '../../src/core/ports.ts';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, startApp, type TestApp, temporaryFolder } from '../support/app.ts';
import { openRawClient, type RawClient } from '../support/raw-client.ts';
import { assertEnded, assertRefused, eachTransport, eachTransportAndDatabase } from '../support/transports.ts';

const join = { type: 'join', room_name: 'friends' };
const say = (body: string, ref?: string): object => ({
  type: 'message',
  room_name: 'friends',
  body,
  ...(ref === undefined ? {} : { ref }),
});
const command = { type: 'custom', room_name: 'friends', command: 'stock', payload: 'x' };

async function idOf(storage: Storage, username: string): Promise<number> {
  return (await storage.users.findByName(username))?.id ?? 0;
}

async function roomIdOf(storage: Storage, name: string): Promise<number> {
  return (await storage.rooms.findByName(name))?.id ?? 0;
}

/** A name that is not known is looked for in the store: after its answer, all changes so far have taken effect. */
async function catchUp(client: RawClient): Promise<void> {
  await client.ask({ type: 'join', room_name: 'no-such-room' }, { code: 'room:invalid' });
}

function deletions(client: RawClient): unknown[] {
  return client.frames.filter(({ code }) => code === 'deleted').map(({ room_name, id }) => [room_name, id]);
}

async function enter(server: TestApp<RawClient['transport']>, name: string, room_name = 'friends'): Promise<RawClient> {
  const client: RawClient = await server.chat(name);
  await client.ask({ type: 'join', room_name }, { code: 'joined' });
  return client;
}

eachTransportAndDatabase(
  test,
  'a deleted message is told to its room once, and is in no join, page or catch-up',
  async (t, db, transport) => {
    const server = await startApp(t, { transport, databaseUrl: db.url });
    const [alice, bob, carol] = [
      await enter(server, 'alice'),
      await enter(server, 'bob'),
      await enter(server, 'carol', 'family'),
    ];
    for (const body of ['one', 'two', 'three']) await alice.ask(say(body, body), { code: 'message', body });
    const storage = await server.elsewhere();
    const friends = await roomIdOf(storage, 'friends');
    t.true(await storage.messages.delete(friends, 2));
    t.false(await storage.messages.delete(friends, 2));
    for (const client of [alice, bob]) {
      await client.next({ code: 'deleted' });
      await catchUp(client);
      t.deepEqual(deletions(client), [['friends', 2]]);
    }
    await carol.settle();
    t.deepEqual(deletions(carol), []);

    const page = await bob.ask({ type: 'history', room_name: 'friends' }, { code: 'history' });
    t.deepEqual(
      page.messages?.map(({ id }) => id),
      [3, 1],
    );
    const fresh = await carol.ask(join, { code: 'joined' });
    t.deepEqual(
      fresh.status?.messages.map(({ id }) => id),
      [3, 1],
    );
    t.is(fresh.status?.last_id, 3);
    await carol.ask({ type: 'part', room_name: 'friends' }, { code: 'parted' });
    const since = await carol.ask({ ...join, since: 1 }, { code: 'joined' });
    t.deepEqual(
      since.status?.messages.map(({ id }) => id),
      [3],
    );
    t.is(since.status?.truncated, undefined);
    const token = await server.login('carol');
    const rest = await server.request('GET', '/rooms/friends/messages', { token });
    t.deepEqual(
      (rest.body as { messages: { id: number }[] }).messages.map(({ id }) => id),
      [3, 1],
    );

    // Sent again with its ref, it is still known, and comes to nobody's eyes.
    const again = await alice.ask(say('two', 'two'), { code: 'message', ref: 'two' });
    t.like(again, { id: 2, repeat: true });
    t.like(await alice.take(), { code: 'deleted', id: 2 });
    await alice.ask(say('four'), { code: 'message', body: 'four' });
    await bob.next({ code: 'message', id: 4 });
    t.is(bob.frames.filter(({ code, id }) => code === 'message' && id === 2).length, 1);
  },
);

test('however long the last messages are, whoever joins after a deletion gets as many as before', async (t) => {
  const server = await startApp(t);
  const storage = await server.elsewhere();
  const friends = await roomIdOf(storage, 'friends');
  await server.login('alice');
  const userId = await idOf(storage, 'alice');
  // The longest there are by default, of characters that take the most bytes.
  const long = Array.from({ length: limits.joinMessages + 1 }, (_, n) => ({
    roomId: friends,
    userId,
    body: '€'.repeat(limits.bodyLength),
    ref: `${n}`,
    createdAt: n,
  }));
  await storage.messages.append(long);
  await enter(server, 'alice');
  t.true(await storage.messages.delete(friends, 30));
  const bob = await server.chat('bob');
  await catchUp(bob);
  const { status } = await bob.ask(join, { code: 'joined' });
  t.is(status?.messages.length, limits.joinMessages);
});

eachTransport(
  test,
  'a session that waited is told of the message and of its deletion, in order',
  async (t, transport) => {
    const server = await startApp(t, { transport });
    const alice = await enter(server, 'alice');
    const token = await server.login('bob');
    const bob = await server.chat('bob', { token, transport, resume: true });
    await bob.ask(join, { code: 'joined' });
    await bob.settle();
    bob.cut();
    await alice.ask(say('one'), { code: 'message', id: 1 });
    const storage = await server.elsewhere();
    await storage.messages.delete(await roomIdOf(storage, 'friends'), 1);
    await alice.next({ code: 'deleted' });
    const back = await openRawClient(t, server.url, { token, transport, resume: true, cursor: bob.cursor ?? '' });
    await back.next({ code: 'message', id: 1 });
    await back.next({ code: 'deleted', id: 1 });
    t.is(deletions(back).length, 1);
  },
);

eachTransport(
  test,
  'a muted user hears and is not heard, in any room, until its time is over',
  async (t, transport) => {
    let now = Date.now();
    const server = await startApp(t, { transport, overrides: { clock: { ...systemClock, now: () => now } } });
    const [alice, bob] = [await enter(server, 'alice'), await enter(server, 'bob')];
    const storage = await server.elsewhere();
    const until = now + 6_000;
    await storage.users.mute(await idOf(storage, 'alice'), until);
    await catchUp(alice);
    const stamp = new Date(Math.ceil(until / 1000) * 1000).toISOString().slice(0, 19).replace('T', ' ');
    for (const frame of [say('x', 'r1'), { ...command, ref: 'r1' }, say('', 'r1'), say('x'.repeat(5_000), 'r1')]) {
      const { details } = await alice.ask(frame, { type: 'error', code: 'room:muted', ref: 'r1' });
      t.deepEqual(details, { name: 'friends', until: stamp });
    }
    const elsewhere = { ...say('x'), room_name: 'family' };
    await alice.ask(elsewhere, { code: 'room:not-joined' });
    await alice.ask({ ...join, room_name: 'family' }, { code: 'joined' });
    await alice.ask(elsewhere, { code: 'room:muted', details: { name: 'family', until: stamp } });
    await alice.ask({ type: 'history', room_name: 'friends' }, { code: 'history' });
    await bob.ask(say('hello'), { code: 'message', id: 1 });
    await alice.next({ code: 'message', body: 'hello' });

    now += 7_000;
    await alice.ask(say('back'), { code: 'message', id: 2 });
    await alice.ask(command, { code: 'custom' });
    await bob.next({ code: 'custom' });
    t.deepEqual(
      bob.frames.filter(({ user, code }) => user === 'alice' && code !== 'joined').map(({ code }) => code),
      ['message', 'custom'],
    );
  },
);

eachTransport(test, 'a mute outlives a restart, and an administrator ends it', async (t, transport) => {
  const databaseUrl = `sqlite://${await temporaryFolder(t)}/finchat.sqlite`;
  const first = await startApp(t, { transport, databaseUrl });
  await first.login('alice');
  await first.login('bob');
  const before = await first.elsewhere();
  await before.users.mute(await idOf(before, 'alice'), Date.now() + 3_600_000);
  await before.users.mute(await idOf(before, 'bob'), Date.now() - 1);
  await before.close();
  await first.app.close();

  const second = await startApp(t, { transport, databaseUrl });
  const [alice, bob] = [await enter(second, 'alice'), await enter(second, 'bob')];
  await alice.ask(say('x'), { code: 'room:muted' });
  await bob.ask(say('x'), { code: 'message' });
  const storage = await second.elsewhere();
  await storage.users.mute(await idOf(storage, 'alice'), null);
  await catchUp(alice);
  await alice.ask(say('y'), { code: 'message', you: true });
  t.pass();
});

eachTransport(test, 'a kicked user is out at once, and may come straight back', async (t, transport) => {
  const server = await startApp(t, { transport });
  const token = await server.login('alice');
  const alice = await server.chat('alice', { token });
  await alice.ask(join, { code: 'joined' });
  const bob = await enter(server, 'bob');
  await alice.settle();
  const storage = await server.elsewhere();
  await storage.users.kick(await idOf(storage, 'alice'));
  await assertEnded(t, alice, 'kicked');
  await bob.next({ code: 'parted', user: 'alice' });
  const again = await server.chat('alice', { token });
  await again.ask(join, { code: 'joined' });
  await bob.next({ code: 'joined', user: 'alice' });
  await again.ask(say('I am back'), { code: 'message' });
});

eachTransport(test, 'a user who was cut off when it was kicked hears so on coming back', async (t, transport) => {
  const server = await startApp(t, { transport });
  const token = await server.login('alice');
  const alice = await server.chat('alice', { token, transport, resume: true });
  await alice.ask(join, { code: 'joined' });
  const bob = await enter(server, 'bob');
  await alice.settle();
  alice.cut();
  const storage = await server.elsewhere();
  await storage.users.kick(await idOf(storage, 'alice'));
  await bob.next({ code: 'parted', user: 'alice' });
  const options = { token, transport, resume: true };
  const back = await openRawClient(t, server.url, { ...options, cursor: alice.cursor ?? '' });
  await assertRefused(t, back, 'kicked');
  await (await server.chat('alice', options)).ask(join, { code: 'joined' });
});

eachTransport(
  test,
  'a banned user is out and cannot come back, by token or password, before its time is over',
  async (t, transport) => {
    const clock = createTestClock();
    const server = await startApp(t, { transport, overrides: { clock } });
    const token = await server.login('alice');
    const alice = await server.chat('alice', { token });
    await alice.ask(join, { code: 'joined' });
    const bob = await enter(server, 'bob');
    await alice.settle();
    const storage = await server.elsewhere();
    await storage.users.ban(await idOf(storage, 'alice'), { until: clock.now() + 60_000, reason: 'spam' });
    await assertEnded(t, alice, 'kicked');
    await bob.next({ code: 'parted', user: 'alice' });
    await assertRefused(t, await openRawClient(t, server.url, { token, transport }), 'not-authenticated');
    t.is((await server.request('GET', '/profile', { token })).status, 401);
    await t.throwsAsync(server.login('alice'), { message: /could not be registered/ });

    clock.advance(61_000);
    t.is((await server.request('GET', '/profile', { token })).status, 200);
    await server.login('alice');
    const again = await server.chat('alice', { token });
    await again.ask(join, { code: 'joined' });
  },
);
