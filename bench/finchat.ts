/** finchat as its users start it: on SQLite or PostgreSQL, one process or the nodes of a cluster. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { randomText, systemClock } from '../src/core/clock.ts';
import { openStorage } from '../src/storage/storage.ts';
import { findFreePort } from '../test/support/services.ts';
import { type Contestant, type NodeFlags, type RunningServer, roomNames, running } from './contestant.ts';
import { coreOfNode, startNode } from './processes.ts';

/** What nodes share beside the database. */
export type ClusterSize = { nodes: number; redisUrl: string };

const readyDeadlineMs = 20_000;

/** `folder` is the working directory: without an `.env`, so that nothing but `databaseUrl` and the names here counts. */
export function createFinchat(databaseUrl: string, folder: string, cluster?: ClusterSize): Contestant {
  const program = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const known: string[] = [];
  let madeRooms = 0;
  const settings = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl,
    RATE_LIMITS: 'off',
    // Hashing passwords is not what is measured.
    BCRYPT_ROUNDS: '4',
    LOG_LEVEL: 'warn',
    ...(cluster && { REDIS_URL: cluster.redisUrl }),
  };
  const startOne = async (index: number, flags?: NodeFlags): Promise<RunningServer> => {
    const port = await findFreePort();
    const env = { ...settings, PORT: String(port) };
    // What it prints on its start is not for this report; what goes wrong is.
    const child = startNode(coreOfNode(index), [...(flags?.(index) ?? []), program, 'serve'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const server = running(child, port);
    try {
      await untilReady(child, port);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  };
  const stored = `each message stored in ${databaseUrl.startsWith('sqlite') ? 'SQLite' : 'PostgreSQL'}`;
  const name = cluster === undefined ? 'finchat' : `cluster-${cluster.nodes}`;
  return {
    name,
    meaning: cluster === undefined ? `finchat serve, ${stored}` : `the same, nodes of a cluster: ${cluster.nodes}`,
    isNode: true,
    start: (flags) => startNodes(cluster?.nodes ?? 1, (index) => startOne(index, flags)),
    rooms: async (count) => {
      const names = roomNames(count);
      await createRooms(databaseUrl, names.slice(madeRooms));
      madeRooms = Math.max(madeRooms, count);
      return names;
    },
    tokens: async (server, count) => {
      const missing = Array.from({ length: Math.max(0, count - known.length) }, (_, index) => known.length + index);
      const made = await inParallel(missing, 4, (index) =>
        createAccount(server.nodes[0]?.port ?? 0, `${name}-${String(index).padStart(5, '0')}`),
      );
      known.push(...made);
      return known.slice(0, count);
    },
  };
}

/** One after the other: the first one migrates. */
async function startNodes(count: number, startOne: (index: number) => Promise<RunningServer>): Promise<RunningServer> {
  const started: RunningServer[] = [];
  const stopEach = async (): Promise<void> => {
    await Promise.all(started.map((server) => server.stop()));
  };
  try {
    for (let index = 0; index < count; index += 1) started.push(await startOne(index));
  } catch (error) {
    await stopEach();
    throw error;
  }
  return { nodes: started.flatMap(({ nodes }) => nodes), stop: stopEach };
}

async function untilReady(child: ChildProcess, port: number): Promise<void> {
  const end = performance.now() + readyDeadlineMs;
  while (performance.now() < end) {
    if (child.exitCode !== null) throw new Error(`finchat serve ended with ${child.exitCode}: its words are above.`);
    const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (response?.ok === true) return;
    await sleep(50);
  }
  throw new Error(`finchat serve was not ready within ${readyDeadlineMs} ms.`);
}

/** As the command line does it, without a process for each. */
async function createRooms(url: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const options = { url, pool: 1, synchronous: 'NORMAL', clock: systemClock, random: randomText } as const;
  const storage = await openStorage({ ...options, busyTimeoutMs: 10_000 });
  try {
    for (const name of names) {
      if ((await storage.rooms.findByName(name)) === undefined)
        await storage.rooms.create({ name, topic: '', createdAt: systemClock.now() });
    }
  } finally {
    await storage.close();
  }
}

async function createAccount(port: number, username: string): Promise<string> {
  const account = { username, password: 'tidal-Quartz-7731-lamp' };
  await post(port, '/register', account);
  const { token } = (await post(port, '/login', account)) as { token: string };
  return token;
}

async function post(port: number, path: string, body: object): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Like `Promise.all`, a few at a time; results in the order of the items. */
async function inParallel<T, R>(items: readonly T[], width: number, run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const entries = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await run(item);
  };
  await Promise.all(Array.from({ length: width }, work));
  return results;
}
