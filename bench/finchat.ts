/** finchat as its users start it: on SQLite or PostgreSQL, one process or the nodes of a cluster. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { hashToken } from '../src/core/accounts.ts';
import { systemClock } from '../src/core/clock.ts';
import { findFreePort } from '../test/support/services.ts';
import { type Contestant, type NodeFlags, type RunningServer, roomNames, running } from './contestant.ts';
import { coreOfNode, startNode } from './processes.ts';
import { inStorage } from './stored.ts';

/** What nodes share beside the database. */
export type ClusterSize = { nodes: number; redisUrl: string };

const readyDeadlineMs = 20_000;
/** Of a log-in; longer than any bench. */
const tokenMs = 86_400_000;
// Finer than what is measured of a start.
const readyLookMs = 10;

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
    LOG_LEVEL: 'warn',
    ...(cluster && { REDIS_URL: cluster.redisUrl }),
  };
  const startOne = async (index: number, flags?: NodeFlags, fixedPort?: number): Promise<RunningServer> => {
    const port = fixedPort ?? (await findFreePort());
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
    database: databaseUrl,
    isNode: true,
    start: (flags, port) =>
      startNodes(cluster?.nodes ?? 1, (index) => startOne(index, flags, index === 0 ? port : undefined)),
    rooms: async (count) => {
      const names = roomNames(count);
      await createRooms(databaseUrl, names.slice(madeRooms));
      madeRooms = Math.max(madeRooms, count);
      return names;
    },
    tokens: async (_server, count) => {
      const missing = Array.from({ length: Math.max(0, count - known.length) }, (_, index) => known.length + index);
      const names = missing.map((index) => `${name}-${String(index).padStart(5, '0')}`);
      known.push(...(await createAccounts(databaseUrl, names)));
      return known.slice(0, count);
    },
  };
}

/** One after the other: the first one migrates. */
async function startNodes(count: number, startOne: (index: number) => Promise<RunningServer>): Promise<RunningServer> {
  const started: RunningServer[] = [];
  const stopEach = async (signal?: NodeJS.Signals): Promise<void> => {
    await Promise.all(started.map((server) => server.stop(signal)));
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
    await sleep(readyLookMs);
  }
  throw new Error(`finchat serve was not ready within ${readyDeadlineMs} ms.`);
}

/** As the command line does it, without a process for each. */
async function createRooms(url: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  await inStorage(url, async ({ rooms }) => {
    for (const name of names) {
      if ((await rooms.findByName(name)) === undefined)
        await rooms.create({ name, topic: '', createdAt: systemClock.now() });
    }
  });
}

/** Whoever has the tokens may chat; nobody knows the passwords. Over REST 10,000 of them would take minutes. */
export function createAccounts(url: string, usernames: readonly string[]): Promise<string[]> {
  if (usernames.length === 0) return Promise.resolve([]);
  const createdAt = systemClock.now();
  return inStorage(url, ({ users, tokens }) =>
    inParallel(usernames, 4, async (username) => {
      const { id } = await users.create({ username, email: '', passwordHash: '!', isSuperuser: false, createdAt });
      const token = randomBytes(32).toString('hex');
      await tokens.create({
        userId: id,
        hash: hashToken(token),
        label: null,
        createdAt,
        expiresAt: createdAt + tokenMs,
      });
      return token;
    }),
  );
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
