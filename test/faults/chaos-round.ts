/**
 * One round of chaos: the session fuzzer's clients over a cluster of processes, through the balancer, while the plan
 * breaks one part after the other; then peace, and everything that must be true then. The seed decides the plan and what
 * the clients do.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { TransportWish } from '../../src/client/index.ts';
import { randomText, systemClock } from '../../src/core/clock.ts';
import type { Storage } from '../../src/core/ports.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { readFigures } from '../fuzz/figures.ts';
import { readLastIds, readLog, signUp, type Teardowns, untilFault, withDiary } from '../fuzz/ground.ts';
import { createDiary, type Diary, type FuzzClient, type Tally } from '../fuzz/parts.ts';
import { createRandom, type Random } from '../fuzz/random.ts';
import { openRawDriver } from '../fuzz/raw-driver.ts';
import { openSdkDriver } from '../fuzz/sdk-driver.ts';
import { type StoredLog, verifyCommands, verifyLogs, verifyRoom, verifyStored } from '../fuzz/verify.ts';
import { type Cluster, startCluster } from '../support/cluster-processes.ts';
import { compare } from './cluster-truth.ts';
import { type NodeWatcher, openNodeWatcher } from './node-watcher.ts';
import { type Performance, perform } from './perform.ts';
import { breaksDatabase, describePlan, makePlan, type Plan } from './schedule.ts';
import { unexpectedLines } from './unexpected.ts';

export type ChaosOptions = {
  seed: number;
  /** Of chaos. */
  seconds: number;
  nodes: number;
  clients: number;
  sdkClients: number;
  tally: Tally;
  /** Takes the plan before it begins. */
  print: (text: string) => void;
  /** Takes what each node has written, when something was wrong. */
  keep?: (name: string, text: string) => void;
};

const rooms = ['friends', 'family', 'investments'];
const wishes: readonly TransportWish[] = ['auto', 'websocket', 'sse', 'poll'];
/** Longer than a node is away mostly, so that sessions are there to be moved; shorter than a round. */
const graceSeconds = 6;
/** The clients of a fuzzer's round would keep one node busy; here three share two cores with both services. */
const slowness = 3;
/** A node hears of an end by way of the balancer and its door, and may have to finish an opening first, on a busy machine. */
const gapMs = 3000;
/** Each session client has another one of its user come about so often. */
const rivalEveryMs = 6000;
/** To come back, rejoin and catch up after the last trouble, on a busy machine. */
const peaceMs = 90_000;
/** For what nodes tell each other to have arrived, in peace. */
const agreeMs = 30_000;
/** Between two looks at what they say: each is a visit that everybody sees. */
const lookMs = 600;
/** MiB of the heap, and of the whole process, which no node needs: what grows without bound gets there. */
const heapMax = 160;
const rssMax = 400;

type Stage = {
  readonly faults: string[];
  fail: (what: string) => void;
  readonly cluster: Cluster;
  readonly storage: Storage;
  readonly plan: Plan;
  readonly chronicle: Diary;
  readonly watchers: readonly NodeWatcher[];
  readonly clients: readonly (FuzzClient & { close(): Promise<void> })[];
  readonly visitor: { name: string; token: string };
  performance: Performance | undefined;
};

/** Resolves the faults that were found, with what happened last; none: all is well. */
export async function runChaos(t: Teardowns, options: ChaosOptions): Promise<string[]> {
  const stage = await setUp(t, options);
  const { faults, fail, cluster, clients, watchers, storage } = stage;
  for (const client of clients) client.start();
  const performance = perform({ ...stage, note: (what) => noteEvent(stage, options.tally, what) });
  stage.performance = performance;
  await untilFault(faults, options.seconds * 1000, () => Promise.resolve(false));
  performance.stop();
  // Also after a fault: what is broken would be started again when everything has ended.
  await Promise.race([performance.done, delay(peaceMs, undefined, { ref: false })]);
  if (faults.length === 0) await cluster.mend();
  stage.chronicle.note('peace');
  for (const client of clients) client.rest();
  let unfinished = '';
  const isSettled = await untilFault(faults, peaceMs, async () => {
    const lastIds = await readLastIds(storage);
    const lines = [...clients, ...watchers].map((client) => [client.name, client.unfinished(lastIds)] as const);
    unfinished = lines.flatMap(([name, why]) => (why === undefined ? [] : [`${name}: ${why}`])).join('; ');
    return unfinished === '';
  });
  if (faults.length === 0 && !isSettled) fail(`not settled: ${unfinished}`);
  if (faults.length === 0) await verify(stage);
  if (faults.length === 0) await verifyEnd(stage);
  cluster.crashes.forEach(fail);
  if (faults.length > 0) for (const node of cluster.nodes) options.keep?.(`node-${node.index}.log`, node.output());
  return faults.map((fault) => tell(fault, stage));
}

