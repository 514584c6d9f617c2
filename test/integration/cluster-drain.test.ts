/** A node that is stopped lets its clients go on elsewhere, over every transport, and is done when they have. */
import test from 'ava';
import { clusterTest, rosterOf } from '../support/cluster-apps.ts';
import { openRawClient } from '../support/raw-client.ts';
import { transportNames } from '../support/raw-collector.ts';

const room_name = 'friends';
const join = { type: 'join', room_name };
/** Nobody that comes in time makes it wait so long. */
const shutdownSeconds = 60;

for (const transport of transportNames) {
  clusterTest(
    test,
    `a client (${transport}) of a node that stops goes on at another, and its room sees nothing of it`,
    async (t, cluster) => {
      const token = await cluster.node(0).login('alice');
      const bob = await cluster.node(1).chat('bob');
      await bob.ask(join, { code: 'joined', you: true });
      const first = await cluster.node(0).chat('alice', { token, resume: true, transport });
      await first.ask(join, { code: 'joined', you: true });
      const began = performance.now();
      const closed = cluster.node(0).app.close();
      await first.next({ code: 'server-closing' });
      await first.closed;
      await bob.ask({ type: 'message', room_name, body: 'meanwhile' }, { code: 'message' });
      const cursor = first.cursor ?? '';
      const second = await openRawClient(t, cluster.node(1).url, { token, resume: true, transport, cursor });
      await second.next({ code: 'message', body: 'meanwhile' });
      if (transport !== 'poll') t.true(second.session?.resumed);
      await closed;
      t.true(performance.now() - began < shutdownSeconds * 1000);
      second.send({ type: 'message', room_name, body: 'here' });
      await bob.next({ code: 'message', body: 'here' });
      t.deepEqual(rosterOf([...first.frames, ...second.frames], room_name), ['alice', 'bob']);
      t.deepEqual(
        bob.frames.filter(({ code }) => code === 'parted'),
        [],
      );
    },
    { env: { SHUTDOWN_SECONDS: String(shutdownSeconds) } },
  );
}
