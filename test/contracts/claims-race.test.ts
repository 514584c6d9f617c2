/** Claims that race: two nodes in two processes on one PostgreSQL, for the same users at the same time. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Claim, ClaimStore, ReplacedClaim } from '../../src/core/cluster-ports.ts';
import type { Storage } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import type { Chance } from '../support/chaos.ts';
import { createChance, pick } from '../support/chaos.ts';
import type { TestDatabase } from '../support/databases.ts';
import { postgresTest } from '../support/databases.ts';
import { patienceMs, until } from '../support/services.ts';
import { openStoresElsewhere } from '../support/storage-process.ts';

const hourMs = 3_600_000;
const races = 1000;
/** Users raced for at the same time: so many claims are under way in each process. */
const lanes = 8;

type Node = { id: string; claims: ClaimStore };

async function openNodes(t: ExecutionContext, db: TestDatabase): Promise<{ storage: Storage; nodes: [Node, Node] }> {
  const storage = await db.open();
  const [a, b] = await Promise.all([openStoresElsewhere(t, db.url), openStoresElsewhere(t, db.url)]);
  await Promise.all([a.nodes.register('a', hourMs), b.nodes.register('b', hourMs)]);
  const nodes: [Node, Node] = [
    { id: 'a', claims: a.claims },
    { id: 'b', claims: b.claims },
  ];
  return { storage, nodes };
}

