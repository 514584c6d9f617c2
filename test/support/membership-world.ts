/** Nodes on a store of nodes that lives in memory, whose time moves when a test says so. */
import { setImmediate as turn } from 'node:timers/promises';
import { createMembership, type Membership } from '../../src/cluster/membership.ts';
import type { NodeStore } from '../../src/core/cluster-ports.ts';
import { type Clock, StoreError } from '../../src/core/ports.ts';
import { createManualTimers } from './manual-timers.ts';

export const leaseMs = 10_000;

export type MembershipWorld = {
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

export function openMembershipWorld(): MembershipWorld {
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
  const rows: MembershipWorld['rows'] = new Map();
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
  const world: MembershipWorld = {
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
