/** Rooms of several nodes as their clients see them: as if it were one server. */
import test from 'ava';
import {
  clusterTest,
  messagesOf,
  readCounts,
  readLog,
  rosterOf,
  type TestCluster,
  waitUntil,
} from '../support/cluster-apps.ts';
import type { RawClient } from '../support/raw-client.ts';

const room_name = 'friends';
const join = { type: 'join', room_name };

async function enter(cluster: TestCluster, index: number, name: string): Promise<RawClient> {
  const client = await cluster.node(index).chat(name);
  await client.ask(join, { code: 'joined', you: true });
  return client;
}

clusterTest(
  test,
  'what members of all nodes say at the same time reaches all in one order, without a hole',
  async (t, cluster) => {
    const each = 40;
    const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'];
    const clients = await Promise.all(names.map((name, index) => enter(cluster, index, name)));
    for (let n = 1; n <= each; n++) {
      for (const [index, client] of clients.entries()) {
        client.send({ type: 'message', room_name, body: `${names[index]} ${n}`, ref: `${n}` });
      }
      // Some wait for their echo, so that batches of all sizes meet.
      if (n % 7 === 0) await clients[n % clients.length]?.next({ code: 'message', ref: `${n}` });
    }
    const all = each * names.length;
    await Promise.all(clients.map((client) => client.next({ code: 'message', id: all })));
    const first = messagesOf(clients[0]?.frames ?? [], room_name);
    t.deepEqual(
      first.map(({ id }) => id),
      Array.from({ length: all }, (_, n) => n + 1),
    );
    for (const [index, client] of clients.entries()) {
      t.deepEqual(messagesOf(client.frames, room_name), first, names[index]);
      const own = client.frames.filter(({ code, you }) => code === 'message' && you === true);
      t.deepEqual(
        own.map(({ body }) => body),
        Array.from({ length: each }, (_, n) => `${names[index]} ${n + 1}`),
      );
      t.deepEqual(
        own.map(({ ref }) => ref),
        Array.from({ length: each }, (_, n) => `${n + 1}`),
      );
      t.true(client.frames.every(({ code, you, ref }) => code !== 'message' || you === true || ref === undefined));
    }
    const log = await readLog(cluster.node(1), await cluster.node(1).login('alice'), room_name);
    t.deepEqual(
      log.map(({ body }) => body),
      first.slice(-200).map(({ body }) => body),
    );
  },
  { nodes: 3 },
);

clusterTest(
  test,
  'joins, parts, closing and cut connections are seen on all nodes, each once',
  async (t, cluster) => {
    const [alice, bob] = [await enter(cluster, 0, 'alice'), await enter(cluster, 1, 'bob')];
    t.deepEqual(rosterOf(bob.frames, room_name), ['alice', 'bob']);
    t.like(await alice.next({ code: 'joined', user: 'bob' }), { you: false, room_name });
    t.deepEqual(
      await alice
        .ask({ type: 'list' }, { code: 'list' })
        .then(({ list }) => list?.find(({ name }) => name === room_name)),
      { name: room_name, joined: true },
    );
    await bob.ask({ type: 'part', room_name }, { code: 'parted' });
    t.like(await alice.next({ code: 'parted', user: 'bob' }), { you: false, room_name });
    await bob.ask(join, { code: 'joined', you: true });
    await alice.next({ code: 'joined', user: 'bob' });
    const carol = await enter(cluster, 2, 'carol');
    await alice.next({ code: 'joined', user: 'carol' });
    await bob.close();
    await alice.next({ code: 'parted', user: 'bob' });
    carol.cut();
    await alice.next({ code: 'parted', user: 'carol' });
    t.deepEqual(rosterOf(alice.frames, room_name), ['alice']);
    const dave = await enter(cluster, 1, 'dave');
    t.deepEqual(rosterOf(dave.frames, room_name), ['alice', 'dave']);
    await alice.next({ code: 'joined', user: 'dave' });
    const shown = alice.frames.filter(({ code }) => code === 'joined' || code === 'parted');
    t.deepEqual(
      shown.slice(1).map(({ code, user }) => `${user} ${code}`),
      ['bob joined', 'bob parted', 'bob joined', 'carol joined', 'bob parted', 'carol parted', 'dave joined'],
    );
  },
  { nodes: 3 },
);