/** Runs `lane` for several users at once. */
async function eachLane(storage: Storage, lane: (userId: number) => Promise<void>): Promise<void> {
  const userIds: number[] = [];
  for (let n = 0; n < lanes; n += 1) {
    const account = { username: `user${n}`, email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 };
    userIds.push((await storage.users.create(account)).id);
  }
  // All to their end, also when one fails: the processes they ask are ended after the test.
  const results = await Promise.allSettled(userIds.map(lane));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

postgresTest(
  test,
  'two connections of one user that race on two nodes: one gets the session, a thousand times',
  async (t, db) => {
    const { storage, nodes } = await openNodes(t, db);
    const wins: Record<string, number> = { a: 0, b: 0 };
    await eachLane(storage, async (userId) => {
      for (let race = 1; race <= races / lanes; race += 1) {
        // Each is told first in half of the races.
        const order = race % 2 === 0 ? nodes : nodes.toReversed();
        const session = (id: string): string => `${id} ${race}`;
        const results = await Promise.all(
          order.map(({ id, claims }) => claims.take({ userId, session: session(id), node: id, tokenHash: 'hash' })),
        );
        const granted = results.flatMap((claim) => claim ?? []);
        const [winner] = granted;
        if (granted.length !== 1 || winner?.number !== race) {
          t.fail(`race ${race}: ${JSON.stringify(granted)}`);
          return;
        }
        wins[winner.node] = (wins[winner.node] ?? 0) + 1;
        for (const { claims } of order) t.deepEqual(await claims.findByUser(userId), winner);
        await nodes.find(({ id }) => id === winner.node)?.claims.release(winner);
      }
    });
    t.is((wins['a'] ?? 0) + (wins['b'] ?? 0), races);
    // Were it always the same one, nobody would have raced.
    t.true(Math.min(...Object.values(wins)) > races / 100, JSON.stringify(wins));
  },
);

/** One call of a step: a claim that is wanted, perhaps over another one, or the release of the holder's. */
type Act = { kind: 'take'; session: string; node: string; over?: ReplacedClaim } | { kind: 'release'; claim: Claim };
type Granted = { claim: Claim; over: ReplacedClaim | undefined };

/** What is done at once: to the holder, if there is one, by whoever wants its place, and by those who come too late. */
function drawActs(chance: Chance, step: number, holder: Claim | undefined, former: readonly Claim[]): Act[] {
  return Array.from({ length: 2 + Math.floor(chance() * 4) }, (_, n): Act => {
    const node = pick(chance, ['a', 'b']);
    const fresh = { kind: 'take', session: `${step}.${n}`, node } as const;
    if (holder === undefined) return fresh;
    const kind = pick(chance, ['fresh', 'over', 'over', 'move', 'move', 'late', 'release'] as const);
    if (kind === 'release') return { kind, claim: holder };
    // With its number or without.
    const over = pick<ReplacedClaim>(chance, [holder, { session: holder.session, node: holder.node }]);
    if (kind === 'move') return { ...fresh, session: holder.session, node: holder.node === 'a' ? 'b' : 'a', over };
    if (kind === 'late') return { ...fresh, over: pick(chance, [over, ...former.slice(-3)]) };
    return kind === 'over' ? { ...fresh, over } : fresh;
  });
}

/** The claims that were granted, in the order of their numbers. */
async function run(nodes: readonly Node[], userId: number, acts: readonly Act[]): Promise<Granted[]> {
  const granted: Granted[] = [];
  const claimsOf = (id: string): ClaimStore => (nodes.find((node) => node.id === id) as Node).claims;
  await Promise.all(
    acts.map(async (act) => {
      if (act.kind === 'release') return claimsOf(act.claim.node).release(act.claim);
      const { session, node, over } = act;
      const claim = await claimsOf(node).take({ userId, session, node, tokenHash: session }, over);
      if (claim !== undefined) granted.push({ claim, over });
      return undefined;
    }),
  );
  return granted.sort((a, b) => a.claim.number - b.claim.number);
}

type Named = ReplacedClaim | undefined;

/** Whether what is named is the claim, by its number where that is named too. */
const isSame = (named: Named, claim: Named): boolean =>
  named?.session === claim?.session &&
  named?.node === claim?.node &&
  (named?.number === undefined || named.number === claim?.number);

/** Why these claims cannot have been granted one after the other, beginning with `holder`; undefined: they can. */
function whyImpossible(
  holder: Claim | undefined,
  last: number,
  acts: readonly Act[],
  granted: readonly Granted[],
): string | undefined {
  const mayBeReleased = acts.some(({ kind }) => kind === 'release');
  let before = holder;
  for (const [index, { claim, over }] of granted.entries()) {
    if (claim.number !== last + 1 + index) return `number ${claim.number} after ${last + index}`;
    // Only the holder at the beginning is ever released here, by as many as want to.
    const wasFree = before === undefined || (mayBeReleased && isSame(before, holder));
    const { session, node, number } = claim;
    if (!wasFree && !isSame(over, before) && !isSame({ session, node }, before)) return `number ${number} was not free`;
    before = claim;
  }
  return undefined;
}

postgresTest(
  test,
  'takes, moves and releases that race on two nodes leave one holder, and numbers that count them all',
  async (t, db) => {
    const { storage, nodes } = await openNodes(t, db);
    let races = 0;
    await eachLane(storage, async (userId) => {
      const chance = createChance(userId);
      const former: Claim[] = [];
      let holder: Claim | undefined;
      for (let step = 0; step < 100; step += 1) {
        const acts = drawActs(chance, step, holder, former);
        const granted = await run(nodes, userId, acts);
        const why = whyImpossible(holder, former.length, acts, granted);
        const now = await storage.claims.findByUser(userId);
        former.push(...granted.map(({ claim }) => claim));
        const last = granted.at(-1)?.claim ?? holder;
        const mayBeFree = acts.some(({ kind }) => kind === 'release') && isSame(last, holder);
        if (
          why !== undefined ||
          !(now === undefined ? mayBeFree || holder === undefined : now.number === last?.number)
        ) {
          t.fail(`${why}: ${JSON.stringify({ step, holder, acts, granted, now })}`);
          return;
        }
        if (granted.length > 0 && granted.length < acts.length) races += 1;
        holder = now;
      }
      for (const { claims, id } of nodes) {
        t.deepEqual(await claims.findByUser(userId), holder);
        t.is(
          (await claims.listByNode(id)).some((claim) => claim.userId === userId),
          holder?.node === id,
        );
      }
    });
    t.true(races > 80, `${races} steps in which some were refused`);
  },
);

postgresTest(test, 'no claim outlives its node, however many are asked for while it is marked dead', async (t, db) => {
  const { storage, nodes } = await openNodes(t, db);
  const [{ claims }] = nodes;
  let taken = 0;
  await eachLane(storage, async (userId) => {
    for (let round = 0; round < 25; round += 1) {
      const node = `${userId}.${round}`;
      await storage.nodes.register(node, 1);
      const hold = async (): Promise<void> => {
        for (let n = 0; ; n += 1) {
          const claim = { userId, session: `${round}.${n}`, node };
          try {
            if ((await claims.take({ ...claim, tokenHash: 'hash' })) !== undefined) taken += 1;
            if (n % 2 === 0) await claims.bind(claim, 'other');
            await claims.release(claim);
          } catch (error) {
            t.is(error instanceof StoreError ? error.kind : error, 'fenced');
            return;
          }
        }
      };
      const holding = hold();
      await until(patienceMs, async () => {
        const marked = await storage.nodes.markDead('b');
        // Or by another lane.
        const isDead = marked.includes(node) || (await storage.nodes.renew(node)) === undefined;
        if (!isDead) throw new Error('not yet');
      });
      t.deepEqual(await storage.claims.listByNode(node), []);
      await holding;
      t.is(await storage.claims.findByUser(userId), undefined);
    }
  });
  t.true(taken > 25, `${taken} claims`);
});
