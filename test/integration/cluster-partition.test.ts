/** A cluster of which one node cannot reach Redis, and one whose Redis stands still: nobody is taken for gone. */
import test from 'ava';
import {
  clusterTest,
  isDegraded,
  messagesOf,
  readCounts,
  rosterOf,
  type TestCluster,
  waitUntil,
} from '../support/cluster-apps.ts';
import { openRawClient, type RawClient } from '../support/raw-client.ts';

const room_name = 'friends';
const join = { type: 'join', room_name };

async function enter(cluster: TestCluster, index: number, name: string, token?: string): Promise<RawClient> {
  const client = await cluster.node(index).chat(name, token === undefined ? {} : { token, resume: true });
  await client.ask(join, { code: 'joined', you: true });
  return client;
}

async function allKnow(clients: readonly RawClient[], names: readonly string[]): Promise<void> {
  for (const client of clients) {
    // Throws when somebody joins twice, or parts who was not there.
    await waitUntil(() => rosterOf(client.frames, room_name).join() === names.join(), `all know ${names.join()}`);
  }
}

clusterTest(
  test,
  'a node that cannot reach Redis chats on through the database, and is one of them again when it can',
  async (t, cluster) => {
    const [alice, bob, carol] = [
      await enter(cluster, 0, 'alice'),
      await enter(cluster, 1, 'bob'),
      await enter(cluster, 2, 'carol'),
    ];
    await allKnow([alice, bob, carol], ['alice', 'bob', 'carol']);
    const way = cluster.wayOf(2);
    for (let round = 0; round < 2; round++) {
      if (round === 0) way.refuse();
      else way.stall('both');
      await waitUntil(() => isDegraded(cluster.node(2)), 'the node notices');
      t.deepEqual([await isDegraded(cluster.node(0)), await isDegraded(cluster.node(1))], [false, false]);
      for (const [index, client] of [alice, bob, carol].entries()) {
        client.send({ type: 'message', room_name, body: `${index} ${round}` });
      }
      const all = [alice, bob, carol];
      await Promise.all(all.map((client) => client.next({ code: 'message', id: 3 * round + 3 })));
      // Comes and goes where the others cannot hear it, and where it cannot hear the others.
      const dave = await enter(cluster, 2, 'dave');
      await bob.ask({ type: 'part', room_name }, { code: 'parted', you: true });
      await alice.next({ code: 'parted', user: 'bob' });
      const erin = await enter(cluster, 1, 'erin');
      way.resume();
      await waitUntil(async () => !(await isDegraded(cluster.node(2))), 'Redis is reached again');
      await allKnow([alice, carol, dave, erin], ['alice', 'carol', 'dave', 'erin']);
      const token = await cluster.node(0).login('reader');
      for (const node of cluster.nodes) {
        await waitUntil(async () => (await readCounts(node, token))[room_name] === 4, 'the counts are right');
      }
      await Promise.all([dave.close(), erin.close()]);
      await bob.ask(join, { code: 'joined', you: true });
      await allKnow([alice, bob, carol], ['alice', 'bob', 'carol']);
    }
    const first = messagesOf(alice.frames, room_name);
    t.deepEqual(
      first.map(({ id }) => id),
      [1, 2, 3, 4, 5, 6],
    );
    for (const client of [bob, carol]) t.deepEqual(messagesOf(client.frames, room_name), first);
    t.false(alice.frames.some(({ code, user }) => code === 'parted' && user === 'carol'));
  },
  { nodes: 3 },
);

clusterTest(
  test,
  'a Redis that stands still for some seconds costs no message, no member and no session',
  async (t, cluster) => {
    const token = await cluster.node(0).login('alice');
    const [alice, bob] = [await enter(cluster, 0, 'alice', token), await enter(cluster, 1, 'bob')];
    await allKnow([alice, bob], ['alice', 'bob']);
    cluster.redis.pause();
    for (let n = 0; n < 20; n++) {
      alice.send({ type: 'message', room_name, body: `alice ${n}` });
      bob.send({ type: 'message', room_name, body: `bob ${n}` });
      alice.send({ type: 'custom', room_name, command: `c${n}`, payload: 'p' });
    }
    // Asked while the bus is away or just before that is noticed: too late, when it arrives.
    const rival = openRawClient(t, cluster.node(1).url, { token, takeover: false });
    for (const client of [alice, bob]) await client.next({ code: 'message', id: 40 });
    const { closed } = await rival;
    const { code } = await closed;
    t.true(code === 1013 || code === 4409, String(code));
    cluster.redis.resume();
    for (const node of cluster.nodes) await waitUntil(async () => !(await isDegraded(node)), 'Redis answers again');
    await bob.ask({ type: 'message', room_name, body: 'last' }, { code: 'message', id: 41 });
    await alice.ask({ type: 'custom', room_name, command: 'last', payload: 'p' }, { code: 'custom', command: 'last' });
    await bob.next({ code: 'custom', command: 'last' });
    // Her node hears of bob's message in its own time.
    await alice.next({ code: 'message', id: 41 });
    const numbers = Array.from({ length: 41 }, (_, n) => n + 1);
    for (const client of [alice, bob]) {
      t.deepEqual(
        messagesOf(client.frames, room_name).map(({ id }) => id),
        numbers,
      );
      const commands = client.frames.filter((frame) => frame.code === 'custom').map(({ command }) => command);
      t.is(new Set(commands).size, commands.length, 'no command comes twice');
      t.deepEqual(rosterOf(client.frames, room_name), ['alice', 'bob']);
      t.false(client.frames.some((frame) => frame.code === 'parted'));
    }
  },
  { ownRedis: true },
);
