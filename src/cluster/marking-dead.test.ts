/** When a node takes another one for dead. */
import test from 'ava';
import { leaseMs, openMembershipWorld } from '../../test/support/membership-world.ts';

test('a process that stood still marks nobody dead for one lease', async (t) => {
  const world = openMembershipWorld();
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
  const world = openMembershipWorld();
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
    const world = openMembershipWorld();
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

test('a node that stops renewing is marked dead when its lease is over, told of, and gone once', async (t) => {
  const world = openMembershipWorld();
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

for (const fault of ['away', 'stalled'] as const) {
  test(`nobody is marked dead for one lease after the store was ${fault}`, async (t) => {
    const world = openMembershipWorld();
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
  const world = openMembershipWorld();
  const a = world.join('a');
  await a.membership.begin();
  await world.pass(2 * leaseMs);
  world.rows.set('b1', { seenAt: world.rows.get('a1')?.seenAt ?? 0, leaseMs });
  await world.jump(3 * leaseMs);
  await world.pass(leaseMs / 2);
  t.deepEqual(a.gone, []);
});

test('who is said to be gone and is not, this node or another, lives on', async (t) => {
  const world = openMembershipWorld();
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
