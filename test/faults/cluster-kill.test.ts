/** A node that is killed with everybody on it. */
import test from 'ava';
import { leaseSeconds } from '../support/cluster-processes.ts';
import { openRawClient } from '../support/raw-client.ts';
import { clusterTest, countOf, holds, idsOf, room, rosterOf } from './cluster-world.ts';

const names = ['cyd', 'dan', 'eve'];
/** The others look for dead nodes five times a lease; a busy machine does it late. */
const seenWithinMs = 2 * leaseSeconds * 1000 + 2000;

clusterTest(
  test.serial,
  'members of a killed node part once within the lease, and miss nothing when they come back elsewhere',
  async (t, world) => {
    const [here, there, doomed] = world.cluster.nodes;
    if (here === undefined || there === undefined || doomed === undefined) throw new Error('There are three nodes.');
    const watchers = [await world.watch('ada', 0), await world.watch('ben', 1)];
    const members = await Promise.all(names.map((name) => world.enter(name, doomed.url)));
    for (const watcher of watchers) {
      await holds('all are seen', () => rosterOf(watcher) === 'ada ben cyd dan eve');
    }
    const speaker = await world.enter('fay', here.url);
    let said = 0;
    const say = (): void => speaker.send({ type: 'message', room_name: room, body: `fay says ${said++}` });
    for (let n = 0; n < 30; n++) {
      for (const [index, member] of members.entries()) {
        member.send({ type: 'message', room_name: room, body: `${names[index]} says ${n}` });
      }
      say();
    }
    // In the middle of it: some are shown, some on their way, some were not even read.
    await members[0]?.next({ code: 'message', body: 'cyd says 3' });
    await doomed.kill();
    await Promise.all(members.map((member) => member.closed));
    for (const watcher of watchers) {
      const ms = await holds('all are gone', () => {
        say();
        return rosterOf(watcher) === 'ada ben fay';
      });
      t.true(ms < seenWithinMs, `after ${Math.round(ms)} ms`);
      for (const name of names) t.is(countOf(watcher, 'parted', name), 1);
    }

    const back = await Promise.all(
      names.map(async (name, index) => {
        const had = members[index];
        const url = (index % 2 === 0 ? here : there).url;
        const token = await world.tokenOf(name);
        const cursor = had?.cursor ?? '';
        const client = await openRawClient(t, url, { token, resume: true, cursor });
        await holds('a session', () => client.session !== undefined);
        t.false(client.session?.resumed, 'the session has died with its node');
        const ids = idsOf(had?.frames ?? []);
        const epoch = had?.frames.find(({ code, you }) => code === 'joined' && you === true)?.status?.epoch;
        const since = ids.at(-1) ?? 0;
        await client.ask({ type: 'join', room_name: room, since, epoch }, { code: 'joined', you: true });
        return { client, ids };
      }),
    );
    say();
    await holds('all was stored', async () => (await world.stored()).size >= said);
    const stored = await world.stored();
    for (const { client, ids } of back) {
      await holds('caught up', () => (idsOf(client.frames).at(-1) ?? 0) >= stored.size);
      const all = [...ids, ...idsOf(client.frames)];
      t.deepEqual(
        all,
        all.map((_, n) => (all[0] ?? 0) + n),
        'no gap, nothing twice',
      );
    }
    for (const watcher of watchers) {
      await holds('all are back', () => rosterOf(watcher) === 'ada ben cyd dan eve fay');
      for (const name of names) {
        t.is(countOf(watcher, 'joined', name), 2);
        t.is(countOf(watcher, 'parted', name), 1);
      }
    }
    await doomed.start();
    await world.agreesOn(['ada', 'ben', ...names, 'fay']);
  },
);
