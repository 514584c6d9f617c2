/** The contract of NodeStore, on both databases: leases, and what a node that was marked dead can no longer do. */
import test from 'ava';
import { systemClock } from '../../src/core/clock.ts';
import type { NewMessage, Storage } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import { eachDatabase, postgresTest, withClient } from '../support/databases.ts';
import { patienceMs, until } from '../support/services.ts';

const hourMs = 3_600_000;
/** Over before the next call arrives. */
const shortLeaseMs = 1;
/** Each takes a few milliseconds. */
const fenceRounds = 300;

/** Asks until the lease of `node` is over. */
async function markDead({ nodes }: Storage, by: string, node: string): Promise<void> {
  await until(patienceMs, async () => {
    if (!(await nodes.markDead(by)).includes(node)) throw new Error(`The lease of ${node} is not over.`);
  });
}

async function furnish({ users, rooms }: Storage): Promise<{ room: number; user: number; message: NewMessage }> {
  const account = { username: 'ann', email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 };
  const { id: user } = await users.create(account);
  const { id: room } = await rooms.create({ name: 'friends', topic: '', createdAt: 1 });
  return { room, user, message: { roomId: room, userId: user, body: 'hello', ref: 'r', createdAt: 1 } };
}

eachDatabase(test, 'a node lives from its registration until it leaves', async (t, db) => {
  const [{ nodes }, other] = await Promise.all([db.open(), db.open()]);
  t.is(await nodes.renew('a'), undefined);
  await nodes.register('a', hourMs);
  await other.nodes.register('b', hourMs);
  t.deepEqual((await nodes.renew('a'))?.toSorted(), ['a', 'b']);
  t.deepEqual(await nodes.markDead('a'), []);
  await other.nodes.leave('b');
  await other.nodes.leave('b');
  t.deepEqual(await nodes.renew('a'), ['a']);
  t.is(await other.nodes.renew('b'), undefined);
});

eachDatabase(test, 'a registration whose answer was lost can be made again', async (t, db) => {
  const { nodes } = await db.open();
  await nodes.register('by', hourMs);
  await nodes.register('a', shortLeaseMs);
  await nodes.register('a', hourMs);
  // The first lease is over by now.
  await nodes.register('b', shortLeaseMs);
  await markDead(await db.open(), 'by', 'b');
  t.deepEqual(await nodes.renew('a'), ['a', 'by']);
});

eachDatabase(test, 'a node whose lease is over is marked dead by another, once', async (t, db) => {
  const [one, two] = await Promise.all([db.open(), db.open()]);
  await one.nodes.register('a', hourMs);
  await two.nodes.register('b', hourMs);
  const late = ['c', 'd', 'e', 'f'];
  for (const id of late) await one.nodes.register(id, shortLeaseMs);
  const marked: string[] = [];
  await until(patienceMs, async () => {
    const both = await Promise.all([one.nodes.markDead('a'), two.nodes.markDead('b')]);
    marked.push(...both.flat());
    if (marked.length < late.length) throw new Error('not yet');
  });
  t.deepEqual(marked.toSorted(), late);
  t.deepEqual(await two.nodes.renew('b'), ['a', 'b']);
  for (const id of late) t.is(await one.nodes.renew(id), undefined);
});

eachDatabase(test, 'a renewed lease counts from the renewal', async (t, db) => {
  const { nodes } = await db.open();
  await nodes.register('a', hourMs);
  const leaseMs = 2000;
  await nodes.register('b', leaseMs);
  // Renewed for longer than the lease takes.
  const end = performance.now() + 1.5 * leaseMs;
  await until(patienceMs, async () => {
    const sent = performance.now();
    const living = await nodes.renew('b');
    const marked = await nodes.markDead('a');
    // A machine that stood still for a lease proves nothing.
    if (performance.now() - sent < leaseMs) t.deepEqual([living, marked], [['a', 'b'], []]);
    if (performance.now() < end) throw new Error('not yet');
  });
  await markDead(await db.open(), 'a', 'b');
  t.is(await nodes.renew('b'), undefined);
});

