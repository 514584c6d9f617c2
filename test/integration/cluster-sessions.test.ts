/** One session per user on several nodes, and what ends a session from another node than its own. */
import test, { type ExecutionContext } from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { createStoppedClock } from '../support/app.ts';
import { clusterTest, createAdministrator, messagesOf, type TestCluster, waitUntil } from '../support/cluster-apps.ts';
import { openRawClient, type RawClient } from '../support/raw-client.ts';
import { type TransportName, transportNames } from '../support/raw-collector.ts';
import { assertEnded, assertLoggedOut, assertRefused } from '../support/transports.ts';

const room_name = 'friends';
const join = { type: 'join', room_name };

/** A member of another node, who sees what becomes of alice. */
async function watch(cluster: TestCluster): Promise<RawClient> {
  const watcher = await cluster.node(1).chat('watcher');
  await watcher.ask(join, { code: 'joined', you: true });
  return watcher;
}

/** What the watcher saw of alice, once this is the last of it. */
async function seen(watcher: RawClient, last: 'joined' | 'parted'): Promise<(string | undefined)[]> {
  await watcher.next({ code: last, user: 'alice' });
  await watcher.settle();
  return watcher.frames.filter(({ user, code }) => user === 'alice' && code !== 'message').map(({ code }) => code);
}

function eachTransport(
  title: string,
  body: (t: ExecutionContext, cluster: TestCluster, transport: TransportName) => Promise<void>,
): void {
  for (const transport of transportNames) {
    clusterTest(test, `${title} (${transport})`, (t, cluster) => body(t, cluster, transport));
  }
}

eachTransport(
  'a second connection on another node is refused, and the first notices nothing',
  async (t, cluster, transport) => {
    const token = await cluster.node(0).login('alice');
    const first = await cluster.node(0).chat('alice', { token, transport });
    const before = first.frames.length;
    await assertRefused(t, await openRawClient(t, cluster.node(1).url, { transport, token }), 'already-chatting');
    await first.settle();
    t.is(first.frames.length, before);
    await first.close();
    // The claim is free a moment after the session.
    await waitUntil(async () => {
      const again = await openRawClient(t, cluster.node(1).url, { transport, token });
      return (await again.take()).code === 'api-motd';
    }, 'the user is free');
  },
);

eachTransport('takeover=1 ends the session on another node', async (t, cluster, transport) => {
  const watcher = await watch(cluster);
  const token = await cluster.node(0).login('alice');
  const first = await cluster.node(0).chat('alice', { token, transport });
  await first.ask(join, { code: 'joined', you: true });
  const second = await cluster.node(1).chat('alice', { token, transport, takeover: true });
  await assertEnded(t, first, 'resumed-elsewhere');
  await second.ask(join, { code: 'joined', you: true });
  await watcher.next({ code: 'parted', user: 'alice' });
  t.deepEqual(await seen(watcher, 'joined'), ['joined', 'parted', 'joined']);
});

for (const transport of ['websocket', 'poll'] as const) {
  clusterTest(
    test,
    `a half-dead connection on another node gives way after the time for its proof (${transport})`,
    async (t, cluster) => {
      const watcher = await watch(cluster);
      const token = await cluster.node(0).login('alice');
      const dead = await cluster.node(0).chat('alice', { token, transport, mute: true });
      await dead.ask(join, { code: 'joined', you: true });
      const newcomer = await cluster.node(1).chat('alice', { token, transport });
      await newcomer.ask(join, { code: 'joined', you: true });
      await watcher.next({ code: 'parted', user: 'alice' });
      t.deepEqual(await seen(watcher, 'joined'), ['joined', 'parted', 'joined']);
    },
  );
}

eachTransport('a session in its grace gives way to one on another node at once', async (t, cluster, transport) => {
  const watcher = await watch(cluster);
  const token = await cluster.node(0).login('alice');
  const first = await cluster.node(0).chat('alice', { token, transport, resume: true });
  await first.ask(join, { code: 'joined', you: true });
  await first.settle();
  first.cut();
  const second = await cluster.node(1).chat('alice', { token, transport, takeover: transport === 'poll' });
  await second.ask(join, { code: 'joined', you: true });
  await watcher.next({ code: 'parted', user: 'alice' });
  t.deepEqual(await seen(watcher, 'joined'), ['joined', 'parted', 'joined']);
});

eachTransport('of connections on all nodes at once exactly one gets in, each time', async (t, cluster, transport) => {
  const token = await cluster.node(0).login('alice');
  for (let round = 0; round < 8; round++) {
    const opening = Array.from({ length: 6 }, (_, n) => openRawClient(t, cluster.node(n).url, { transport, token }));
    const clients = await Promise.all(opening);
    const firsts = await Promise.all(clients.map((client) => client.take()));
    const codes = firsts.map(({ code = '' }) => code).toSorted();
    t.deepEqual(codes, [...Array.from({ length: 5 }, () => 'already-chatting'), 'api-motd'], `round ${round}`);
    await clients[firsts.findIndex(({ code }) => code === 'api-motd')]?.close();
    // The claim is free a moment after the session: who is too early is refused, and one that got in leaves again.
    await waitUntil(async () => {
      const early = await openRawClient(t, cluster.node(round).url, { transport, token });
      if ((await early.take()).code !== 'api-motd') return false;
      await early.close();
      return true;
    }, 'the user is free');
  }
});

