import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { createManualTimers } from '../../test/support/manual-timers.ts';
import type { NodeStore } from '../core/cluster-ports.ts';
import { type Clock, StoreError } from '../core/ports.ts';
import { createMembership, type Membership } from './membership.ts';

const leaseMs = 10_000;

type World = {
  /** Moves time on by small steps, and lets answers arrive in between. */
  pass(ms: number): Promise<void>;
  /** The same in one step, as a process that stood still sees it. */
  jump(ms: number): Promise<void>;
  /** The process stands still for so long: time has passed, and no timer has run. Negative: its clock is set back. */
  sleep(ms: number): void;
  now(): number;
  /** Nodes in the store, with when each was seen last. */
  rows: Map<string, { seenAt: number; leaseMs: number }>;
  /** The store fails, or gives no answer before it is set back. */
  state: 'well' | 'away' | 'stalled';
  renewals: number;
  /** So many of the next renewals go over connections that have broken without a word. */
  broken: number;
  /** What an answer about who lives waits for on its way, once it has been read. */
  onItsWay: () => Promise<void>;
  join(name: string): Node;
};
type Node = { membership: Membership; gone: string[]; appeared: string[]; fenced: string[]; told: string[] };

function createWorld(): World {
  const timers = createManualTimers();
  let asleepMs = 0;
  const clock: Clock = {
    now: () => timers.now() + asleepMs,
    after(ms, run) {
      const handle = timers.setTimeout(run, ms);
      return () => timers.clearTimeout(handle);
    },
    endOfTurn: (run) => void setImmediate(run),
  };
  const rows: World['rows'] = new Map();
  const answered = async (): Promise<void> => {
    while (world.state === 'stalled') await turn();
    if (world.state === 'away') throw new StoreError('unavailable', 'The store is away.');
  };
  const store: NodeStore = {
    async register(id, ownLeaseMs) {
      await answered();
      rows.set(id, { seenAt: clock.now(), leaseMs: ownLeaseMs });
    },
    async renew(id, withinMs) {
      world.renewals += 1;
      if (world.broken > 0) {
        world.broken -= 1;
        await new Promise<void>((resolve) => withinMs !== undefined && clock.after(withinMs, resolve));
        throw new StoreError('unknown', 'No answer.');
      }
      await answered();
      const row = rows.get(id);
      if (row === undefined) return undefined;
      row.seenAt = clock.now();
      const ids = [...rows.keys()];
      await world.onItsWay();
      return ids;
    },
    async markDead(by) {
      await answered();
      const due = [...rows].filter(([id, row]) => id !== by && row.seenAt + row.leaseMs < clock.now());
      for (const [id] of due) rows.delete(id);
      return due.map(([id]) => id);
    },
    async leave(id) {
      await answered();
      rows.delete(id);
    },
  };
  const world: World = {
    rows,
    state: 'well',
    renewals: 0,
    broken: 0,
    onItsWay: async () => {},
    async pass(ms) {
      for (let passedMs = 0; passedMs < ms; passedMs += 100) {
        timers.advance(100);
        await turn();
        await turn();
      }
    },
    now: () => clock.now(),
    sleep(ms) {
      asleepMs += ms;
    },
    async jump(ms) {
      timers.advance(ms);
      await turn();
      await turn();
    },
    join(name) {
      let runs = 0;
      const told: string[] = [];
      const membership = createMembership({
        store,
        clock,
        random: () => `${name}${++runs}`,
        leaseMs,
        log: { warn() {}, info() {} },
        tellGone: (node) => told.push(node),
      });
      const node: Node = { membership, gone: [], appeared: [], fenced: [], told };
      membership.onGone((id) => node.gone.push(id));
      membership.onAppeared((id) => node.appeared.push(id));
      membership.onFenced((id) => node.fenced.push(id));
      return node;
    },
  };
  return world;
}

test('a node that begins lives with those that the store knows', async (t) => {
  const world = createWorld();
  const [a, b] = [world.join('a'), world.join('b')];
  await a.membership.begin();
  await b.membership.begin();
  t.deepEqual([...b.membership.living].sort(), ['a1', 'b1']);
  t.deepEqual(b.appeared, ['a1']);
  await world.pass(leaseMs / 5);
  t.deepEqual([...a.membership.living].sort(), ['a1', 'b1']);
  t.deepEqual([a.gone, b.gone], [[], []]);
});

test('a node that is left while it begins is not registered afterwards', async (t) => {
  const world = createWorld();
  const { membership } = world.join('a');
  world.state = 'stalled';
  const begun = membership.begin();
  await membership.leave();
  world.state = 'well';
  await begun;
  t.deepEqual([...world.rows.keys()], []);
  t.false(membership.isAlive);
});

test('a store that gives no answer has no more than two renewals to give', async (t) => {
  const world = createWorld();
  await world.join('a').membership.begin();
  const before = world.renewals;
  world.state = 'stalled';
  await world.pass(3 * leaseMs);
  t.is(world.renewals - before, 2);
  world.state = 'well';
  await world.pass(leaseMs);
});