eachDatabase(test, "leases go by the database's clock, whatever the node's shows", async (t, db) => {
  const ahead = await db.open({ clock: { ...systemClock, now: () => Date.now() + 24 * hourMs } });
  const behind = await db.open({ clock: { ...systemClock, now: () => Date.now() - 24 * hourMs } });
  await ahead.nodes.register('a', hourMs);
  await behind.nodes.register('b', hourMs);
  t.deepEqual(await ahead.nodes.markDead('a'), []);
  t.deepEqual(await behind.nodes.markDead('b'), []);
  t.deepEqual(await ahead.nodes.renew('a'), ['a', 'b']);
});

eachDatabase(test, 'nobody is marked by a node that is dead, or whose own lease is over', async (t, db) => {
  const storage = await db.open();
  const { nodes } = storage;
  await nodes.register('a', hourMs);
  await nodes.register('late', shortLeaseMs);
  await nodes.register('due', shortLeaseMs);
  // Both leases are over after the first few of these calls.
  for (let call = 0; call < 50; call += 1) {
    for (const by of ['late', 'nobody']) t.deepEqual(await nodes.markDead(by), [], by);
  }
  await markDead(storage, 'a', 'due');
  t.deepEqual(await nodes.renew('a'), ['a']);
});

eachDatabase(test, 'nobody is marked by a node that has not renewed its own lease a moment ago', async (t, db) => {
  const { nodes } = await db.open();
  await nodes.register('slow', 1000);
  // It is over when more than a fifth of the other has passed, and not before.
  await nodes.register('due', 300);
  const end = performance.now() + 500;
  while (performance.now() < end) t.deepEqual(await nodes.markDead('slow'), []);
  await t.notThrowsAsync(
    until(patienceMs, async () => {
      await nodes.renew('slow');
      if (!(await nodes.markDead('slow')).includes('due')) throw new Error('It stood still in between.');
    }),
  );
});

eachDatabase(test, 'the claims of a dead node are free, and their numbers go on', async (t, db) => {
  const storage = await db.open();
  const { nodes, claims } = storage;
  const { user } = await furnish(storage);
  await nodes.register('a', hourMs);
  for (const gone of ['marked', 'left']) {
    await nodes.register(gone, gone === 'marked' ? shortLeaseMs : hourMs);
    const request = { userId: user, session: `s-${gone}`, node: gone, tokenHash: `hash-${gone}` };
    const taken = await claims.take(request);
    if (gone === 'marked') await markDead(storage, 'a', gone);
    else await nodes.leave(gone);
    t.is(await claims.findByUser(user), undefined);
    t.is(await claims.findByToken(`hash-${gone}`), undefined);
    t.deepEqual(await claims.listByNode(gone), []);
    const next = await claims.take({ userId: user, session: 'next', node: 'a', tokenHash: 'x' });
    t.is(next?.number, (taken?.number ?? 0) + 1);
    if (next !== undefined) await claims.release(next);
  }
});

eachDatabase(test, 'a dead node stores no message and neither takes, moves, keeps nor frees a claim', async (t, db) => {
  const storage = await db.open();
  const { nodes, claims, messages } = storage;
  const { user, room, message } = await furnish(storage);
  await nodes.register('a', hourMs);
  await nodes.register('b', hourMs);
  const held = { userId: user, session: 's', node: 'b', tokenHash: 'hash' };
  t.truthy(await claims.take(held));
  t.like(await messages.append([message], 'b'), [{ status: 'stored', id: 1 }]);
  await nodes.leave('b');
  const fresh = { ...message, ref: 'another' };
  const calls: Record<string, () => Promise<unknown>> = {
    append: () => messages.append([fresh], 'b'),
    'append of what is known': () => messages.append([message], 'b'),
    'append to a room that is gone': () => messages.append([{ ...fresh, roomId: 4711 }], 'b'),
    take: () => claims.take(held),
    bind: () => claims.bind(held, 'other'),
    release: () => claims.release(held),
  };
  const failures: Record<string, unknown> = {};
  const assertFenced = async (): Promise<void> => {
    for (const [name, call] of Object.entries(calls)) {
      const error = await t.throwsAsync(call(), { instanceOf: StoreError }, name);
      failures[name] = error.kind;
    }
    t.deepEqual(failures, Object.fromEntries(Object.keys(calls).map((name) => [name, 'fenced'])));
  };
  await assertFenced();
  const moved = { ...held, node: 'a', session: 'mine' };
  const taken = await claims.take(moved);
  calls['take over'] = () => claims.take(held, moved);
  await assertFenced();
  t.deepEqual(await claims.findByUser(user), taken);
  t.is((await messages.lastIds([room])).get(room), 1);
  t.like(await messages.append([fresh], 'a'), [{ status: 'stored', id: 2 }]);
  t.like(await messages.append([message]), [{ status: 'repeat', id: 1 }]);
});

