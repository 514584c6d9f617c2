/** A node that sleeps, as a virtual machine that is moved: shortly, and past its lease. */
import test from 'ava';
import { leaseSeconds } from '../support/cluster-processes.ts';
import { withClient } from '../support/databases.ts';
import { clusterTest, countOf, holds, room, rosterOf } from './cluster-world.ts';

/** Resolves the ids of the nodes that live, and for how long the one that was seen least has not been. */
function readNodes(url: string): Promise<{ ids: string[]; longestMs: number }> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ id: string; ms: number }>(
      'SELECT id, (extract(epoch FROM clock_timestamp()) * 1000 - seen_at)::float8 AS ms FROM nodes ORDER BY id',
    );
    return { ids: rows.map(({ id }) => id), longestMs: Math.max(...rows.map(({ ms }) => ms)) };
  });
}

clusterTest(
  test.serial,
  'a node that sleeps shorter than its lease loses nobody, and nobody notices',
  async (t, world) => {
    const { cluster } = world;
    const [, , sleeper] = cluster.nodes;
    if (sleeper === undefined) throw new Error('There are three nodes.');
    const watcher = await world.watch('ada', 0);
    const member = await world.enter('cyd', sleeper.url);
    const speaker = await world.enter('fay', cluster.nodes[0]?.url ?? '');
    await holds('all are seen', () => rosterOf(watcher) === 'ada cyd fay');
    const before = await readNodes(cluster.postgres.url);
    sleeper.pause();
    member.send({ type: 'message', room_name: room, body: 'said to a sleeper' });
    await speaker.ask({ type: 'message', room_name: room, body: 'said meanwhile' }, { code: 'message', you: true });
    await holds('half of the lease has passed', async () => {
      return (await readNodes(cluster.postgres.url)).longestMs > (leaseSeconds * 1000) / 2;
    });
    sleeper.wake();
    await member.next({ code: 'message', body: 'said meanwhile' });
    await holds('both are stored', async () => (await world.stored()).size === 2);
    t.deepEqual((await readNodes(cluster.postgres.url)).ids, before.ids);
    await member.ask({ type: 'message', room_name: room, body: 'still here' }, { body: 'still here', you: true });
    t.is(countOf(watcher, 'parted', 'cyd'), 0);
    await world.agreesOn(['ada', 'cyd', 'fay']);
  },
);

clusterTest(
  test.serial,
  'a node that sleeps past its lease writes nothing more, ends its sessions and begins anew by itself',
  async (t, world) => {
    const { cluster } = world;
    const [, , sleeper] = cluster.nodes;
    if (sleeper === undefined) throw new Error('There are three nodes.');
    const watchers = [await world.watch('ada', 0), await world.watch('ben', 1)];
    const members = [await world.enter('cyd', sleeper.url), await world.enter('dan', sleeper.url)];
    for (const watcher of watchers) await holds('all are seen', () => rosterOf(watcher) === 'ada ben cyd dan');
    const before = await readNodes(cluster.postgres.url);
    sleeper.pause();
    // The system takes it for the process, which reads it when it wakes.
    for (const member of members) member.send({ type: 'message', room_name: room, body: 'said in sleep' });
    for (const watcher of watchers) await holds('they are gone', () => rosterOf(watcher) === 'ada ben');
    // The user is free: a session elsewhere, while the old one sleeps with its connection open.
    const again = await world.enter('cyd', cluster.nodes[0]?.url ?? '');
    await again.ask({ type: 'message', room_name: room, body: 'said elsewhere' }, { code: 'message', you: true });
    sleeper.wake();
    const ends = await Promise.all(members.map((member) => member.closed));
    t.deepEqual(
      ends.map(({ code }) => code),
      [1012, 1012],
    );
    await holds('three nodes live', async () => (await readNodes(cluster.postgres.url)).ids.length === 3);
    const after = await readNodes(cluster.postgres.url);
    t.is(after.ids.filter((id) => before.ids.includes(id)).length, 2, 'under another id');
    t.is(sleeper.state, 'up');
    await holds('it is ready again', async () => (await fetch(`${sleeper.url}/readyz`)).status === 200);

    const back = await world.enter('dan', sleeper.url);
    await back.ask({ type: 'message', room_name: room, body: 'said anew' }, { code: 'message', you: true });
    const bodies = Array.from((await world.stored()).values(), ({ body }) => body);
    t.deepEqual(bodies, ['said elsewhere', 'said anew']);
    for (const watcher of watchers) {
      await holds('all are back', () => rosterOf(watcher) === 'ada ben cyd dan');
      for (const name of ['cyd', 'dan']) {
        t.is(countOf(watcher, 'parted', name), 1);
        t.is(countOf(watcher, 'joined', name), 2);
      }
    }
    await world.agreesOn(['ada', 'ben', 'cyd', 'dan']);
  },
);
