/**
 * One round of the fuzzer: a server process of its own, clients behind faulty proxies, a watcher that nobody disturbs;
 * some time of chaos, then peace, and everything that must be true then. The seed decides the schedule.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TransportWish } from '../../src/client/index.ts';
import { randomText, systemClock } from '../../src/core/clock.ts';
import type { Storage } from '../../src/core/ports.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { makeFolder } from '../support/services.ts';
import { readFigures } from './figures.ts';
import { readLastIds, readLog, signUp, type Teardowns, untilFault, withDiary } from './ground.ts';
import type { FuzzClient, Tally } from './parts.ts';
import { createRandom, type Random } from './random.ts';
import { openRawDriver } from './raw-driver.ts';
import { openSdkDriver } from './sdk-driver.ts';
import { type StoredLog, verifyCommands, verifyLogs, verifyMemberships, verifyRoom, verifyStored } from './verify.ts';
import { openWatcher, type Watcher } from './watcher.ts';

export type RoundOptions = {
  seed: number;
  /** Of chaos. */
  seconds: number;
  /** Session clients, which know the protocol and not the SDK. */
  clients: number;
  /** Users of the SDK. */
  sdkClients: number;
  tally: Tally;
  /** A PostgreSQL database; undefined: a SQLite file of the round's own. */
  databaseUrl?: string | undefined;
};

const wishes: readonly TransportWish[] = ['auto', 'websocket', 'sse', 'poll'];
const rooms = ['friends', 'family', 'investments'];
/** With the usual outbox, which nothing fills in that time; and with the smallest, which long messages do fill. */
const roomy = { graceSeconds: 3, env: {} };
const narrow = { graceSeconds: 5, env: { SESSION_OUTBOX: '327680' } };
/** To come back, rejoin and catch up, on a busy machine. */
const peaceMs = 60_000;
/** Far above what the server needs, far below what a leak of each session's messages would take in a round. */
const heapMax = 128;
/** MiB of the whole process, in which the outboxes' buffers are. */
const rssMax = 400;
/** The server's connections to PostgreSQL: its pool, and one for its lock. */
const databaseSockets = 11;

type Stage = {
  readonly faults: string[];
  fail: (what: string) => void;
  readonly server: ServerProcess;
  readonly storage: Storage;
  readonly watcher: Watcher;
  readonly clients: (FuzzClient & { close(): Promise<void> })[];
};

/** Resolves the faults that were found, with what their client did last; none: all is well. */
export async function runRound(t: Teardowns, options: RoundOptions): Promise<string[]> {
  const stage = await setUp(t, options);
  for (const client of stage.clients) client.start();
  await untilFault(stage.faults, options.seconds * 1000, () => Promise.resolve(false));
  for (const client of stage.clients) client.rest();
  let unfinished = '';
  const isSettled = await untilFault(stage.faults, peaceMs, async () => {
    const lastIds = await readLastIds(stage.storage);
    const lines = stage.clients.map((client) => [client.name, client.unfinished(lastIds)] as const);
    unfinished = lines.flatMap(([name, why]) => (why === undefined ? [] : [`${name}: ${why}`])).join('; ');
    return unfinished === '';
  });
  if (stage.faults.length === 0 && !isSettled) stage.fail(`not settled: ${unfinished}`);
  if (stage.faults.length === 0) await verify(stage);
  if (stage.faults.length === 0) await verifyEnd(stage, options.databaseUrl === undefined ? 0 : databaseSockets);
  return stage.faults.map((fault) => withDiary(fault, stage.clients));
}

async function setUp(t: Teardowns, options: RoundOptions): Promise<Stage> {
  const { seed, tally, databaseUrl } = options;
  const random = createRandom(seed);
  // A SQLite file of its own even where PostgreSQL is used: the folder costs nothing.
  const folder = await makeFolder('fuzz');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const url = databaseUrl ?? `sqlite://${join(folder, 'finchat.sqlite')}`;
  const isRoomy = seed % 2 === 0;
  const { graceSeconds, env } = isRoomy ? roomy : narrow;
  const server = await startServerProcess(t, {
    DATABASE_URL: url,
    SESSION_GRACE: String(graceSeconds),
    METRICS_PORT: '0',
    LOG_LEVEL: 'info',
    // A server that keeps too much ends here, and everybody notices.
    NODE_OPTIONS: `--max-old-space-size=${heapMax}`,
    ...env,
  });
  const storage = await openStorage({
    url,
    pool: 2,
    synchronous: 'NORMAL',
    clock: systemClock,
    random: randomText,
    busyTimeoutMs: 5000,
  });
  t.teardown(() => storage.close());
  const faults: string[] = [];
  // The first is the one that counts: what follows may follow from it.
  const fail = (what: string): void => {
    if (faults.length < 5) faults.push(what);
  };
  const watcher = await openWatcher({
    name: 'watcher',
    token: await signUp(server.url, 'watcher'),
    url: server.url,
    rooms,
    fail,
  });
  const start = performance.now();
  const clients = await openClients({
    ...options,
    random,
    server,
    tally,
    start,
    graceMs: graceSeconds * 1000,
    isRoomy,
    fail,
  });
  // Before the server is: it would otherwise be said to be lost.
  t.teardown(async () => {
    await Promise.all(clients.map((client) => client.close()));
  });
  return { faults, fail, server, storage, watcher, clients };
}