postgresTest(test, 'whoever marks a node dead sees all that it has stored, and nothing comes after', async (t, db) => {
  const [marking, ...writing] = await Promise.all([db.open(), db.open(), db.open()]);
  const { user, room, message } = await furnish(marking);
  await marking.nodes.register('marking', hourMs);
  let stored = 0;
  for (let round = 0; round < fenceRounds; round += 1) {
    const node = `node ${round}`;
    await marking.nodes.register(node, shortLeaseMs);
    let next = 0;
    /** Stores one batch after the other until it is fenced; resolves the highest id that was answered. */
    const write = async ({ messages }: Storage): Promise<number> => {
      for (let highest = 0; ; ) {
        next += 1;
        const batch = [{ ...message, userId: user, ref: `${round} ${next}` }];
        try {
          const [outcome] = await messages.append(batch, node);
          if (outcome?.status === 'stored') highest = outcome.id;
        } catch (error) {
          if (error instanceof StoreError && error.kind === 'fenced') return highest;
          throw error;
        }
      }
    };
    const writers = writing.map(write);
    await markDead(marking, 'marking', node);
    const seen = (await marking.messages.lastIds([room])).get(room) ?? 0;
    const answered = Math.max(...(await Promise.all(writers)));
    if (answered > 0) stored += 1;
    const last = (await marking.messages.lastIds([room])).get(room);
    if (answered > seen || last !== seen) t.fail(`round ${round}: ${answered} answered, ${seen} seen, ${last} at last`);
  }
  // The rounds in which the node was dead before it had stored anything prove nothing.
  t.true(stored > fenceRounds / 10, `something was stored in ${stored} rounds`);
});

postgresTest(test, 'a lease is renewed while all else waits for a connection', async (t, db) => {
  const storage = await db.open({ pool: 2 });
  const { room, message } = await furnish(storage);
  await storage.nodes.register('a', hourMs);
  await withClient(db.url, async (holder) => {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM rooms WHERE id = $1 FOR UPDATE', [room]);
    let done = 0;
    const appends = Array.from({ length: 4 }, async (_, n) => {
      await storage.messages.append([{ ...message, ref: `${n}` }], 'a');
      done += 1;
    });
    for (let n = 0; n < 10; n += 1) t.deepEqual(await storage.nodes.renew('a'), ['a']);
    t.is(done, 0);
    await holder.query('COMMIT');
    await Promise.all(appends);
  });
});

postgresTest(test, 'a crowd of claims that wait leaves connections to messages', async (t, db) => {
  const storage = await db.open({ pool: 4 });
  const { user, message } = await furnish(storage);
  await storage.nodes.register('a', hourMs);
  await storage.claims.take({ userId: user, session: 'first', node: 'a', tokenHash: 'hash' });
  await withClient(db.url, async (holder) => {
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM sessions WHERE user_id = $1 FOR UPDATE', [user]);
    let done = 0;
    const takes = Array.from({ length: 10 }, async (_, n) => {
      await storage.claims.take({ userId: user, session: `${n}`, node: 'a', tokenHash: 'hash' });
      done += 1;
    });
    t.like(await storage.messages.append([message], 'a'), [{ status: 'stored' }]);
    t.is(done, 0);
    await holder.query('COMMIT');
    await Promise.all(takes);
  });
  t.like(await storage.claims.findByUser(user), { session: 'first' });
});
