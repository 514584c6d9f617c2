/**
 * What the scenarios of a cluster share: the cluster itself, accounts, members, watchers that cling to a node, what is
 * stored, and what must be true when a scenario is over.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext, SerialFn } from 'ava';
import { randomText, systemClock } from '../../src/core/clock.ts';
import type { Storage } from '../../src/core/ports.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { readLog, signUp } from '../fuzz/ground.ts';
import { type StoredLog, verifyLogs, verifyRoom } from '../fuzz/verify.ts';
import { type Cluster, startCluster, whyNoCluster } from '../support/cluster-processes.ts';
import { openRawClient, type RawFrame, type RawWebSocketClient } from '../support/raw-client.ts';
import { patienceMs, programTest, until } from '../support/services.ts';
import { compare } from './cluster-truth.ts';
import { type NodeWatcher, openNodeWatcher } from './node-watcher.ts';
import { unexpectedLines } from './unexpected.ts';

export const room = 'friends';
/** The processes of a cluster start, and a scenario waits for leases, on a machine that runs other tests, too. */
const testMs = 150_000;

export type ClusterWorld = {
  readonly t: ExecutionContext;
  readonly cluster: Cluster;
  tokenOf(name: string): Promise<string>;
  /** A member of the room that clings to a node. Resolves when it is in. */
  watch(name: string, node: number): Promise<NodeWatcher>;
  /** A WebSocket to `url`, resumable, in the room. */
  enter(name: string, url: string): Promise<RawWebSocketClient>;
  /** What the room's log holds in SQL. */
  stored(): Promise<StoredLog>;
  /** Asserts that all nodes and the database agree that exactly these are in the room, within some time. */
  agreesOn(names: readonly string[]): Promise<void>;
};

export type WorldOptions = {
  env?: Readonly<Record<string, string>>;
  /** Whether the scenario takes the database away. */
  breaksDatabase?: boolean;
};

/** Registers a scenario, which has the machine for itself within its file. At its end nothing is broken that nodes and watchers promise whatever happens. */
export function clusterTest(
  test: SerialFn,
  title: string,
  body: (t: ExecutionContext, world: ClusterWorld) => Promise<void>,
  options: WorldOptions = {},
): void {
  programTest(test, whyNoCluster(), title, async (t) => {
    t.timeout(testMs);
    const cluster = await startCluster(t, { env: options.env ?? {} });
    const storage = await openStorage({
      url: cluster.postgres.url,
      pool: 2,
      synchronous: 'NORMAL',
      clock: systemClock,
      random: randomText,
    });
    t.teardown(() => storage.close());
    const faults: string[] = [];
    const watchers: NodeWatcher[] = [];
    const world = createWorld(t, cluster, storage, watchers, (what) => void faults.push(what));
    try {
      await body(t, world);
      t.deepEqual(faults, [], 'what watchers saw');
      await assertLogs(t, world, watchers);
      t.deepEqual(cluster.crashes, []);
      for (const node of cluster.nodes) {
        t.deepEqual(unexpectedLines(node.output(), options.breaksDatabase === true), [], `log of node ${node.index}`);
      }
      if (!t.passed) tell(t, cluster);
    } catch (error) {
      tell(t, cluster);
      throw error;
    }
  });
}

/** What the nodes wrote last, for whoever reads why it failed. */
function tell(t: ExecutionContext, { nodes }: Cluster): void {
  for (const node of nodes) t.log(`node ${node.index}:\n${tail(node.output())}`);
}

function tail(output: string): string {
  return output
    .split('\n')
    .slice(-25)
    .map((line) => line.slice(0, 300))
    .join('\n');
}

