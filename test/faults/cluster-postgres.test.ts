/** PostgreSQL goes away for longer than a lease, by a crash and in good order, and comes back. */
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { leaseSeconds } from '../support/cluster-processes.ts';
import type { RawFrame } from '../support/raw-client.ts';
import { clusterTest, countOf, holds, room, rosterOf } from './cluster-world.ts';

clusterTest(
  test.serial,
  'while PostgreSQL is away senders are told so and nothing is shown that is not stored; nobody is lost by it',
  async (t, world) => {
    const { cluster } = world;
    const { postgres, nodes } = cluster;
    const names = ['ada', 'ben', 'cyd'];
    const watchers = await Promise.all(names.map((name, index) => world.watch(name, index)));
    const speakers = await Promise.all(nodes.map((node) => world.enter(`speaker-${node.index}`, node.url)));
    const everybody = 'ada ben cyd speaker-0 speaker-1 speaker-2';
    for (const watcher of watchers) await holds('all are seen', () => rosterOf(watcher) === everybody);

    let stored = 0;
    for (const end of ['crash', 'halt'] as const) {
      const before = stored;
      await postgres[end]();
      const say = (index: number, isAnswer: (code: string | undefined) => boolean): Promise<RawFrame> => {
        const ref = `${end}-${index}`;
        const frame = { type: 'message', room_name: room, body: `said while away: ${ref}`, ref };
        const ask = speakers[index]?.ask(frame, (got) => got.ref === ref && isAnswer(got.code), 20_000);
        return ask ?? Promise.reject(new Error('There is no such speaker.'));
      };
      const answers = await Promise.all(nodes.map(({ index }) => say(index, () => true)));
      t.deepEqual(
        answers.map(({ code }) => code),
        ['unavailable', 'unavailable', 'unavailable'],
      );
      for (const { url } of nodes) t.is((await fetch(`${url}/readyz`)).status, 503);
      // Nobody may be taken for dead in this time, nor right after it.
      await delay(leaseSeconds * 1000);
      for (const watcher of watchers) t.is(watcher.logs.get(room)?.contiguous, before, 'nothing is shown');
      await postgres.start();
      for (const node of nodes) {
        await holds('ready', async () => (await fetch(`${node.url}/readyz`)).status === 200);
      }
      await Promise.all(nodes.map(({ index }) => say(index, (code) => code === 'message')));
      stored += nodes.length;
      await delay(leaseSeconds * 1000);
      for (const watcher of watchers) await holds('all is shown', () => watcher.logs.get(room)?.contiguous === stored);
    }
    for (const watcher of watchers) {
      t.is(watcher.sessions, 1);
      for (const name of everybody.split(' ')) t.is(countOf(watcher, 'parted', name), 0);
    }
    await world.agreesOn(everybody.split(' '));
  },
  { breaksDatabase: true },
);
