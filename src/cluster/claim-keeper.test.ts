import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { patienceMs, until } from '../../test/support/services.ts';
import { openSessionNodes, type SessionNode, type SessionNodes } from '../../test/support/session-nodes.ts';
import { hashToken } from '../core/accounts.ts';
import type { ClaimStore } from '../core/cluster-ports.ts';
import { StoreError, type StoreErrorKind } from '../core/ports.ts';

type Two = [SessionNode, SessionNode];

/** Claims that fail while `fault` is set: before they are made, or with `unknown` afterwards. Counts what was asked. */
function faultyClaims(): {
  wrapClaims: (claims: ClaimStore) => ClaimStore;
  fault?: StoreErrorKind | undefined;
  asked: string[];
} {
  const faulty: ReturnType<typeof faultyClaims> = {
    asked: [],
    wrapClaims(claims) {
      const guard =
        <Args extends unknown[], Value>(name: string, act: (...args: Args) => Promise<Value>) =>
        async (...args: Args): Promise<Value> => {
          faulty.asked.push(name);
          const { fault } = faulty;
          if (fault !== undefined && fault !== 'unknown') throw new StoreError(fault, fault);
          const value = await act(...args);
          if (fault === 'unknown') throw new StoreError(fault, fault);
          return value;
        };
      return {
        take: guard('take', (...args: Parameters<ClaimStore['take']>) => claims.take(...args)),
        release: guard('release', (...args: Parameters<ClaimStore['release']>) => claims.release(...args)),
        bind: guard('bind', (...args: Parameters<ClaimStore['bind']>) => claims.bind(...args)),
        findByUser: guard('findByUser', (...args: Parameters<ClaimStore['findByUser']>) => claims.findByUser(...args)),
        findByUsers: guard('findByUsers', (...args: Parameters<ClaimStore['findByUsers']>) =>
          claims.findByUsers(...args),
        ),
        findByToken: guard('findByToken', (...args: Parameters<ClaimStore['findByToken']>) =>
          claims.findByToken(...args),
        ),
        listByNode: guard('listByNode', (...args: Parameters<ClaimStore['listByNode']>) => claims.listByNode(...args)),
      };
    },
  };
  return faulty;
}

/** Together with `patienceMs` less than the minute after which a comparison would see to it. */
const passedMostMs = 20_000;

/** Lets time pass until `look` finds what is wanted. */
function inTime({ clock }: SessionNodes, look: () => Promise<void>): Promise<void> {
  let passedMs = 0;
  return until(patienceMs, async () => {
    passedMs += 100;
    if (passedMs < passedMostMs) clock.advance(100);
    await look();
  });
}

/** Lets time pass until the user is claimed by nobody. */
function untilFree(all: SessionNodes, userId: number): Promise<void> {
  return inTime(all, async () => {
    const claim = await all.storage.claims.findByUser(userId);
    if (claim !== undefined) throw new Error(`Claimed by ${claim.session} on ${claim.node}.`);
  });
}

test('a session that has ended lets go of its user', async (t) => {
  const all = await openSessionNodes(t, 1);
  const { id, token } = await all.user('ann');
  const comer = await all.nodes[0]?.come(token);
  t.like(await all.storage.claims.findByUser(id), { node: 'a' });
  comer?.events?.onClose(true);
  await t.notThrowsAsync(untilFree(all, id));
});

test('while the store is away nobody gets in and is told to come again, and what ended meanwhile lets go afterwards', async (t) => {
  for (const fault of ['unavailable', 'busy', 'unknown'] as const) {
    const faulty = faultyClaims();
    const all = await openSessionNodes(t, 1, faulty);
    const [a] = all.nodes as [SessionNode];
    const ann = await all.user('ann');
    const bob = await all.user('bob');
    const first = await a.come(ann.token);
    faulty.fault = fault;
    const refused = await a.come(bob.token);
    t.deepEqual(refused.ended, ['unavailable']);
    first.events?.onClose(true);
    await turn();
    t.is(a.sessions.size, 0);
    faulty.fault = undefined;
    await untilFree(all, ann.id);
    // Perhaps it had been claimed all the same.
    await untilFree(all, bob.id);
    for (const { token } of [ann, bob]) t.deepEqual((await a.come(token)).ended, []);
  }
});

test('a session that has come after an attempt that failed keeps its claim', async (t) => {
  const faulty = faultyClaims();
  const all = await openSessionNodes(t, 1, faulty);
  const [a] = all.nodes as [SessionNode];
  const { id, token } = await all.user('ann');
  await a.come(token, { resumable: true });
  const key = (await all.storage.claims.findByUser(id))?.session ?? '';
  faulty.fault = 'unavailable';
  // What an attempt leaves behind of which nobody knows whether it was claimed.
  a.keeper.release({ userId: id, key });
  await turn();
  faulty.fault = undefined;
  a.keeper.keep({ userId: id, key });
  for (let passedMs = 0; passedMs < 10_000; passedMs += 250) {
    all.clock.advance(250);
    await turn();
  }
  t.like(await all.storage.claims.findByUser(id), { session: key, node: 'a' });
});

