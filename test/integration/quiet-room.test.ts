/** Frames that come together share a write and a commit; a message that comes alone waits for nobody to join it. */
import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { Clock } from '../../src/core/ports.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { clusterTest } from '../support/cluster-apps.ts';
import { type TransportName, transportNames } from '../support/raw-collector.ts';
import { eachTransportAndDatabase } from '../support/transports.ts';

type HaltingClock = Clock & {
  /** From now on no timer runs, also none that was set before. */
  halt(): void;
  /** Those that were due meanwhile run. */
  goOn(): void;
};

function createHaltingClock(): HaltingClock {
  let isHalted = false;
  const due = new Set<() => void>();
  return {
    ...systemClock,
    after(ms, run) {
      const cancel = systemClock.after(ms, () => (isHalted ? due.add(run) : run()));
      return () => {
        cancel();
        due.delete(run);
      };
    },
    halt() {
      isHalted = true;
    },
    goOn() {
      isHalted = false;
      for (const run of due) run();
      due.clear();
    },
  };
}

async function enter(server: TestApp, name: string, transport: TransportName): ReturnType<TestApp['chat']> {
  const client = await server.chat(name, { transport });
  await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
  return client;
}

eachTransportAndDatabase(test, 'a message in a quiet room waits for no timer', async (t, db, transport) => {
  const clock = createHaltingClock();
  const server = await startApp(t, { databaseUrl: db.url, overrides: { clock } });
  t.teardown(() => clock.goOn());
  const [alice, bob] = [await enter(server, 'alice', transport), await enter(server, 'bob', transport)];
  await alice.settle();
  clock.halt();
  for (const body of ['one', 'two', 'three']) {
    await alice.ask({ type: 'message', room_name: 'friends', body }, { code: 'message', body });
    t.like(await bob.next({ code: 'message' }), { body, user: 'alice' });
  }
});

for (const transport of transportNames) {
  const clock = createHaltingClock();
  clusterTest(
    test,
    `nor does one on its way to another node (${transport})`,
    async (t, cluster) => {
      t.teardown(() => clock.goOn());
      const alice = await enter(cluster.node(0), 'alice', transport);
      const bob = await enter(cluster.node(1), 'bob', transport);
      await alice.next({ code: 'joined', user: 'bob' });
      clock.halt();
      for (const body of ['one', 'two', 'three']) {
        await alice.ask({ type: 'message', room_name: 'friends', body }, { code: 'message', body });
        t.like(await bob.next({ code: 'message' }), { body, user: 'alice' });
      }
    },
    // No sign of life is given while no timer runs.
    { clock, env: { NODE_LEASE: '60' } },
  );
}
