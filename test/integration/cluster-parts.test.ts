/** A node put together (src/cluster/cluster.ts) with its chat, on SQLite and the bus in memory: what being marked dead means. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { createMemoryBus, type MemoryHub } from '../../src/bus/memory-bus.ts';
import { type Cluster, openCluster } from '../../src/cluster/cluster.ts';
import { createPeers } from '../../src/cluster/peers.ts';
import { createAccounts } from '../../src/core/accounts.ts';
import { type Chat, openChat } from '../../src/core/chat.ts';
import { randomText } from '../../src/core/clock.ts';
import type { NodeStore } from '../../src/core/cluster-ports.ts';
import { createPasswords } from '../../src/core/passwords.ts';
import { type Storage, StoreError } from '../../src/core/ports.ts';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, type TestClock } from '../support/app.ts';
import { waitUntil } from '../support/bus-world.ts';
import { createSqliteDatabase } from '../support/databases.ts';
import { createNodeClient, type NodeClient } from '../support/node-client.ts';
import { patienceMs, until } from '../support/services.ts';

/** Nobody's lease ends by itself in a test. */
const leaseMs = 3_600_000;

type Node = {
  cluster: Cluster;
  chat: Chat;
  said: string[];
  /** Nobody can register. */
  isStoreAway: boolean;
};
type World = {
  hub: MemoryHub;
  clock: TestClock;
  storage: Storage;
  nodes: Node[];
  client: (name: string) => Promise<NodeClient>;
  /** Lets time pass until it holds. */
  untilSo: (what: string, isSo: () => boolean) => Promise<void>;
};

async function openWorld(t: ExecutionContext, count: number): Promise<World> {
  const hub = createMemoryBus();
  const clock = createTestClock();
  const storage = await (await createSqliteDatabase(t)).open({ clock });
  await storage.rooms.create({ name: 'friends', topic: '', createdAt: 0 });
  const { users, tokens } = storage;
  const passwords = createPasswords({ rounds: 4, concurrency: 1, maxQueued: 1 });
  const accounts = createAccounts({ users, tokens, passwords, clock, random: randomText, tokenTtlMs: leaseMs });
  const nodes: Node[] = [];
  for (let n = 0; n < count; n += 1) {
    const said: string[] = [];
    const say = (_: object, sentence: string): void => void said.push(sentence);
    const log = { info() {}, warn: say, error: say };
    const state = { said, isStoreAway: false };
    const register: NodeStore['register'] = (id, ms) =>
      state.isStoreAway ? Promise.reject(new StoreError('unavailable', 'It is away.')) : storage.nodes.register(id, ms);
    const own = { ...storage, nodes: { ...storage.nodes, register } };
    const cluster = await openCluster({ storage: own, bus: hub.attach(), clock, random: randomText, leaseMs, log });
    const settings = {
      motd: '',
      messageMaxLength: limits.bodyLength,
      rateLimits: false,
      sessionGrace: limits.graceSeconds,
      sessionOutbox: limits.outboxBytes,
      pollGap: limits.pollGapSeconds,
    };
    const { links } = cluster;
    const chat = await openChat({
      storage,
      accounts,
      clock,
      random: randomText,
      chance: () => 0,
      log,
      settings,
      links,
    });
    await cluster.serve(chat);
    t.teardown(async () => {
      await chat.close(0);
      await cluster.close();
    });
    nodes.push(Object.assign(state, { cluster, chat }));
  }
  return {
    hub,
    clock,
    storage,
    nodes,
    async client(username) {
      const user = await users.create({ username, email: '', passwordHash: '', isSuperuser: false, createdAt: 0 });
      return createNodeClient(username, (await accounts.createToken(user.id, 'test', null)).token);
    },
    async untilSo(what, isSo) {
      await until(patienceMs, async () => {
        clock.advance(100);
        await delay(1);
        if (!isSo()) throw new Error(`It does not hold: ${what}`);
      });
    },
  };
}

const roster = (client: NodeClient): string => [...client.room('friends').roster].sort().join(' ');

test('what was changed at one node is read by the others at once, not with their next look', async (t) => {
  const { nodes, storage } = await openWorld(t, 2);
  const [first, second] = nodes as [Node, Node];
  const begun = Date.now();
  for (let n = 0; n < 20; n++) {
    const { id } = await storage.rooms.create({ name: `news-${n}`, topic: '', createdAt: 0 });
    first.cluster.tellChanges();
    await waitUntil(() => second.chat.directory.get(id) !== undefined, 'the other node knows the room');
  }
  // Each would wait for the next look of the other node: about ten seconds in all.
  t.true(Date.now() - begun < 5_000);
});