test('a store that is away is not asked more often than every few seconds', async (t) => {
  const faulty = faultyClaims();
  const { nodes, user, clock } = await openSessionNodes(t, 1, faulty);
  const [a] = nodes as [SessionNode];
  const { token } = await user('ann');
  const comer = await a.come(token);
  faulty.fault = 'unavailable';
  comer.events?.onClose(true);
  for (let passedMs = 0; passedMs < 60_000; passedMs += 250) {
    clock.advance(250);
    await turn();
  }
  const tries = faulty.asked.filter((name) => name === 'release').length;
  t.true(tries > 10 && tries < 20, `${tries} times`);
});

test('what this node left behind is replaced at once, and its token is the one that came last', async (t) => {
  const { nodes, user, storage } = await openSessionNodes(t, 2);
  const [a, b] = nodes as Two;
  const { id, token } = await user('ann');
  await storage.claims.take({ userId: id, session: 'left', node: 'a', tokenHash: 'h' });
  const comer = await a.come(token, { resumable: true });
  t.deepEqual(comer.ended, []);
  const [session] = a.sessions.all();
  t.like(await storage.claims.findByUser(id), { session: session?.key, node: 'a', number: 2 });
  t.is(await storage.claims.findByToken('h'), undefined);
  // What another node left behind is replaced once it says so.
  const bob = await user('bob');
  await storage.claims.take({ userId: bob.id, session: 'left', node: 'a', tokenHash: 'h' });
  t.deepEqual((await b.come(bob.token)).ended, []);
});

test('a session that goes on with another token is found by that one', async (t) => {
  const faulty = faultyClaims();
  const { nodes, user, storage, clock } = await openSessionNodes(t, 1, faulty);
  const [a] = nodes as [SessionNode];
  const { id, token } = await user('ann');
  await a.come(token, { resumable: true });
  const [session] = a.sessions.all();
  const other = await a.accounts.createToken(id, 'other', null);
  faulty.fault = 'unavailable';
  const cursor = `${session?.id}.0`;
  t.truthy((await a.come(other.token, { resumable: true, cursor })).events);
  faulty.fault = undefined;
  await until(patienceMs, async () => {
    clock.advance(1000);
    if ((await storage.claims.findByToken(hashToken(other.token))) === undefined) throw new Error('not yet bound');
  });
  t.is(await storage.claims.findByToken(hashToken(token)), undefined);
});

test('each minute claims without a session are freed, and sessions without a claim end', async (t) => {
  const all = await openSessionNodes(t, 1);
  const [a] = all.nodes as [SessionNode];
  await all.storage.nodes.register('b', 3_600_000);
  const ann = await all.user('ann');
  const bob = await all.user('bob');
  const eve = await all.user('eve');
  const annHere = await a.come(ann.token);
  const bobHere = await a.come(bob.token);
  const eveHere = await a.come(eve.token);
  await all.storage.claims.take({ userId: (await all.user('left')).id, session: 'left', node: 'a', tokenHash: 'h' });
  const left = await all.storage.claims.listByNode('a');
  t.is(left.length, 4);
  // Somebody else has taken it, nobody has it, and all is well.
  const [annClaim, bobClaim, eveClaim] = left as [(typeof left)[0], (typeof left)[0], (typeof left)[0]];
  await all.storage.claims.take({ userId: ann.id, session: 'other', node: 'b', tokenHash: 'h' }, annClaim);
  await all.storage.claims.release(bobClaim);
  all.clock.advance(60_000);
  await until(patienceMs, async () => {
    if (a.sessions.size > 1) throw new Error('They are still there.');
    if ((await all.storage.claims.listByNode('a')).length > 1) throw new Error('What was left is still claimed.');
  });
  t.deepEqual([annHere.ended, bobHere.ended, eveHere.ended], [['restarting'], ['restarting'], []]);
  t.deepEqual(await all.storage.claims.listByNode('a'), [eveClaim]);
  t.like(await all.storage.claims.findByUser(ann.id), { session: 'other', node: 'b' });
});