eachTransport(
  'logging out at another node ends the session within a second, and no other',
  async (t, cluster, transport) => {
    const watcher = await watch(cluster);
    const [chatting, other] = [await cluster.node(0).login('alice'), await cluster.node(1).login('alice')];
    const alice = await cluster.node(0).chat('alice', { token: chatting, transport });
    await alice.ask(join, { code: 'joined', you: true });
    t.is((await cluster.node(1).request('POST', '/logout', { token: other })).status, 204);
    await alice.settle();
    t.is((await cluster.node(1).request('POST', '/logout', { token: chatting })).status, 204);
    await assertLoggedOut(t, alice);
    t.deepEqual(await seen(watcher, 'parted'), ['joined', 'parted']);
    for (const node of cluster.nodes) t.is((await node.request('GET', '/profile', { token: chatting })).status, 401);
  },
);

clusterTest(test, 'an administrator’s acts at one node take effect on all', async (t, cluster) => {
  const act = await createAdministrator(cluster.node(1));
  const watcher = await watch(cluster);
  const token = await cluster.node(0).login('alice');
  const enter = async (): Promise<RawClient> => {
    const client = await cluster.node(0).chat('alice', { token });
    await client.ask(join, { code: 'joined', you: true });
    return client;
  };
  const say = { type: 'message', room_name, body: 'hello' };
  let alice = await enter();
  await act('PUT', '/users/alice/mute', { minutes: 5 });
  await waitUntil(async () => {
    alice.send({ ...say, ref: 'r' });
    return (await alice.next({ ref: 'r' })).code === 'room:muted';
  }, 'alice is muted');
  await act('DELETE', '/users/alice/mute');
  await waitUntil(async () => {
    alice.send({ ...say, ref: 'again' });
    return (await alice.next({ ref: 'again' })).code === 'message';
  }, 'alice is heard again');
  await watcher.next({ code: 'message', user: 'alice' });
  const { id = 0 } = messagesOf(watcher.frames, room_name).at(-1) ?? {};
  await act('DELETE', `/rooms/${room_name}/messages/${id}`);
  for (const client of [alice, watcher]) t.like(await client.next({ code: 'deleted' }), { room_name, id });
  await act('POST', '/users/alice/kick');
  await assertEnded(t, alice, 'kicked');
  await watcher.next({ code: 'parted', user: 'alice' });
  await watcher.settle();
  alice = await enter();
  await act('PUT', '/users/alice/ban', { minutes: 5 });
  await assertEnded(t, alice, 'kicked');
  for (const node of cluster.nodes) {
    await assertRefused(t, await openRawClient(t, node.url, { token }), 'not-authenticated');
  }
  await act('DELETE', '/users/alice/ban');
  for (const node of cluster.nodes) {
    await waitUntil(async () => (await node.request('GET', '/profile', { token })).status === 200, 'alice may come in');
  }
  await enter();
  const shown = (): (string | undefined)[] =>
    watcher.frames.filter(({ user, code }) => user === 'alice' && code !== 'message').map(({ code }) => code);
  await waitUntil(() => shown().length === 5, 'all is seen');
  t.deepEqual(shown(), ['joined', 'parted', 'joined', 'parted', 'joined']);
});

clusterTest(test, 'rooms made, renamed and deleted at one node are so on all', async (t, cluster) => {
  const act = await createAdministrator(cluster.node(1));
  const [alice, bob] = [await cluster.node(0).chat('alice'), await cluster.node(1).chat('bob')];
  await act('POST', '/rooms', { name: 'workshop', topic: 'made there' });
  for (const client of [alice, bob])
    await client.ask({ type: 'join', room_name: 'workshop' }, { code: 'joined', you: true });
  await alice.ask({ type: 'message', room_name: 'workshop', body: 'kept' }, { code: 'message' });
  await bob.next({ code: 'message', body: 'kept' });
  await act('PATCH', '/rooms/workshop', { name: 'studio', topic: '' });
  for (const client of [alice, bob]) {
    t.like(await client.next({ code: 'parted' }), { you: true, room_name: 'workshop' });
    await client.ask({ type: 'join', room_name: 'workshop' }, { code: 'room:invalid' });
    const { status } = await client.ask({ type: 'join', room_name: 'studio' }, { code: 'joined', you: true });
    t.deepEqual(
      status?.messages.map(({ body }) => body),
      ['kept'],
    );
  }
  await bob.ask({ type: 'message', room_name: 'studio', body: 'still one room' }, { code: 'message' });
  t.like(await alice.next({ code: 'message', room_name: 'studio' }), { id: 2, body: 'still one room' });
  await act('DELETE', '/rooms/studio');
  for (const client of [alice, bob]) {
    t.like(await client.next({ code: 'parted', room_name: 'studio' }), { you: true });
    await client.ask({ type: 'message', room_name: 'studio', body: 'x' }, { code: 'room:not-joined' });
    await client.settle();
    const parted = client.frames.filter(({ code }) => code === 'parted');
    t.deepEqual(
      parted.map(({ you, room_name }) => [you, room_name]),
      [
        [true, 'workshop'],
        [true, 'studio'],
      ],
    );
  }
});

clusterTest(
  test,
  'what a user has sent counts for the next session too, on whatever node that is',
  async (t, cluster) => {
    const token = await cluster.node(0).login('alice');
    const first = await cluster.node(0).chat('alice', { token });
    for (let n = 0; n < limits.messageBurst; n += 1) first.send({ type: 'help', ref: `first-${n}` });
    await first.next({ ref: `first-${limits.messageBurst - 1}` });
    await first.close();
    const second = await cluster.node(1).chat('alice', { token, takeover: true });
    const half = limits.messageBurst / 2;
    for (let n = 0; n < half; n += 1) second.send({ type: 'help', ref: `second-${n}` });
    await second.next({ ref: `second-${half - 1}` });
    t.true(second.frames.some(({ code }) => code === 'rate-limited'));
  },
  { env: { RATE_LIMITS: 'on' }, clock: createStoppedClock() },
);