function noteEvent({ chronicle }: Stage, tally: Tally, what: string): void {
  chronicle.note(what);
  if (!what.startsWith('over')) tally.count(`cluster: ${what.replace(/ for .*$/, '').replace(/node \d+/, 'node')}`);
}

async function setUp(t: Teardowns, options: ChaosOptions): Promise<Stage> {
  const random = createRandom(options.seed);
  const plan = makePlan(random.fork('plan'), { nodes: options.nodes, durationMs: options.seconds * 1000 });
  options.print(describePlan(plan));
  const cluster = await startCluster(t, {
    nodes: options.nodes,
    env: {
      SESSION_GRACE: String(graceSeconds),
      // A server that keeps too much ends here, and everybody notices.
      NODE_OPTIONS: `--max-old-space-size=${heapMax}`,
    },
  });
  const storage = await openStorage({
    url: cluster.postgres.url,
    pool: 2,
    synchronous: 'NORMAL',
    clock: systemClock,
    random: randomText,
  });
  t.teardown(() => storage.close());
  const faults: string[] = [];
  // The first is the one that counts: what follows may follow from it.
  const fail = (what: string): void => {
    if (faults.length < 5) faults.push(what);
  };
  const start = performance.now();
  const stage = { faults, fail, cluster, storage, plan, chronicle: createDiary(start), performance: undefined };
  const watchers = await openWatchers(stage);
  t.teardown(() => Promise.all(watchers.map((watcher) => watcher.close())));
  const visitor = { name: 'visitor', token: await signUp(cluster.balancer.url, 'visitor') };
  const full: Stage = { ...stage, watchers, visitor, clients: [] };
  const isTroubled = (): boolean => full.performance?.isTroubled() === true;
  const clients = await openClients({ ...options, random, url: cluster.balancer.url, start, isTroubled, fail });
  t.teardown(() => Promise.all(clients.map((client) => client.close())));
  return Object.assign(full, { clients });
}

async function openWatchers({ cluster, fail }: Pick<Stage, 'cluster' | 'fail'>): Promise<NodeWatcher[]> {
  return Promise.all(
    cluster.nodes.map(async ({ url, index }) => {
      const name = `watcher-${index}`;
      return openNodeWatcher({ name, token: await signUp(url, name), url, rooms, fail });
    }),
  );
}

async function openClients(options: {
  random: Random;
  clients: number;
  sdkClients: number;
  url: string;
  tally: Tally;
  start: number;
  isTroubled: () => boolean;
  fail: (what: string) => void;
}): Promise<Stage['clients']> {
  const { random, clients, sdkClients, url, ...rest } = options;
  const shared = { ...rest, target: url, rooms, slowness, gapMs, rivalEveryMs };
  const raw = Array.from({ length: clients }, async (_, n) => {
    const own = { name: `raw-${n}`, token: await signUp(url, `raw-${n}`), random: random.fork(`raw-${n}`) };
    return openRawDriver({ ...shared, ...own, graceMs: graceSeconds * 1000, isRoomy: true, isGentle: n % 2 === 0 });
  });
  const sdk = Array.from({ length: sdkClients }, async (_, n) => {
    const own = { name: `sdk-${n}`, token: await signUp(url, `sdk-${n}`), random: random.fork(`sdk-${n}`) };
    return openSdkDriver({ ...shared, ...own, transport: wishes[n % wishes.length] ?? 'auto' });
  });
  return Promise.all([...raw, ...sdk]);
}

