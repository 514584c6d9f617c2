/** The contract of ClaimStore, on both databases. What only several nodes do is in node-store.test.ts. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Claim, ClaimRequest, ClaimStore } from '../../src/core/cluster-ports.ts';
import { eachDatabase } from '../support/databases.ts';

type World = { claims: ClaimStore; users: number[] };

/** Two nodes, `a` and `b`, and three users. */
function eachClaimStore(title: string, body: (t: ExecutionContext, world: World) => Promise<void>): void {
  eachDatabase(test, title, async (t, db) => {
    const { nodes, claims, users } = await db.open();
    for (const id of ['a', 'b']) await nodes.register(id, 3_600_000);
    const ids: number[] = [];
    for (const username of ['ann', 'bob', 'eve']) {
      const account = { username, email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 };
      ids.push((await users.create(account)).id);
    }
    await body(t, { claims, users: ids });
  });
}

const request = (userId: number, session: string, node = 'a'): ClaimRequest => ({
  userId,
  session,
  node,
  tokenHash: `hash of ${session}`,
});

async function take(t: ExecutionContext, claims: ClaimStore, ...args: Parameters<ClaimStore['take']>): Promise<Claim> {
  const claim = await claims.take(...args);
  if (claim === undefined) throw new Error(`${JSON.stringify(args)} was not granted.`);
  const { userId, session, node } = args[0];
  t.like(claim, { userId, session, node });
  return claim;
}

eachClaimStore('a user is held by the first session that asks, until it lets go', async (t, { claims, users }) => {
  const [ann = 0, bob = 0] = users;
  t.is(await claims.findByUser(ann), undefined);
  const first = await take(t, claims, request(ann, 's1'));
  t.deepEqual(await claims.findByUser(ann), first);
  for (const other of [request(ann, 's2'), request(ann, 's2', 'b'), request(ann, 's1', 'b')]) {
    t.is(await claims.take(other), undefined);
  }
  t.deepEqual(await claims.findByUser(ann), first);
  const another = await take(t, claims, request(bob, 's3', 'b'));
  await claims.release(first);
  t.is(await claims.findByUser(ann), undefined);
  t.deepEqual(await claims.findByUser(bob), another);
  const next = await take(t, claims, request(ann, 's2', 'b'));
  t.true(next.number > first.number);
});

eachClaimStore('of several users those are found who are held', async (t, { claims, users }) => {
  const [ann = 0, bob = 0, eve = 0] = users;
  const held = [await take(t, claims, request(ann, 's1')), await take(t, claims, request(eve, 's2', 'b'))];
  const free = await take(t, claims, request(bob, 's3'));
  await claims.release(free);
  const found = await claims.findByUsers([eve, ann, bob, 99]);
  t.deepEqual(
    found.sort((one, other) => one.userId - other.userId),
    held,
  );
  t.deepEqual(await claims.findByUsers([]), []);
});

eachClaimStore('a session that asks again keeps the user, under a higher number', async (t, { claims, users }) => {
  const [ann = 0] = users;
  const first = await take(t, claims, request(ann, 's1'));
  const again = await take(t, claims, request(ann, 's1'));
  t.true(again.number > first.number);
  const moved = await take(t, claims, request(ann, 's1', 'b'), again);
  // As after a move whose answer was lost: what it was taken over from holds it no more.
  const repeated = await take(t, claims, request(ann, 's1', 'b'), again);
  t.true(repeated.number > moved.number);
  t.deepEqual(await claims.findByUser(ann), repeated);
});

eachClaimStore(
  'only the claim that is named is taken over, and it holds nothing then',
  async (t, { claims, users }) => {
    const [ann = 0] = users;
    const first = await take(t, claims, request(ann, 's1'));
    for (const over of [
      { session: 's1', node: 'b' },
      { session: 's2', node: 'a' },
      { session: 's9', node: 'b' },
    ]) {
      t.is(await claims.take(request(ann, 's9', 'b'), over), undefined);
    }
    const second = await take(t, claims, request(ann, 's2', 'b'), first);
    t.true(second.number > first.number);
    t.is(await claims.take(request(ann, 's3'), first), undefined);
    await claims.release(first);
    await claims.bind(first, 'stolen');
    t.deepEqual(await claims.findByUser(ann), second);
    t.is(await claims.findByToken('stolen'), undefined);
    t.deepEqual(await claims.findByToken('hash of s2'), second);
    const leftover = await take(t, claims, request(ann, 's4', 'b'), second);
    t.deepEqual(await claims.listByNode('b'), [leftover]);
  },
);

