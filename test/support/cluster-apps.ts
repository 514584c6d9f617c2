/**
 * Nodes of one cluster in the test's own process, on a fresh PostgreSQL database and a real Redis: as in production but
 * for their processes. What needs a killed or paused node is in test/faults/.
 */
import type { ExecutionContext, TestFn } from 'ava';
import type { Env } from '../../src/config.ts';
import type { Clock } from '../../src/core/ports.ts';
import { startApp, type TestApp } from './app.ts';
import { createPostgresDatabase } from './databases.ts';
import type { RawFrame } from './raw-client.ts';
import { type RedisService, startRedis } from './redis.ts';
import { findService, serviceTest } from './services.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export type TestCluster = {
  /** One more than there are is the first again. */
  node(index: number): TestApp;
  readonly nodes: readonly TestApp[];
  /** Starts one more, also while Redis is away. */
  add(): Promise<TestApp>;
  /** The Redis of this cluster alone, where the test asked for one. */
  readonly redis: OwnRedis;
  /** The way of the node with this index to Redis. */
  wayOf(index: number): TcpProxy;
};

export type OwnRedis = Pick<RedisService, 'stop' | 'pause' | 'resume'> & { start(): Promise<void> };

export type ClusterTestOptions = {
  nodes?: number;
  env?: Env;
  clock?: Clock;
  /** The test takes Redis away. */
  ownRedis?: boolean;
};

/**
 * Registers a test over nodes that hear each other. Skipped, with the reason, without PostgreSQL or Redis. A file's run one
 * after the other: all nodes of a process share its event loop, and a node that hears its bus late takes it for lost.
 */
export function clusterTest(
  test: TestFn,
  title: string,
  body: (t: ExecutionContext, cluster: TestCluster) => Promise<void>,
  options: ClusterTestOptions = {},
): void {
  const redis = findService('redis');
  // Where Redis is missing, it is what the test is skipped or fails for.
  if ('missing' in redis) return serviceTest(test.serial, 'redis', title, async () => {});
  serviceTest(test.serial, 'postgres', title, async (t, postgresUrl) => {
    const db = await createPostgresDatabase(t, postgresUrl);
    const own = options.ownRedis === true ? await startRedis() : undefined;
    await body(t, await startCluster(t, { ...options, databaseUrl: db.url, redisUrl: own?.url ?? redis.url, own }));
  });
}

type Started = ClusterTestOptions & { databaseUrl: string; redisUrl: string; own: RedisService | undefined };

async function startCluster(t: ExecutionContext, options: Started): Promise<TestCluster> {
  let { own } = options;
  const port = own?.port;
  t.teardown(() => own?.stop());
  const overrides = options.clock === undefined ? {} : { clock: options.clock };
  const nodes: TestApp[] = [];
  const ways: TcpProxy[] = [];
  const add = async (): Promise<TestApp> => {
    const way = await openTcpProxy(options.redisUrl);
    t.teardown(() => way.close());
    // A node that stops while others are there waits so long for its sessions to be fetched, and here nobody does.
    const env = { REDIS_URL: way.url, RATE_LIMITS: 'off', DATABASE_POOL: '5', SHUTDOWN_SECONDS: '1', ...options.env };
    const node = await startApp(t, { databaseUrl: options.databaseUrl, env, overrides });
    ways.push(way);
    nodes.push(node);
    return node;
  };
  for (let n = 0; n < (options.nodes ?? 2); n++) await add();
  for (const node of nodes) await waitUntil(async () => !(await isDegraded(node)), 'the node hears the others');
  const requireOwn = (): RedisService => required(own, 'This Redis is of all tests.');
  return {
    nodes,
    node: (index) => required(nodes[index % nodes.length], 'A cluster has nodes.'),
    add,
    redis: {
      stop: () => requireOwn().stop(),
      pause: () => requireOwn().pause(),
      resume: () => requireOwn().resume(),
      async start() {
        own = await startRedis(port);
      },
    },
    wayOf: (index) => required(ways[index], 'There is no such node.'),
  };
}

function required<T>(value: T | undefined, sentence: string): T {
  if (value === undefined) throw new Error(sentence);
  return value;
}

/** Whether the node says that Redis is lost; it must be ready all the same. */
export async function isDegraded(node: TestApp): Promise<boolean> {
  const { status, body } = await node.request('GET', '/readyz');
  if (status !== 200) throw new Error(`The node is not ready: ${JSON.stringify(body)}`);
  return (body as { degraded?: string[] }).degraded !== undefined;
}

/** Who is in the room, as a client knows from all that it has got: it must never be told what cannot be. */
export function rosterOf(frames: readonly RawFrame[], room_name: string): string[] {
  const users = new Set<string>();
  for (const frame of frames) {
    if (frame.room_name !== room_name) continue;
    const user = String(frame.user);
    if (frame.code === 'joined' && frame.you === true) {
      users.clear();
      for (const { name } of frame.status?.users ?? []) users.add(name);
    } else if (frame.code === 'joined') {
      if (users.has(user)) throw new Error(`${user} joined twice.`);
      users.add(user);
    } else if (frame.code === 'parted' && frame.you !== true) {
      if (!users.delete(user)) throw new Error(`${user} parted, and was not there.`);
    }
  }
  return [...users].toSorted();
}

/** The messages of a room that a client has got live, in the order in which they came. */
export function messagesOf(
  frames: readonly RawFrame[],
  room_name: string,
): { id: number; user: string; body: string }[] {
  return frames
    .filter((frame) => frame.code === 'message' && frame.room_name === room_name)
    .map(({ id = 0, user = '', body = '' }) => ({ id, user, body }));
}

/** The room's log, oldest first. */
export async function readLog(
  node: TestApp,
  token: string,
  room_name: string,
): Promise<{ id: number; body: string }[]> {
  const { body } = await node.request('GET', `/rooms/${room_name}/messages?limit=200`, { token });
  return (body as { messages: { id: number; body: string }[] }).messages.toReversed();
}

/** Members of each room, as `GET /rooms` counts them. */
export async function readCounts(node: TestApp, token: string): Promise<Record<string, number>> {
  const { body } = await node.request('GET', '/rooms', { token });
  return Object.fromEntries((body as { name: string; users: number }[]).map(({ name, users }) => [name, users]));
}

/** Resolves when `isSo` holds; rejects after half a minute. */
export async function waitUntil(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Calls of the administration API at a node, by a superuser. `path` begins after `/admin/api`. */
export async function createAdministrator(
  node: TestApp,
): Promise<(method: string, path: string, body?: unknown) => Promise<void>> {
  const token = await node.login('ada');
  const storage = await node.elsewhere();
  const ada = await storage.users.findByName('ada');
  await storage.users.setSuperuser(ada?.id ?? 0, true);
  return async (method, path, body) => {
    const { status, body: answer } = await node.request(method, `/admin/api${path}`, {
      token,
      ...(body === undefined ? {} : { body }),
    });
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
  };
}
