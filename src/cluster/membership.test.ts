import test from 'ava';
import { leaseMs, openMembershipWorld } from '../../test/support/membership-world.ts';
import { StoreError } from '../core/ports.ts';

test('a node that begins lives with those that the store knows', async (t) => {
  const world = openMembershipWorld();
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
  const world = openMembershipWorld();
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
  const world = openMembershipWorld();
  await world.join('a').membership.begin();
  const before = world.renewals;
  world.state = 'stalled';
  await world.pass(3 * leaseMs);
  t.is(world.renewals - before, 2);
  world.state = 'well';
  await world.pass(leaseMs);
});

test('an answer that was overtaken by a later one brings back nobody who has left meanwhile', async (t) => {
  const world = openMembershipWorld();
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
  const world = openMembershipWorld();
  await world.join('a').membership.begin();
  const before = world.renewals;
  await world.pass(leaseMs);
  t.is(world.renewals - before, 5);
});

test('a lease outlasts the silence of both connections that it is renewed over', async (t) => {
  const world = openMembershipWorld();
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

test('who is gone stays gone, whoever says that it is here', async (t) => {
  const world = openMembershipWorld();
  const a = world.join('a');
  await a.membership.begin();
  a.membership.noteHere('b');
  a.membership.noteGone();
  await world.jump(0);
  a.membership.noteHere('b');
  t.deepEqual([a.appeared, a.gone, [...a.membership.living]], [['b'], ['b'], ['a1']]);
});

test('a node that registers while a renewal is under way is not taken for gone', async (t) => {
  const world = openMembershipWorld();
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
  const world = openMembershipWorld();
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
  const world = openMembershipWorld();
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

test('a node that was marked dead begins anew under another id, and its former one is gone', async (t) => {
  const world = openMembershipWorld();
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
  const world = openMembershipWorld();
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
  const world = openMembershipWorld();
  const a = world.join('a');
  await a.membership.begin();
  world.state = 'away';
  await t.notThrowsAsync(a.membership.leave());
  const before = world.renewals;
  await world.pass(leaseMs);
  t.is(world.renewals, before);
});