test('a node that was marked dead ends its sessions, and takes newcomers again under another id once it is registered', async (t) => {
  const { nodes, storage, client, untilSo } = await openWorld(t, 2);
  const [first, second] = nodes as [Node, Node];
  await untilSo('both know of each other', () => first.cluster.living === 2 && second.cluster.living === 2);
  const [ann, bob] = [await client('ann'), await client('bob')];
  for (const [who, { chat }] of [
    [ann, first],
    [bob, second],
  ] as const) {
    t.true(await who.come(chat));
    who.send({ type: 'join', room_name: 'friends' });
  }
  await untilSo('both see each other', () => roster(ann) === 'ann bob' && roster(bob) === 'ann bob');
  const former = second.cluster.node;
  second.isStoreAway = true;
  await storage.nodes.leave(former);
  bob.send({ type: 'message', room_name: 'friends', body: 'of a dead node' });
  await untilSo('it has noticed', () => !second.cluster.isServing);
  t.deepEqual(bob.ended, ['restarting']);
  t.not(second.cluster.node, former);
  t.is(second.chat.sessions.size, 0);
  t.false(await bob.come(second.chat), 'nobody gets in meanwhile');

  second.isStoreAway = false;
  await untilSo('it is back', () => second.cluster.isServing);
  await untilSo('it was seen to part', () => roster(ann) === 'ann');
  await untilSo('it is known', () => first.cluster.living === 2);
  t.true(await bob.come(second.chat));
  t.false(bob.isResumed);
  bob.send({ type: 'join', room_name: 'friends' });
  await untilSo('both see each other again', () => roster(ann) === 'ann bob' && roster(bob) === 'ann bob');
  bob.send({ type: 'message', room_name: 'friends', body: 'of the next one' });
  await untilSo('it is seen', () => ann.frames.some(({ body }) => body === 'of the next one'));
  const parts = ann.frames.filter(({ code, user }) => code === 'parted' && user === 'bob');
  t.is(parts.length, 1);
  t.false(ann.frames.some(({ body }) => body === 'of a dead node'));
  t.is(second.cluster.counts.fenced, 1);
  t.deepEqual([...ann.faults, ...bob.faults], []);
});

test('a node that is said to be dead looks whether it is, and believes nothing that makes no sense', async (t) => {
  const { nodes, hub, clock, storage, untilSo } = await openWorld(t, 2);
  const [first, second] = nodes as [Node, Node];
  const former = second.cluster.node;
  await untilSo('it is known', () => first.cluster.living === 2);
  const bus = hub.attach();
  const log = { warn() {}, error() {} };
  const other = createPeers({ bus, id: 'other', clusterId: await storage.clusterId(), clock, log });
  t.teardown(() => bus.close());
  t.teardown(() => other.close());
  for (const value of [{}, { node: null }, { node: 7 }, { node: 'nobody' }, []]) other.tellAll('gone', value);
  for (const kind of ['ended', 'counts', 'changes', 'moved', 'rooms-asked', 'rooms-left', 'unheard-of']) {
    for (const value of [{}, { session: 1, code: 'x', rooms: [{}] }, []]) other.tellAll(kind, value);
  }
  await hub.settle();
  t.deepEqual([first.cluster.counts.fenced, second.cluster.counts.fenced], [0, 0]);
  t.is(second.cluster.node, former);

  // As by a node on a database that was restored beside this one.
  for (const { cluster } of [first, second]) other.tellAll('gone', { node: cluster.node });
  await hub.settle();
  await untilSo('both have looked', () => first.cluster.living === 2 && second.cluster.living === 2);
  t.deepEqual([first.cluster.counts.fenced, second.cluster.counts.fenced], [0, 0]);
  await storage.nodes.leave(former);
  other.tellAll('gone', { node: former });
  await untilSo('it has begun anew', () => second.cluster.isServing && second.cluster.node !== former);
  t.deepEqual([first.cluster.counts.fenced, second.cluster.counts.fenced], [0, 1]);
  // Of all that, only what is no object is not taken for words at all.
  t.deepEqual(
    new Set(first.said),
    new Set(['Something on the channels of the nodes has not their form, and is dropped.']),
  );
});