test('a process that stood still marks nobody dead for one lease', async (t) => {
  const world = createWorld();
  const { membership, gone } = world.join('a');
  await membership.begin();
  await world.pass(2 * leaseMs);
  const now = world.rows.get('a1')?.seenAt ?? 0;
  world.sleep(leaseMs / 2);
  // The others stood still with it, and are later than it is.
  world.rows.set('late', { seenAt: now - leaseMs, leaseMs });
  await world.pass(leaseMs - leaseMs / 5);
  t.deepEqual(gone, []);
  await world.pass((2 * leaseMs) / 5);
  t.deepEqual(gone, ['late']);
});

test('others are marked dead only once the own renewals have gone well for one whole lease', async (t) => {
  const world = createWorld();
  const { membership, gone } = world.join('a');
  world.rows.set('late', { seenAt: -leaseMs - 1, leaseMs });
  await membership.begin();
  await world.pass(leaseMs - 100);
  t.deepEqual(gone, []);
  await world.pass(100);
  t.deepEqual(gone, ['late']);
});

test('a node whose clock is set back marks nobody dead for one lease', async (t) => {
  for (const [backMs, during] of [
    [leaseMs, 'between two renewals'],
    // So little that the next renewal is not earlier than the one before.
    [1000, 'while one is under way'],
  ] as const) {
    const world = createWorld();
    const { membership, gone } = world.join('a');
    await membership.begin();
    await world.pass(2 * leaseMs);
    if (during === 'while one is under way') {
      world.state = 'stalled';
      await world.pass(leaseMs / 5);
    }
    world.sleep(-backMs);
    world.rows.set('late', { seenAt: -leaseMs, leaseMs });
    world.state = 'well';
    await world.pass(leaseMs - leaseMs / 5);
    t.deepEqual(gone, [], during);
    await world.pass((2 * leaseMs) / 5);
    t.deepEqual(gone, ['late'], during);
  }
});

test('an answer that was overtaken by a later one brings back nobody who has left meanwhile', async (t) => {
  const world = createWorld();
  const a = world.join('a');
  await a.membership.begin();
  world.rows.set('b1', { seenAt: 0, leaseMs });
  let arrive = (): void => {};
  const late = new Promise<void>((resolve) => (arrive = resolve));
  world.onItsWay = () => late;
  await world.pass(leaseMs / 5);
  world.onItsWay = async () => {};
  world.rows.delete('b1');
  await world.pass(leaseMs / 5);
  arrive();
  await world.jump(0);
  t.deepEqual([a.appeared, [...a.membership.living]], [[], ['a1']]);
});

test('a lease is renewed five times before it is over', async (t) => {
  const world = createWorld();
  await world.join('a').membership.begin();
  const before = world.renewals;
  await world.pass(leaseMs);
  t.is(world.renewals - before, 5);
});

test('a lease outlasts the silence of both connections that it is renewed over', async (t) => {
  const world = createWorld();
  const a = world.join('a');
  await a.membership.begin();
  await world.pass(leaseMs);
  world.broken = 2;
  for (let passedMs = 0; passedMs < 2 * leaseMs; passedMs += 100) {
    await world.pass(100);
    const { seenAt = 0 } = world.rows.get('a1') ?? {};
    t.true(world.now() - seenAt <= (leaseMs * 4) / 5, `${passedMs}`);
  }
  t.is(world.broken, 0);
});

test('a node that stops renewing is marked dead when its lease is over, told of, and gone once', async (t) => {
  const world = createWorld();
  const [a, b] = [world.join('a'), world.join('b')];
  await a.membership.begin();
  await b.membership.begin();
  await world.pass(2 * leaseMs);
  // It is killed: nobody renews for it any more.
  world.rows.set('killed', { seenAt: world.rows.get('a1')?.seenAt ?? 0, leaseMs });
  await world.pass(leaseMs - 500);
  t.deepEqual([a.gone, b.gone], [[], []]);
  await world.pass(leaseMs / 5 + 1000);
  a.membership.noteGone();
  b.membership.noteGone();
  await world.jump(0);
  t.deepEqual([a.gone, b.gone], [['killed'], ['killed']]);
  t.deepEqual([...a.told, ...b.told], ['killed']);
  t.true(a.membership.isGone('killed'));
  t.deepEqual([...a.membership.living].sort(), ['a1', 'b1']);
});

test('who is gone stays gone, whoever says that it is here', async (t) => {
  const world = createWorld();
  const a = world.join('a');
  await a.membership.begin();
  a.membership.noteHere('b');
  a.membership.noteGone();
  await world.jump(0);
  a.membership.noteHere('b');
  t.deepEqual([a.appeared, a.gone, [...a.membership.living]], [['b'], ['b'], ['a1']]);
});

