/**
 * One session per user over three nodes, whatever happens: connections that race, die or take over, a bus that is away or
 * loses things, a store that fails or does things without saying so. There is never a second session, and once all is
 * well everybody gets in.
 */
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { ClaimStore } from '../../src/core/cluster-ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import { createRandom, type Random } from '../fuzz/random.ts';
import { until } from '../support/services.ts';
import { type Comer, openSessionNodes, type SessionNode, type SessionNodes } from '../support/session-nodes.ts';

const seeds = [1, 2, 3];
const userCount = 4;
const steps = 400;
/** Time that passes with each step, at most. */
const stepMs = 300;

type Faults = { isFailing: boolean };

/** Fails half of the time while it is failing: before anything was done, or afterwards. */
function faultyStore(random: Random, faults: Faults): (claims: ClaimStore) => ClaimStore {
  return (claims) => {
    const faulty =
      <Args extends unknown[], Value>(act: (...args: Args) => Promise<Value>) =>
      async (...args: Args): Promise<Value> => {
        const fate = faults.isFailing ? random.weighted({ well: 2, before: 1, after: 1 }) : 'well';
        if (fate === 'before') throw new StoreError('unavailable', 'The store is away.');
        const value = await act(...args);
        // Others see what was done before its answer is here.
        if (random.chance(0.3)) await delay(random.int(1, 8));
        if (fate === 'after') throw new StoreError('unknown', 'Perhaps it was done.');
        return value;
      };
    return {
      take: faulty((...args: Parameters<ClaimStore['take']>) => claims.take(...args)),
      release: faulty((...args: Parameters<ClaimStore['release']>) => claims.release(...args)),
      bind: faulty((...args: Parameters<ClaimStore['bind']>) => claims.bind(...args)),
      findByUser: faulty((...args: Parameters<ClaimStore['findByUser']>) => claims.findByUser(...args)),
      findByUsers: faulty((...args: Parameters<ClaimStore['findByUsers']>) => claims.findByUsers(...args)),
      findByToken: faulty((...args: Parameters<ClaimStore['findByToken']>) => claims.findByToken(...args)),
      listByNode: faulty((...args: Parameters<ClaimStore['listByNode']>) => claims.listByNode(...args)),
    };
  };
}

/** Where the user has a session that is open. */
function placesOf(nodes: readonly SessionNode[], userId: number): string[] {
  return nodes.filter(({ sessions }) => sessions.stateOf(userId) !== undefined).map(({ id }) => id);
}

/** One more connection comes, or something else happens. */
function act(
  all: SessionNodes,
  users: readonly { token: string }[],
  random: Random,
  faults: Faults,
  open: Comer[],
): void {
  const node = random.pick(all.nodes);
  switch (random.weighted({ come: 12, go: 5, cut: 3, lose: 1, break: 1, mend: 2, fail: 1, heal: 2 })) {
    case 'come': {
      const options = { dead: random.chance(0.3), resumable: random.chance(0.5), takeover: random.chance(0.2) };
      void node.come(random.pick(users).token, options).then((comer) => open.push(comer));
      return;
    }
    case 'go':
    case 'cut':
      open.splice(random.int(0, open.length), 1)[0]?.events?.onClose(random.chance(0.6));
      return;
    case 'lose':
      all.hub.lose(random.int(1, 5));
      return;
    case 'break':
      all.hub.break(random.chance(0.5) ? node.bus : undefined);
      return;
    case 'mend':
      all.hub.mend();
      return;
    case 'fail':
    case 'heal':
      faults.isFailing = random.chance(0.3);
  }
}

for (const seed of seeds) {
  test(`nobody ever has two sessions, and everybody gets in afterwards (seed ${seed})`, async (t) => {
    t.timeout(120_000);
    const random = createRandom(seed);
    const faults = { isFailing: false };
    const all = await openSessionNodes(t, 3, { wrapClaims: faultyStore(random.fork('store'), faults) });
    const users = await Promise.all(Array.from({ length: userCount }, (_, n) => all.user(`user${n}`)));
    const open: Comer[] = [];
    let chatting = 0;
    for (let step = 0; step < steps; step += 1) {
      act(all, users, random, faults, open);
      await delay(1);
      all.clock.advance(random.int(0, stepMs));
      for (const { id } of users) {
        const places = placesOf(all.nodes, id);
        if (places.length > 1) t.fail(`step ${step}: user ${id} chats on ${places.join(' and ')}`);
        chatting += places.length;
      }
    }
    t.true(chatting > steps, `${chatting} sessions were seen`);
    faults.isFailing = false;
    all.hub.mend();
    for (const { token } of users) {
      const node = random.pick(all.nodes);
      await until(30_000, async () => {
        const { ended } = await all.during(node.come(token, { takeover: true }));
        if (ended.length > 0) throw new Error(`sent away: ${ended.join()}`);
      });
    }
    for (const { id } of users) t.is(placesOf(all.nodes, id).length, 1);
  });
}
