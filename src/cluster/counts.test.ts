import test, { type ExecutionContext } from 'ava';
import { createManualTimers } from '../../test/support/manual-timers.ts';
import { createMemoryBus } from '../bus/memory-bus.ts';
import type { Clock } from '../core/ports.ts';
import { type ClusterRoomCounts, createRoomCounts } from './counts.ts';
import { createPeers } from './peers.ts';

const gapMs = 200;

function openWorld(t: ExecutionContext) {
  const hub = createMemoryBus();
  const timers = createManualTimers();
  const clock: Clock = {
    now: () => timers.now(),
    after(ms, run) {
      const handle = timers.setTimeout(run, ms);
      return () => timers.clearTimeout(handle);
    },
    endOfTurn: (run) => void setImmediate(run),
  };
  const log = { warn() {}, error() {} };
  return {
    hub,
    pass: async (ms: number): Promise<void> => {
      timers.advance(ms);
      await hub.settle();
    },
    open: (id: string) => {
      const bus = hub.attach();
      const peers = createPeers({ bus, id, clusterId: 'c', clock, log });
      const counts: ClusterRoomCounts = createRoomCounts({ bus, peers, clock });
      const told: unknown[] = [];
      peers.on('counts', (value) => void told.push(value));
      t.teardown(async () => {
        counts.close();
        peers.close();
        await bus.close();
      });
      return { bus, peers, counts, told };
    },
  };
}

test('a change is told at once, and what follows in a few words', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  a.counts.changed(1, 1);
  await pass(0);
  t.is(b.counts.elsewhere(1), 1);
  for (let members = 2; members <= 100; members += 1) a.counts.changed(1, members);
  a.counts.changed(2, 5);
  await pass(gapMs - 1);
  t.is(b.counts.elsewhere(1), 1);
  await pass(1);
  t.deepEqual([b.counts.elsewhere(1), b.counts.elsewhere(2)], [100, 5]);
  t.is(b.told.length, 2);
  a.counts.changed(1, 0);
  await pass(gapMs);
  t.deepEqual([b.counts.elsewhere(1), b.counts.elsewhere(2)], [0, 5]);
  // Its own are no others'.
  t.is(a.counts.elsewhere(2), 0);
});

test('a node that begins learns what is there, and one that is dead is counted no more', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  a.counts.changed(1, 2);
  b.counts.changed(1, 3);
  await pass(0);
  const c = open('c');
  c.counts.announce();
  await pass(0);
  t.is(c.counts.elsewhere(1), 5);
  c.counts.forget('a');
  t.is(c.counts.elsewhere(1), 3);
});

test('what was lost is told again when the bus is back', async (t) => {
  const { hub, open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  a.counts.changed(1, 2);
  a.counts.changed(2, 2);
  await pass(0);
  hub.break();
  a.counts.changed(1, 0);
  a.counts.changed(3, 1);
  await pass(gapMs);
  hub.mend();
  await pass(0);
  t.deepEqual([b.counts.elsewhere(1), b.counts.elsewhere(2), b.counts.elsewhere(3)], [0, 2, 1]);
});

test('names are asked of a node that has members, and of another one if it gives none', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b, c] = [open('a'), open('b'), open('c')];
  a.counts.serve(() => []);
  b.counts.serve((room) => (room === 1 ? ['ann', 'bob'] : []));
  a.counts.changed(1, 1);
  b.counts.changed(1, 1);
  await pass(0);
  const names = c.counts.names(1);
  for (let turns = 0; turns < 5; turns += 1) await pass(0);
  t.deepEqual(await names, ['ann', 'bob']);
  t.deepEqual(await c.counts.names(2), []);
});

test('what has another form is dropped', async (t) => {
  const { open, pass } = openWorld(t);
  const [a, b] = [open('a'), open('b')];
  for (const rooms of ['x', [[1]], [['1', 1]], [[1, -1]], [1]]) {
    a.peers.tellAll('counts', { rooms, isAll: false, asks: false });
  }
  a.peers.tellAll('counts', { rooms: [[1, 1]], isAll: 'no', asks: false });
  await pass(0);
  t.is(b.told.length, 6);
  t.is(b.counts.elsewhere(1), 0);
});
