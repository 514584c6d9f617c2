/** Redis goes away, and comes back without a memory. */
import test from 'ava';
import type { ClusterNode } from '../support/cluster-processes.ts';
import { openRawClient } from '../support/raw-client.ts';
import { clusterTest, countOf, holds, room, rosterOf } from './cluster-world.ts';

/** Without Redis a node looks into SQL once a second; a busy machine is late. */
const fromSqlMs = 5000;

async function readiness({ url }: ClusterNode): Promise<{ status: number; isDegraded: boolean }> {
  const response = await fetch(`${url}/readyz`, { headers: { connection: 'close' } });
  return { status: response.status, isDegraded: (await response.text()).includes('degraded') };
}

clusterTest(
  test.serial,
  'without Redis messages still cross nodes, one session per user holds, and all agree when it is back',
  async (t, world) => {
    const { cluster } = world;
    const [first, second, third] = cluster.nodes;
    if (first === undefined || second === undefined || third === undefined) throw new Error('There are three nodes.');
    const watchers = [await world.watch('ada', 0), await world.watch('ben', 1)];
    const cyd = await world.enter('cyd', third.url);
    const dan = await world.enter('dan', third.url);
    for (const watcher of watchers) await holds('all are seen', () => rosterOf(watcher) === 'ada ben cyd dan');

    await cluster.redis.stop();
    for (const node of cluster.nodes) {
      await holds('degraded', async () => (await readiness(node)).isDegraded);
      t.is((await readiness(node)).status, 200);
    }
    for (let n = 0; n < 5; n++) {
      const body = `without Redis ${n}`;
      await dan.ask({ type: 'message', room_name: room, body }, { code: 'message', body });
      for (const watcher of watchers) {
        const ms = await holds('it arrives', () => watcher.logs.get(room)?.contiguous === n + 1);
        t.true(ms < fromSqlMs, `after ${Math.round(ms)} ms`);
      }
    }
    await cyd.close();
    const eve = await world.enter('eve', third.url);
    // Whoever is on another node can't be asked by Redis: never two sessions, and never refused for good.
    const asks = await openRawClient(t, first.url, { token: await world.tokenOf('dan') });
    t.is((await asks.closed).code, 1013);
    const taker = await openRawClient(t, first.url, { token: await world.tokenOf('dan'), takeover: true });
    t.is((await dan.closed).code, 4410);
    await taker.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });

    await cluster.redis.start();
    for (const node of cluster.nodes) await holds('not degraded', async () => !(await readiness(node)).isDegraded);
    for (const watcher of watchers) await holds('all agree', () => rosterOf(watcher) === 'ada ben dan eve');
    await world.agreesOn(['ada', 'ben', 'dan', 'eve']);
    for (const watcher of watchers) {
      t.is(countOf(watcher, 'parted', 'cyd'), 1);
      t.is(countOf(watcher, 'joined', 'eve'), 1);
      for (const name of ['ada', 'ben']) t.is(countOf(watcher, 'parted', name), 0);
    }
    eve.send({ type: 'custom', room_name: room, command: 'note', payload: 'crosses again' });
    for (const watcher of watchers) {
      await holds('it crosses', () => countOf(watcher, 'custom', 'eve') === 1);
    }
  },
);
