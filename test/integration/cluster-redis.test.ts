/** A cluster whose Redis goes away for a while: chatting goes on, and afterwards all agree again. */
import test from 'ava';
import {
  clusterTest,
  isDegraded,
  messagesOf,
  readCounts,
  readLog,
  rosterOf,
  type TestCluster,
  waitUntil,
} from '../support/cluster-apps.ts';
import { openRawClient, type RawClient } from '../support/raw-client.ts';

const room_name = 'friends';
const join = { type: 'join', room_name };

async function enter(cluster: TestCluster, index: number, name: string, token?: string): Promise<RawClient> {
  const client = await cluster.node(index).chat(name, token === undefined ? {} : { token });
  await client.ask(join, { code: 'joined', you: true });
  return client;
}

async function loseRedis(cluster: TestCluster): Promise<void> {
  await cluster.redis.stop();
  for (const node of cluster.nodes) await waitUntil(() => isDegraded(node), 'each node says that Redis is lost');
}

async function regainRedis(cluster: TestCluster): Promise<void> {
  await cluster.redis.start();
  for (const node of cluster.nodes) await waitUntil(async () => !(await isDegraded(node)), 'Redis is back');
}

clusterTest(
  test,
  'without Redis messages reach the other nodes from the database, and afterwards as before; none is lost or doubled',
  async (t, cluster) => {
    const [alice, bob] = [await enter(cluster, 0, 'alice'), await enter(cluster, 1, 'bob')];
    await alice.ask({ type: 'message', room_name, body: 'before' }, { code: 'message' });
    await bob.next({ code: 'message', body: 'before' });
    await loseRedis(cluster);
    await alice.ask({ type: 'message', room_name, body: 'without' }, { code: 'message' });
    const since = performance.now();
    await bob.next({ code: 'message', body: 'without' });
    // About a second; this machine may be busy.
    t.true(performance.now() - since < 4000);
    for (let n = 0; n < 20; n++) {
      alice.send({ type: 'message', room_name, body: `alice ${n}` });
      bob.send({ type: 'message', room_name, body: `bob ${n}` });
    }
    for (const client of [alice, bob]) await client.next({ code: 'message', id: 42 });
    await regainRedis(cluster);
    for (let n = 20; n < 40; n++) {
      alice.send({ type: 'message', room_name, body: `alice ${n}` });
      bob.send({ type: 'message', room_name, body: `bob ${n}` });
    }
    const log = await (async () => {
      for (const client of [alice, bob]) await client.next({ code: 'message', id: 82 });
      return readLog(cluster.node(0), await cluster.node(0).login('alice'), room_name);
    })();
    for (const client of [alice, bob]) {
      const got = messagesOf(client.frames, room_name);
      t.deepEqual(
        got.map(({ id }) => id),
        Array.from({ length: 82 }, (_, n) => n + 1),
      );
      t.deepEqual(
        got.map(({ body }) => body),
        log.map(({ body }) => body),
      );
    }
  },
  { ownRedis: true },
);

clusterTest(
  test,
  'who came and went without Redis is known to all when it is back: no ghosts, nobody twice',
  async (t, cluster) => {
    const [alice, bob, carol] = [
      await enter(cluster, 0, 'alice'),
      await enter(cluster, 1, 'bob'),
      await enter(cluster, 2, 'carol'),
    ];
    for (const client of [alice, bob]) await client.next({ code: 'joined', user: 'carol' });
    await loseRedis(cluster);
    await carol.close();
    const dave = await enter(cluster, 1, 'dave');
    await bob.next({ code: 'joined', user: 'dave' });
    // Comes and goes unseen by the other nodes.
    const erin = await enter(cluster, 2, 'erin');
    await erin.close();
    // Goes and comes back.
    await bob.ask({ type: 'part', room_name }, { code: 'parted', you: true });
    await bob.ask(join, { code: 'joined', you: true });
    await regainRedis(cluster);
    const expected = ['alice', 'bob', 'dave'];
    for (const client of [alice, bob, dave]) {
      // Throws when somebody joins twice, or parts who was not there.
      await waitUntil(() => rosterOf(client.frames, room_name).join() === expected.join(), 'all know all');
    }
    const token = await cluster.node(0).login('reader');
    for (const node of cluster.nodes) {
      await waitUntil(async () => (await readCounts(node, token))[room_name] === 3, 'the counts are right');
    }
    const frank = await enter(cluster, 2, 'frank');
    t.deepEqual(rosterOf(frank.frames, room_name), [...expected, 'frank']);
    for (const client of [alice, bob, dave]) await client.next({ code: 'joined', user: 'frank' });
    t.is(alice.frames.filter(({ code, user }) => code === 'parted' && user === 'carol').length, 1);
  },
  { nodes: 3, ownRedis: true },
);

clusterTest(
  test,
  'without Redis a user has one session all the same, and takeover ends the other',
  async (t, cluster) => {
    const token = await cluster.node(0).login('alice');
    const first = await enter(cluster, 0, 'alice', token);
    await loseRedis(cluster);
    const second = await openRawClient(t, cluster.node(1).url, { token });
    const { code } = await second.closed;
    t.true(code === 4409 || code === 1013, String(code));
    t.false(second.frames.some((frame) => frame.code === 'api-motd'));
    await first.settle();
    const third = await openRawClient(t, cluster.node(1).url, { token, takeover: true });
    await third.next({ code: 'api-motd' });
    await first.next({ type: 'fatal', code: 'resumed-elsewhere' });
    t.is((await first.closed).code, 4410);
    const bob = await enter(cluster, 1, 'bob');
    t.deepEqual(rosterOf(bob.frames, room_name), ['bob']);
  },
  { ownRedis: true },
);

clusterTest(
  test,
  'a node that starts while Redis is away serves, and is one of the cluster when it comes',
  async (t, cluster) => {
    const alice = await enter(cluster, 0, 'alice');
    await loseRedis(cluster);
    await cluster.add();
    const bob = await enter(cluster, 1, 'bob');
    await alice.ask({ type: 'message', room_name, body: 'hello' }, { code: 'message' });
    await bob.next({ code: 'message', body: 'hello' });
    await regainRedis(cluster);
    for (const client of [alice, bob]) {
      await waitUntil(() => rosterOf(client.frames, room_name).join() === 'alice,bob', 'both know both');
    }
    await bob.ask({ type: 'custom', room_name, command: 'wave', payload: 'p' }, { code: 'custom' });
    t.like(await alice.next({ code: 'custom' }), { user: 'bob', command: 'wave' });
  },
  { nodes: 1, ownRedis: true },
);

clusterTest(
  test,
  'Redis may come and go again and again',
  async (t, cluster) => {
    for (let round = 0; round < 2; round++) {
      await loseRedis(cluster);
      const [alice, bob] = [await enter(cluster, 0, `alice-${round}`), await enter(cluster, 1, `bob-${round}`)];
      await alice.ask({ type: 'message', room_name, body: `round ${round}` }, { code: 'message' });
      await bob.next({ code: 'message', body: `round ${round}` });
      await regainRedis(cluster);
      for (const client of [alice, bob]) {
        await waitUntil(() => rosterOf(client.frames, room_name).length === 2, 'both know both');
        await client.close();
      }
    }
    t.pass();
  },
  { ownRedis: true },
);