clusterTest(
  test,
  'commands reach the members of all nodes, in order with their sender’s messages',
  async (t, cluster) => {
    const [alice, bob] = [await enter(cluster, 0, 'alice'), await enter(cluster, 1, 'bob')];
    for (let n = 0; n < 20; n++) {
      alice.send({ type: 'message', room_name, body: `m${n}` });
      alice.send({ type: 'custom', room_name, command: `c${n}`, payload: ` payload ${n} ` });
    }
    const expected = Array.from({ length: 20 }, (_, n) => [`m${n}`, `c${n}`]).flat();
    for (const client of [alice, bob]) {
      const last = await client.next({ code: 'custom', command: 'c19' });
      t.like(last, { user: 'alice', payload: ' payload 19 ', you: client === alice });
      const seen = client.frames.filter(({ code }) => code === 'message' || code === 'custom');
      t.deepEqual(
        seen.map(({ body, command }) => body ?? command),
        expected,
      );
    }
  },
);

clusterTest(
  test,
  'many who come and go on all nodes at once leave every member with the same roster',
  async (t, cluster) => {
    const names = Array.from({ length: 24 }, (_, n) => `user-${String(n).padStart(2, '0')}`);
    const clients = await Promise.all(names.map((name, index) => cluster.node(index).chat(name)));
    await Promise.all(clients.map((client) => client.ask(join, { code: 'joined', you: true })));
    const goes = (index: number): boolean => index % 4 === 1;
    const comesAgain = (index: number): boolean => index % 8 === 1;
    await Promise.all(
      clients.map(async (client, index) => {
        if (!goes(index)) return;
        await client.ask({ type: 'part', room_name }, { code: 'parted', you: true });
        if (comesAgain(index)) await client.ask(join, { code: 'joined', you: true });
      }),
    );
    const expected = names.filter((_, index) => !goes(index) || comesAgain(index));
    for (const [index, client] of clients.entries()) {
      if (goes(index) && !comesAgain(index)) continue;
      await waitUntil(() => rosterOf(client.frames, room_name).join() === expected.join(), `${names[index]} knows all`);
    }
    const token = await cluster.node(0).login('reader');
    for (const node of cluster.nodes) {
      await waitUntil(async () => (await readCounts(node, token))[room_name] === expected.length, 'the count is right');
    }
    t.pass();
  },
  { nodes: 3 },
);

clusterTest(
  test,
  'the counts of GET /rooms are those of all nodes, on each of them',
  async (t, cluster) => {
    const token = await cluster.node(0).login('reader');
    const settles = async (wanted: Record<string, number>): Promise<void> => {
      for (const node of cluster.nodes) {
        await waitUntil(async () => {
          const counts = await readCounts(node, token);
          return Object.entries(wanted).every(([name, count]) => counts[name] === count);
        }, JSON.stringify(wanted));
      }
    };
    await settles({ friends: 0, family: 0 });
    const [alice, bob] = [await enter(cluster, 0, 'alice'), await enter(cluster, 1, 'bob')];
    await settles({ friends: 2, family: 0 });
    await alice.ask({ type: 'join', room_name: 'family' }, { code: 'joined' });
    await settles({ friends: 2, family: 1 });
    await alice.ask({ type: 'part', room_name }, { code: 'parted' });
    await bob.close();
    await settles({ friends: 0, family: 1 });
    t.pass();
  },
  { nodes: 3 },
);

clusterTest(test, 'who comes back on another node catches up there, and pages its history', async (t, cluster) => {
  const bob = await enter(cluster, 1, 'bob');
  const alice = await enter(cluster, 0, 'alice');
  for (let n = 1; n <= 5; n++) await bob.ask({ type: 'message', room_name, body: `m${n}` }, { code: 'message', id: n });
  const { id } = await alice.next({ code: 'message', id: 2 });
  await alice.close();
  const again = await cluster.node(1).chat('alice');
  const { status } = await again.ask({ ...join, since: id }, { code: 'joined', you: true });
  t.deepEqual(
    status?.messages.map((message) => message.id),
    [5, 4, 3],
  );
  t.is(status?.last_id, 5);
  const { messages } = await again.ask({ type: 'history', room_name, before: 4 }, { code: 'history' });
  t.deepEqual(
    messages?.map((message) => message.id),
    [3, 2, 1],
  );
});

clusterTest(test, 'a message that is resent on another node is stored and shown once', async (t, cluster) => {
  const bob = await enter(cluster, 0, 'bob');
  const first = await enter(cluster, 0, 'alice');
  const message = { type: 'message', room_name, body: 'once', ref: 'r1' };
  t.like(await first.ask(message, { code: 'message', ref: 'r1' }), { id: 1 });
  await first.close();
  const second = await enter(cluster, 1, 'alice');
  t.like(await second.ask(message, { code: 'message', ref: 'r1' }), { id: 1, repeat: true });
  await second.ask({ ...message, body: 'twice' }, { code: 'ref-reused' });
  await second.ask({ ...message, ref: 'r2' }, { code: 'message', ref: 'r2' });
  await bob.next({ code: 'message', id: 2 });
  t.deepEqual(
    messagesOf(bob.frames, room_name).map(({ id }) => id),
    [1, 2],
  );
});
