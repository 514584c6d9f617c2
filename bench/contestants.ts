/** The servers that are measured: finchat as it is built, and for each transport what is bare of everything. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort, runToEnd } from '../test/support/services.ts';
import type { ServerNode, Transport } from './plan.ts';
import { coreOfNode, serverCore, startNode, stop } from './processes.ts';

/** `nodes`: one, unless it is a cluster. */
export type RunningServer = { nodes: ServerNode[]; stop(): Promise<void> };

/** What nodes share beside the database. */
export type ClusterSize = { nodes: number; redisUrl: string };

export type Contestant = {
  name: string;
  /** What the name stands for, in the report. */
  meaning: string;
  start(): Promise<RunningServer>;
  /** Names of as many rooms, made on the running server where rooms must be made. The same ones each time. */
  rooms(count: number): Promise<string[]>;
  /** Tokens of as many accounts, made on the running server where it has accounts. The same ones each time. */
  tokens(server: RunningServer, count: number): Promise<string[]>;
};

const readyDeadlineMs = 20_000;

export type BaselineName = 'ws-broadcast' | 'ws-joined' | 'sse-broadcast' | 'sse-joined' | 'poll-joined';

const baselines: Readonly<
  Record<BaselineName, { transport: Transport; program: [string, ...string[]]; meaning: string }>
> = {
  'ws-broadcast': {
    transport: 'websocket',
    program: ['baseline.js', 'broadcast'],
    meaning: 'the ws library alone: each message encoded once, one write for each socket and message',
  },
  'ws-joined': {
    transport: 'websocket',
    program: ['baseline.js', 'joined'],
    meaning: 'the ws library alone: the messages of one turn joined, one write for each socket',
  },
  'sse-broadcast': {
    transport: 'sse',
    program: ['baseline-http.js', 'sse', 'broadcast'],
    meaning: 'node:http alone: each event encoded once, without an id, one write for each stream and event',
  },
  'sse-joined': {
    transport: 'sse',
    program: ['baseline-http.js', 'sse', 'joined'],
    meaning:
      'node:http alone: the events of one turn joined, one write for each stream, each event with an id of its own',
  },
  'poll-joined': {
    transport: 'poll',
    program: ['baseline-http.js', 'poll', 'joined'],
    meaning:
      'node:http alone: the messages of one turn joined, one answer for each waiting poll, with a cursor of its own',
  },
};

export function baselinesOf(transport: Transport): BaselineName[] {
  const names = Object.keys(baselines) as BaselineName[];
  return names.filter((name) => baselines[name].transport === transport);
}

export function createBaseline(name: BaselineName): Contestant {
  const { meaning, program } = baselines[name];
  const [file, ...args] = program;
  const script = fileURLToPath(new URL(file, import.meta.url));
  return {
    name,
    meaning,
    start: async () => {
      const child = startNode(serverCore, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
      const { stdout } = child;
      if (stdout === null) throw new Error('The baseline server has no output.');
      const line = await Promise.race([once(createInterface(stdout), 'line'), once(child, 'exit')]);
      const port = Number(line[0]);
      if (!(port > 0) || child.exitCode !== null) throw new Error('The baseline server did not start.');
      return running(child, port);
    },
    rooms: async (count) => roomNames(count),
    tokens: async (_server, count) => Array.from({ length: count }, (_, index) => `t${index}`),
  };
}

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
  const startOne = async (index: number): Promise<RunningServer> => {
    const port = await findFreePort();
    const env = { ...settings, PORT: String(port) };
    // What it prints on its start is not for this report; what goes wrong is.
    const child = startNode(coreOfNode(index), [program, 'serve'], {
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
    start: () => startNodes(cluster?.nodes ?? 1, startOne),
    rooms: async (count) => {
      const names = roomNames(count);
      for (; madeRooms < count; madeRooms += 1) {
        await runToEnd(process.execPath, [program, 'rooms', 'create', names[madeRooms] ?? '', '--if-not-exists'], {
          cwd: folder,
          env: settings,
        });
      }
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

function roomNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `bench-${index}`);
}

function running(child: ChildProcess, port: number): RunningServer {
  return { nodes: [{ port, pid: child.pid ?? 0 }], stop: () => stop(child) };
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