function createWorld(
  t: ExecutionContext,
  cluster: Cluster,
  storage: Storage,
  watchers: NodeWatcher[],
  fail: (what: string) => void,
): ClusterWorld {
  const tokens = new Map<string, Promise<string>>();
  const tokenOf = (name: string): Promise<string> => {
    const token = tokens.get(name) ?? signUp(cluster.balancer.url, name);
    tokens.set(name, token);
    return token;
  };
  return {
    t,
    cluster,
    tokenOf,
    async watch(name, node) {
      const url = cluster.nodes[node]?.url ?? '';
      const watcher = openNodeWatcher({ name, token: await tokenOf(name), url, rooms: [room], fail });
      watchers.push(watcher);
      t.teardown(() => watcher.close());
      await holds(`${name} is in the room`, () => watcher.logs.get(room)?.isMember === true);
      return watcher;
    },
    async enter(name, url) {
      const client = await openRawClient(t, url, { token: await tokenOf(name), resume: true });
      await client.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
      return client;
    },
    async stored() {
      const found = await storage.rooms.findByName(room);
      return readLog(storage, found?.id ?? 0);
    },
    async agreesOn(names) {
      const visitor = { name: 'visitor', token: await tokenOf('visitor') };
      let last: string[] = [];
      await holds('all agree', async () => {
        // A look that was too early is a visit, too: what it left behind settles first.
        if (last.length > 0) await delay(500);
        last = await compare(cluster, { rooms: [room], living: names }, visitor);
        return last.length === 0;
      }).catch(() => {});
      t.deepEqual(last, []);
    },
  };
}

/** Waits until it holds; `what` is said when it never does. Resolves after how many milliseconds it did. */
export async function holds(what: string, isSo: () => Promise<boolean> | boolean): Promise<number> {
  const begun = performance.now();
  await until(patienceMs, async () => {
    if (!(await isSo())) throw new Error(`It does not hold: ${what}`);
  });
  return performance.now() - begun;
}

/** Each watcher has what is stored, once and in order, and what a member said came before it was seen to part. */
async function assertLogs(t: ExecutionContext, world: ClusterWorld, watchers: readonly NodeWatcher[]): Promise<void> {
  const stored = await world.stored();
  const lastIds = new Map([[room, stored.size]]);
  t.deepEqual(verifyRoom(room, stored, new Set()), []);
  for (const watcher of watchers) {
    await holds(`${watcher.name} has read everything`, () => watcher.unfinished(lastIds) === undefined);
    t.deepEqual(verifyLogs({ logs: Array.from(watcher.logs.values()) }, new Map([[room, stored]])), []);
    t.deepEqual(saidAfterPart(watcher, stored), [], `${watcher.name}: nobody speaks who has parted`);
  }
}

function saidAfterPart({ logs }: NodeWatcher, stored: StoredLog): string[] {
  const faults: string[] = [];
  for (const { events } of logs.get(room)?.memberships ?? []) {
    const gone = new Set<string>();
    for (const event of events) {
      const [code = '', what = ''] = event.split(' ');
      if (code === 'parted') gone.add(what);
      else if (code === 'joined') gone.delete(what);
      else if (code === 'message' && gone.has(stored.get(Number(what))?.user ?? '')) faults.push(event);
    }
  }
  return faults;
}

/** How often a watcher saw somebody do this. */
export function countOf({ sightings }: NodeWatcher, code: string, user: string): number {
  return sightings.filter(({ frame }) => frame.code === code && frame.user === user).length;
}

/** Who is in the room, as a watcher was told, sorted. */
export function rosterOf({ logs }: NodeWatcher): string {
  return Array.from(logs.get(room)?.roster ?? [])
    .sort()
    .join(' ');
}

/** The ids of all messages that a client was shown in the room, in the order in which it was. */
export function idsOf(frames: readonly RawFrame[]): number[] {
  const ids: number[] = [];
  for (const { code, id = 0, you, status, repeat } of frames as readonly (RawFrame & { repeat?: boolean })[]) {
    if (code === 'joined' && you === true) ids.push(...(status?.messages ?? []).map((message) => message.id).reverse());
    else if (code === 'message' && repeat !== true) ids.push(id);
  }
  return ids;
}