async function openClients(options: {
  random: Random;
  clients: number;
  sdkClients: number;
  server: ServerProcess;
  tally: Tally;
  start: number;
  graceMs: number;
  isRoomy: boolean;
  fail: (what: string) => void;
}): Promise<Stage['clients']> {
  const { random, clients, sdkClients, server, graceMs, isRoomy, ...rest } = options;
  const shared = { ...rest, target: server.url, rooms };
  const raw = Array.from({ length: clients }, async (_, n) => {
    const own = { name: `raw-${n}`, token: await signUp(server.url, `raw-${n}`), random: random.fork(`raw-${n}`) };
    return openRawDriver({ ...shared, ...own, graceMs, isRoomy, isGentle: n % 2 === 0 });
  });
  const sdk = Array.from({ length: sdkClients }, async (_, n) => {
    const own = { name: `sdk-${n}`, token: await signUp(server.url, `sdk-${n}`), random: random.fork(`sdk-${n}`) };
    const transport = wishes[n % wishes.length] ?? 'auto';
    return openSdkDriver({ ...shared, ...own, transport });
  });
  return Promise.all([...raw, ...sdk]);
}

async function verify({ storage, watcher, clients, fail, faults }: Stage): Promise<void> {
  await watcher.settle();
  const stored = new Map<string, StoredLog>();
  for (const room of await storage.rooms.list()) stored.set(room.name, await readLog(storage, room.id));
  const orderly = new Set(clients.filter((client) => client.keepsOrder).map((client) => client.name));
  for (const [name, log] of stored) verifyRoom(name, log, orderly).forEach(fail);
  const everybody = [...clients.map((client) => client.name), 'watcher'].sort().join();
  for (const log of watcher.logs.values()) {
    const there = Array.from(log.roster).sort().join();
    if (there !== everybody) fail(`watcher: in ${log.name} are ${there}`);
    for (const fault of verifyCommands(log.memberships[0]?.events ?? [])) fail(`watcher: ${log.name}: ${fault}`);
  }
  for (const client of clients) {
    for (const fault of [...verifyLogs(client, stored), ...verifyStored(client, stored)])
      fail(`${client.name}: ${fault}`);
    for (const [room, { memberships }] of watcher.logs) {
      const own = client.memberships.filter((membership) => membership.room === room);
      const found = verifyMemberships(own, memberships[0]?.events ?? []);
      for (const fault of found) fail(`${client.name}: ${room}: ${fault}`);
    }
    if (faults.length > 0) return;
  }
}

/** All leave: nothing of them is left. */
async function verifyEnd(stage: Stage, ownSockets: number): Promise<void> {
  const { clients, watcher, server, fail } = stage;
  await Promise.all(clients.map((client) => client.leave()));
  const isAlone = (): boolean => Array.from(watcher.logs.values()).every(({ roster }) => roster.size === 1);
  if (!(await untilFault(stage.faults, 10_000, () => Promise.resolve(isAlone()))))
    fail('watcher: is not alone in the end');
  await Promise.all(clients.map((client) => client.close()));
  await watcher.close();
  let left = '';
  let rssMb = 0;
  const isEmpty = await untilFault(stage.faults, 10_000, async () => {
    const { sessions, rooms: live, sockets, rssBytes } = await readFigures(server);
    rssMb = Math.round(rssBytes / 2 ** 20);
    left = `${sessions} sessions, ${live} rooms, ${sockets} connections`;
    // One connection is the one that asks.
    return sessions === 0 && live === 0 && sockets <= 1 + ownSockets;
  });
  if (rssMb > rssMax) fail(`the server's memory is ${rssMb} MiB when all have left`);
  if (!isEmpty) fail(`the server keeps ${left} when all have left`);
  if (/"level":(50|60|"error"|"fatal")/.test(server.output()))
    fail(`the server reports errors:\n${server.output().slice(-2000)}`);
  const code = await server.end('SIGTERM');
  if (code !== 0) fail(`the server ended with ${String(code)}`);
}