for (const fault of ['away', 'stalled'] as const) {
  test(`nobody is marked dead for one lease after the store was ${fault}`, async (t) => {
    const world = createWorld();
    const a = world.join('a');
    await a.membership.begin();
    await world.pass(2 * leaseMs);
    world.rows.set('b1', { seenAt: world.rows.get('a1')?.seenAt ?? 0, leaseMs });
    world.state = fault;
    await world.pass(3 * leaseMs);
    world.state = 'well';
    await world.pass(leaseMs - 500);
    t.deepEqual(a.gone, []);
    // Whoever has not come back by then is dead.
    await world.pass(leaseMs);
    t.deepEqual(a.gone, ['b1']);
  });
}

test('a node that stood still marks nobody dead for one lease', async (t) => {
  const world = createWorld();
  const a = world.join('a');
  await a.membership.begin();
  await world.pass(2 * leaseMs);
  world.rows.set('b1', { seenAt: world.rows.get('a1')?.seenAt ?? 0, leaseMs });
  await world.jump(3 * leaseMs);
  await world.pass(leaseMs / 2);
  t.deepEqual(a.gone, []);
});

test('a node that registers while a renewal is under way is not taken for gone', async (t) => {
  const world = createWorld();
  const a = world.join('a');
  await a.membership.begin();
  world.state = 'stalled';
  await world.pass(leaseMs / 5);
  // The answer on its way is older than this.
  a.membership.noteHere('b1');
  world.state = 'well';
  await world.pass(100);
  t.deepEqual(a.gone, []);
  // It is not in the store: one that was asked afterwards says so.
  await world.pass(leaseMs / 5);
  t.deepEqual(a.gone, ['b1']);
});

test('a node finds itself dead by its renewal, and once', async (t) => {
  const world = createWorld();
  const a = world.join('a');
  await a.membership.begin();
  world.rows.delete('a1');
  await world.pass(leaseMs);
  a.membership.noteFenced('a1');
  a.membership.noteGone();
  await world.jump(0);
  t.deepEqual(a.fenced, ['a1']);
  t.false(a.membership.isAlive);
  t.deepEqual([...a.membership.living], []);
});

test('a node finds itself dead by a write that was fenced, and by what another says', async (t) => {
  const world = createWorld();
  const [a, b] = [world.join('a'), world.join('b')];
  await a.membership.begin();
  await b.membership.begin();
  a.membership.noteFenced('a0');
  t.deepEqual(a.fenced, []);
  a.membership.noteFenced('a1');
  world.rows.delete('b1');
  b.membership.noteGone();
  await world.jump(0);
  t.deepEqual([a.fenced, b.fenced], [['a1'], ['b1']]);
  const before = world.renewals;
  await world.pass(leaseMs);
  t.is(world.renewals, before);
});

test('who is said to be gone and is not, this node or another, lives on', async (t) => {
  const world = createWorld();
  const [a, b] = [world.join('a'), world.join('b')];
  await a.membership.begin();
  await b.membership.begin();
  for (let n = 0; n < 10; n += 1) a.membership.noteGone();
  const before = world.renewals;
  await world.pass(200);
  t.true(world.renewals - before <= 2, 'however often it is said');
  t.deepEqual([a.gone, a.fenced], [[], []]);
  t.deepEqual([...a.membership.living].sort(), ['a1', 'b1']);
  // What was asked because of it is no proof of a lease that was kept well.
  world.rows.set('late', { seenAt: 0, leaseMs: 1 });
  for (let n = 0; n < 10; n += 1) {
    a.membership.noteGone();
    await world.jump(0);
  }
  t.deepEqual(a.told, []);
});

test('a node that was marked dead begins anew under another id, and its former one is gone', async (t) => {
  const world = createWorld();
  const a = world.join('a');
  await a.membership.begin();
  a.membership.noteFenced('a1');
  t.is(a.membership.id, 'a2');
  world.state = 'away';
  await t.throwsAsync(a.membership.begin(), { instanceOf: StoreError });
  t.false(a.membership.isAlive);
  world.state = 'well';
  await a.membership.begin();
  t.is(a.membership.id, 'a2');
  t.true(a.membership.isAlive);
  t.deepEqual(a.gone, ['a1']);
  // What was said of the one before does not concern it.
  a.membership.noteFenced('a1');
  t.true(a.membership.isAlive);
});

test('a node that leaves tells the others, and its lease is not waited for', async (t) => {
  const world = createWorld();
  const [a, b] = [world.join('a'), world.join('b')];
  await a.membership.begin();
  await b.membership.begin();
  await a.membership.leave();
  t.deepEqual(a.told, ['a1']);
  await world.pass(leaseMs / 5);
  t.deepEqual(b.gone, ['a1']);
  t.deepEqual(a.fenced, []);
});

test('a node leaves in peace when the store is away', async (t) => {
  const world = createWorld();
  const a = world.join('a');
  await a.membership.begin();
  world.state = 'away';
  await t.notThrowsAsync(a.membership.leave());
  const before = world.renewals;
  await world.pass(leaseMs);
  t.is(world.renewals, before);
});
