import test, { type ExecutionContext } from 'ava';
import { createManualTimers } from '../../test/support/manual-timers.ts';
import { createMemoryBus } from '../bus/memory-bus.ts';
import type { Clock } from '../core/ports.ts';
import { createHearing } from './hearing.ts';
import { createPeers } from './peers.ts';

/** Three nodes, `a`, `b` and `c`, of which each knows that the others live. */
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
  const living = new Set(['a', 'b', 'c']);
  const open = (id: string) => {
    const bus = hub.attach();
    const peers = createPeers({ bus, id, clusterId: 'c', clock, log: { warn() {}, error() {} } });
    const hearing = createHearing({ bus, peers, clock, living });
    t.teardown(async () => {
      hearing.close();
      peers.close();
      await bus.close();
    });
    return { bus, peers, hearing };
  };
  /** Lets time pass in steps, in which what was said arrives; the nodes look, as they do twice a second. */
  const pass = async (ms: number, nodes: readonly ReturnType<typeof open>[]): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) {
      timers.advance(500);
      await hub.settle();
      for (const { hearing } of nodes) hearing.hearsAll();
    }
  };
  const nodes = [open('a'), open('b'), open('c')] as const;
  return { hub, living, nodes, pass: (ms: number) => pass(ms, nodes) };
}

test('a node hears all when each of the others was heard for some seconds', async (t) => {
  const { nodes, pass } = openWorld(t);
  for (const { hearing } of nodes) t.false(hearing.hearsAll());
  await pass(7_000);
  for (const { hearing } of nodes) t.true(hearing.hearsAll());
});

test('a node that cannot be heard is missed by all, and it knows itself; some seconds after its return it is not', async (t) => {
  const { hub, nodes, pass } = openWorld(t);
  const [a, , c] = nodes;
  await pass(7_000);
  hub.break(c.bus);
  t.false(c.hearing.hearsAll());
  t.true(a.hearing.hearsAll());
  await pass(3_000);
  for (const { hearing } of nodes) t.false(hearing.hearsAll());
  hub.mend(c.bus);
  await pass(2_000);
  for (const { hearing } of nodes) t.false(hearing.hearsAll());
  await pass(5_000);
  for (const { hearing } of nodes) t.true(hearing.hearsAll());
});

test('a loss that was over before anybody looked counts', async (t) => {
  const { hub, nodes, pass } = openWorld(t);
  await pass(7_000);
  hub.break();
  hub.mend();
  for (const { hearing } of nodes) t.false(hearing.hearsAll());
});

test('a node that lives and was never heard is missed, one that is gone is not', async (t) => {
  const { living, nodes, pass } = openWorld(t);
  await pass(7_000);
  living.add('d');
  for (const { hearing } of nodes) t.false(hearing.hearsAll());
  living.delete('d');
  await pass(6_000);
  for (const { hearing } of nodes) t.true(hearing.hearsAll());
});