eachClaimStore('a claim that was made anew is not taken over under its former number', async (t, { claims, users }) => {
  const [ann = 0] = users;
  const first = await take(t, claims, request(ann, 's1'));
  const again = await take(t, claims, request(ann, 's1'), first);
  t.is(await claims.take(request(ann, 's1', 'b'), first), undefined);
  t.deepEqual(await claims.findByUser(ann), again);
  const moved = await take(t, claims, request(ann, 's1', 'b'), again);
  t.deepEqual(await claims.findByUser(ann), moved);
  await take(t, claims, request(ann, 's2'), { session: 's1', node: 'b' });
});

eachClaimStore('what is free may be taken also by who wanted to take it over', async (t, { claims, users }) => {
  const [ann = 0] = users;
  const first = await take(t, claims, request(ann, 's1'));
  await claims.release(first);
  const second = await take(t, claims, request(ann, 's2', 'b'), first);
  t.true(second.number > first.number);
});

eachClaimStore('a session that has ended is not moved', async (t, { claims, users }) => {
  const [ann = 0] = users;
  const first = await take(t, claims, request(ann, 's1'));
  await claims.release(first);
  t.is(await claims.take(request(ann, 's1', 'b'), first), undefined);
  t.is(await claims.findByUser(ann), undefined);
  await take(t, claims, request(ann, 's1'));
});

eachClaimStore('a claim is found by the token that its session has now', async (t, { claims, users }) => {
  const [ann = 0, bob = 0] = users;
  const first = await take(t, claims, request(ann, 's1'));
  const other = await take(t, claims, request(bob, 's2'));
  t.deepEqual(await claims.findByToken('hash of s1'), first);
  await claims.bind(first, 'another');
  await claims.bind(first, 'another');
  t.is(await claims.findByToken('hash of s1'), undefined);
  t.deepEqual(await claims.findByToken('another'), first);
  t.deepEqual(await claims.findByToken('hash of s2'), other);
  await claims.release(first);
  t.is(await claims.findByToken('another'), undefined);
  const next = await take(t, claims, request(ann, 's3'));
  t.is(await claims.findByToken('another'), undefined);
  t.deepEqual(await claims.findByToken('hash of s3'), next);
});

eachClaimStore('all claims of a node are listed, by user', async (t, { claims, users }) => {
  const [ann = 0, bob = 0, eve = 0] = users;
  t.deepEqual(await claims.listByNode('a'), []);
  const ofEve = await take(t, claims, request(eve, 's1'));
  const ofBob = await take(t, claims, request(bob, 's2', 'b'));
  const ofAnn = await take(t, claims, request(ann, 's3'));
  t.deepEqual(await claims.listByNode('a'), [ofAnn, ofEve]);
  const moved = await take(t, claims, request(eve, 's1', 'b'), ofEve);
  t.deepEqual(await claims.listByNode('a'), [ofAnn]);
  t.deepEqual(await claims.listByNode('b'), [ofBob, moved]);
  t.deepEqual(await claims.listByNode('c'), []);
});

eachClaimStore('of many who ask at once one is granted', async (t, { claims, users }) => {
  const [ann = 0] = users;
  let last = 0;
  for (let round = 0; round < 20; round += 1) {
    const asked = Array.from({ length: 8 }, (_, n) => request(ann, `s${round}.${n}`, n % 2 === 0 ? 'a' : 'b'));
    const granted = (await Promise.all(asked.map((each) => claims.take(each)))).flatMap((claim) => claim ?? []);
    t.is(granted.length, 1);
    const [winner] = granted as [Claim];
    t.true(winner.number > last);
    last = winner.number;
    t.deepEqual(await claims.findByUser(ann), winner);
    // Taken over by one of many as well, while its holder lets go.
    const wanted = asked.map((each) => ({ ...each, session: `${each.session} over` }));
    const [, ...results] = await Promise.all([
      claims.release(winner),
      ...wanted.map((each) => claims.take(each, winner)),
    ]);
    const next = results.flatMap((claim) => claim ?? []);
    t.is(next.length, 1);
    t.true((next[0]?.number ?? 0) > last);
    last = next[0]?.number ?? 0;
    await claims.release(next[0] as Claim);
  }
});

eachDatabase(test, 'a user who does not exist cannot be claimed', async (t, db) => {
  const { nodes, claims } = await db.open();
  await nodes.register('a', 3_600_000);
  const error = await t.throwsAsync(claims.take(request(4711, 's1')));
  t.like(error, { kind: 'rejected' });
});

const seenClusters: string[] = [];

eachDatabase(test, 'a cluster has one id, whoever asks first, and each database another', async (t, db) => {
  const storages = await Promise.all([db.open(), db.open(), db.open()]);
  const ids = await Promise.all(storages.flatMap((storage) => [storage.clusterId(), storage.clusterId()]));
  const id = await (await db.open()).clusterId();
  t.deepEqual([...new Set(ids)], [id]);
  t.regex(id, /^[\w-]{16}$/);
  t.false(seenClusters.includes(id));
  seenClusters.push(id);
});