test('a session that is on its way to another node, and one that ends just then, are not taken for lost', async (t) => {
  let onFind = (): void => {};
  const all = await openSessionNodes(t, 1, {
    wrapClaims: (claims) => ({
      ...claims,
      findByUser(id) {
        onFind();
        return claims.findByUser(id);
      },
    }),
  });
  const [a] = all.nodes as [SessionNode];
  await all.storage.nodes.register('b', 3_600_000);
  const ann = await all.user('ann');
  const bob = await all.user('bob');
  const annHere = await a.come(ann.token, { resumable: true });
  const bobHere = await a.come(bob.token);
  const [annClaim, bobClaim] = await all.storage.claims.listByNode('a');
  if (annClaim === undefined || bobClaim === undefined) throw new Error('They are not claimed.');
  await all.storage.claims.take({ ...annClaim, node: 'b', tokenHash: 'h' }, annClaim);
  await all.storage.claims.release(bobClaim);
  onFind = () => bobHere.events?.onClose(true);
  await a.keeper.compare();
  t.deepEqual([annHere.ended, a.said], [[], []]);
});

test('after the store was away claims are compared at once', async (t) => {
  const faulty = faultyClaims();
  const all = await openSessionNodes(t, 1, faulty);
  const { nodes, user, storage } = all;
  const [a] = nodes as [SessionNode];
  const ann = await user('ann');
  const bob = await user('bob');
  const first = await a.come(ann.token);
  faulty.fault = 'unavailable';
  t.deepEqual((await a.come(bob.token)).ended, ['unavailable']);
  const claim = await storage.claims.findByUser(ann.id);
  if (claim !== undefined) await storage.claims.release(claim);
  faulty.fault = undefined;
  await inTime(all, async () => {
    if (first.ended.length === 0) throw new Error('It goes on without a claim.');
  });
  t.deepEqual(first.ended, ['restarting']);
});

test('a node that was marked dead claims nothing and says so; under its next name it does', async (t) => {
  const { nodes, user, storage } = await openSessionNodes(t, 1);
  const [a] = nodes as [SessionNode];
  const { token } = await user('ann');
  await storage.nodes.leave('a');
  const refused = await a.come(token);
  t.deepEqual([refused.ended, a.fenced], [['restarting'], ['a']]);
  await storage.nodes.register('a2', 3_600_000);
  a.peers.restart('a2');
  t.deepEqual((await a.come(token)).ended, []);
  t.like((await storage.claims.listByNode('a2'))[0], { node: 'a2' });
});

test('a claim that was granted to a node that is dead by then opens nothing', async (t) => {
  let granted: () => Promise<void> = async () => {};
  const { nodes, user, storage } = await openSessionNodes(t, 1, {
    wrapClaims: (claims) => ({
      ...claims,
      async take(...args) {
        const claim = await claims.take(...args);
        await granted();
        return claim;
      },
    }),
  });
  const [a] = nodes as [SessionNode];
  const { id, token } = await user('ann');
  granted = async () => {
    await storage.nodes.leave('a');
    await storage.nodes.register('a2', 3_600_000);
    a.peers.restart('a2');
  };
  t.deepEqual((await a.come(token)).ended, ['restarting']);
  t.is(a.sessions.size, 0);
  granted = async () => {};
  t.deepEqual((await a.come(token)).ended, []);
  t.like(await storage.claims.findByUser(id), { node: 'a2' });
});

test('who is sent away while the user is claimed leaves no claim behind', async (t) => {
  let granted = (): void => {};
  const all = await openSessionNodes(t, 1, {
    wrapClaims: (claims) => ({
      ...claims,
      async take(...args) {
        const claim = await claims.take(...args);
        granted();
        return claim;
      },
    }),
  });
  const [a] = all.nodes as [SessionNode];
  const { id, token } = await all.user('ann');
  granted = () => a.sessions.kickUser(id);
  t.deepEqual((await a.come(token)).ended, ['kicked']);
  await untilFree(all, id);
  granted = () => a.sessions.close();
  t.deepEqual((await a.come(token)).ended, ['restarting']);
  await untilFree(all, id);
  t.is(a.sessions.size, 0);
});

test('a client that comes again while its first connection waits for the store gets in', async (t) => {
  let goOn = (): void => {};
  const stalled = new Promise<void>((resolve) => (goOn = resolve));
  let isFirst = true;
  const all = await openSessionNodes(t, 1, {
    wrapClaims: (claims) => ({
      ...claims,
      async take(...args) {
        if (isFirst) {
          isFirst = false;
          await stalled;
        }
        return claims.take(...args);
      },
    }),
  });
  const [a] = all.nodes as [SessionNode];
  const { token } = await all.user('ann');
  const given = a.come(token, { dead: true });
  void given.then(({ events }) => events?.onClose(false));
  await until(patienceMs, async () => {
    if (isFirst) throw new Error('The store was not asked yet.');
  });
  const [again, other] = [a.come(token), a.come(token)];
  await turn();
  goOn();
  // One at a time: of those who have waited the second is refused.
  t.deepEqual((await again).ended, []);
  t.deepEqual((await other).ended, ['already-chatting']);
  t.is(a.sessions.size, 1);
});