/** Everything that must be true in peace, with everybody there. */
async function verify(stage: Stage): Promise<void> {
  const { storage, watchers, clients, fail, faults, cluster, visitor } = stage;
  const living = [...clients, ...watchers].map(({ name }) => name);
  let differences: string[] = [];
  const agrees = await untilFault(
    faults,
    agreeMs,
    async () => {
      differences = [...compareRosters(stage, living), ...(await compare(cluster, { rooms, living }, visitor))];
      return differences.length === 0;
    },
    lookMs,
  );
  if (!agrees) differences.slice(0, 5).forEach(fail);
  const stored = new Map<string, StoredLog>();
  for (const room of await storage.rooms.list()) stored.set(room.name, await readLog(storage, room.id));
  const orderly = new Set(clients.filter((client) => client.keepsOrder).map((client) => client.name));
  for (const [name, log] of stored) verifyRoom(name, log, orderly).forEach(fail);
  const found = [...clients, ...watchers].flatMap((client) => {
    const logs = 'memberships' in client ? client : { logs: Array.from(client.logs.values()) };
    return verifyLogs(logs, stored).map((fault) => `${client.name}: ${fault}`);
  });
  found.forEach(fail);
  for (const client of clients) {
    for (const fault of verifyStored(client, stored)) fail(`${client.name}: ${fault}`);
  }
  for (const { name, events } of seenBy(stage)) {
    for (const fault of verifyCommands(events)) fail(`${name}: ${fault}`);
  }
}

/** Each member's events of each room, over all its memberships. */
function* seenBy({ clients, watchers }: Stage): Iterable<{ name: string; events: string[] }> {
  for (const room of rooms) {
    for (const { name, memberships } of clients) {
      yield { name, events: memberships.filter((one) => one.room === room).flatMap(({ events }) => events) };
    }
    for (const { name, logs } of watchers) {
      yield { name, events: (logs.get(room)?.memberships ?? []).flatMap(({ events }) => events) };
    }
  }
}

/** What each member was told of who is there. */
function compareRosters({ clients, watchers }: Stage, living: readonly string[]): string[] {
  const faults: string[] = [];
  const wanted = living.toSorted().join();
  const look = (name: string, room: string, roster: ReadonlySet<string> | undefined): void => {
    const found = Array.from(roster ?? [])
      .sort()
      .join();
    if (found !== wanted) faults.push(`${name}: in ${room} are ${found}`);
  };
  for (const { name, rosters } of clients) for (const room of rooms) look(name, room, rosters.get(room));
  for (const { name, logs } of watchers) for (const room of rooms) look(name, room, logs.get(room)?.roster);
  return faults;
}

/** All leave: nothing of them is left, and every node ends well. */
async function verifyEnd(stage: Stage): Promise<void> {
  const { clients, watchers, cluster, plan, visitor, fail, faults } = stage;
  await Promise.all(clients.map((client) => client.leave()));
  await Promise.all(watchers.map((watcher) => watcher.close()));
  let left: string[] = [];
  const isEmpty = await untilFault(
    faults,
    agreeMs,
    async () => {
      left = await compare(cluster, { rooms, living: [] }, visitor);
      for (const node of cluster.nodes) {
        const { rooms: live, sessions } = await readFigures(node.process);
        if (live > 0 || sessions > 0) left.push(`node ${node.index} has ${sessions} sessions, ${live} rooms`);
      }
      return left.length === 0;
    },
    lookMs,
  );
  if (!isEmpty) fail(`when all have left: ${left.join('; ')}`);
  for (const node of cluster.nodes) {
    const { rssBytes } = await readFigures(node.process);
    const rssMb = Math.round(rssBytes / 2 ** 20);
    if (rssMb > rssMax) fail(`node ${node.index} has ${rssMb} MiB when all have left`);
    const code = await node.stop();
    if (code !== 0) fail(`node ${node.index} ended with ${String(code)}`);
    const lines = unexpectedLines(node.output(), breaksDatabase(plan));
    if (lines.length > 0) fail(`node ${node.index} logged ${lines.length} errors:\n${lines.slice(0, 5).join('\n')}`);
  }
}

function tell(fault: string, { clients, chronicle }: Stage): string {
  return `${withDiary(fault, clients)}\n  -- the cluster --\n  ${chronicle.lines.slice(-20).join('\n  ')}`;
}
