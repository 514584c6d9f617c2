/**
 * A cluster of real processes: one PostgreSQL and one Redis server of its own, nodes (`finchat serve`) that reach them
 * and are reached only through TCP proxies of their own, and a load balancer in front. Owns how each part is broken and
 * mended; when and why is for the tests.
 */
import type { ExecutionContext } from 'ava';
import { type Balancer, startBalancer } from './balancer.ts';
import { type Postgres, startPostgres, whyNoPostgres } from './postgres.ts';
import { startRedis, whyNoRedis } from './redis.ts';
import { type ServerProcess, startServerProcess } from './server-process.ts';
import { findFreePort, type Service } from './services.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export type Link = 'postgres' | 'redis' | 'door';

export type ClusterNode = {
  readonly index: number;
  /** Where it listens itself: for those who look at it. The balancer comes by its door. */
  readonly url: string;
  /** The proxies to the database and to Redis, and the one by which the balancer comes. */
  readonly links: Readonly<Record<Link, TcpProxy>>;
  readonly state: 'down' | 'up' | 'paused';
  /** The present process, or the last one. */
  readonly process: ServerProcess;
  /** Tries again for a while where it does not come up: what it needs may be away. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** SIGTERM. Resolves the exit code; null when it had to be killed in the end. */
  stop(): Promise<number | null>;
  pause(): void;
  wake(): void;
  /** What all its processes have written. */
  output(): string;
};

export type Cluster = {
  readonly nodes: readonly ClusterNode[];
  readonly balancer: Balancer;
  readonly postgres: Postgres;
  /** Stopped, it forgets everything; started, it has the port that it had. */
  readonly redis: { readonly url: string; stop(): Promise<void>; start(): Promise<void> };
  /** Nodes that ended without having been told to, and what they wrote last. */
  readonly crashes: readonly string[];
  /** Everything is as it should be: what is down comes up, what is paused wakes, every link is whole. */
  mend(): Promise<void>;
};

/** The shortest lease that the settings allow, in seconds: tests wait for it. */
export const leaseSeconds = 3;
/** A node that does not come up is started again, as whatever supervises servers does. */
const startTries = 5;
/** A stop that takes longer hangs: far above SHUTDOWN_SECONDS and the deadlines of what is closed. */
const stopMs = 40_000;

/** Why no cluster can be started here; undefined: one can. */
export function whyNoCluster(): string | undefined {
  return whyNoPostgres() ?? whyNoRedis();
}

type Teardowns = Pick<ExecutionContext, 'teardown'>;

/** Resolves when every node is ready and gets requests. Stopped in teardown. */
export async function startCluster(
  t: Teardowns,
  options: { nodes?: number; env?: Readonly<Record<string, string>> } = {},
): Promise<Cluster> {
  const [postgres, redis] = await Promise.all([startPostgres(), openRedisSwitch()]);
  t.teardown(() => Promise.all([postgres.stop(), redis.stop()]));
  const crashes: string[] = [];
  const nodes: ClusterNode[] = [];
  for (let index = 0; index < (options.nodes ?? 3); index++) {
    nodes.push(await createNode(t, { index, postgres, redis, env: options.env ?? {}, crashes }));
  }
  const [first, ...others] = nodes;
  // The first one migrates.
  await first?.start();
  await Promise.all(others.map((node) => node.start()));
  const balancer = await startBalancer(
    t,
    nodes.map(({ links }) => links.door.url.replace(/\/$/, '')),
  );
  return {
    nodes,
    balancer,
    postgres,
    redis,
    crashes,
    async mend() {
      await redis.start();
      for (const node of nodes) {
        for (const link of Object.values(node.links)) link.resume();
        if (node.state === 'paused') node.wake();
      }
      await Promise.all(nodes.filter(({ state }) => state === 'down').map((node) => node.start()));
    },
  };
}

async function openRedisSwitch(): Promise<Cluster['redis']> {
  let running: (Service & { port: number }) | undefined = await startRedis();
  const { port, url } = running;
  return {
    url,
    async stop() {
      const stopping = running;
      running = undefined;
      await stopping?.stop();
    },
    async start() {
      running ??= await startRedis(port);
    },
  };
}

async function openLinks(t: Teardowns, targets: Record<Link, string>): Promise<Record<Link, TcpProxy>> {
  const open = async (url: string): Promise<TcpProxy> => {
    const proxy = await openTcpProxy(url);
    t.teardown(() => proxy.close());
    return proxy;
  };
  const [postgres, redis, door] = await Promise.all([open(targets.postgres), open(targets.redis), open(targets.door)]);
  return { postgres, redis, door };
}

type NodeOptions = {
  index: number;
  postgres: Service;
  redis: Cluster['redis'];
  env: Readonly<Record<string, string>>;
  crashes: string[];
};

async function createNode(t: Teardowns, options: NodeOptions): Promise<ClusterNode> {
  const { index, postgres, redis, env, crashes } = options;
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const links = await openLinks(t, { postgres: postgres.url, redis: redis.url, door: url });
  let state: ClusterNode['state'] = 'down';
  let current: ServerProcess | undefined;
  let earlier = '';

  async function startOnce(): Promise<void> {
    const started = await startServerProcess(t, {
      PORT: String(port),
      DATABASE_URL: links.postgres.url,
      REDIS_URL: links.redis.url,
      NODE_LEASE: String(leaseSeconds),
      METRICS_PORT: '0',
      LOG_LEVEL: 'info',
      ...env,
    });
    if (current !== undefined) earlier += current.output();
    current = started;
    state = 'up';
    void started.exited.then((code) => {
      if (current === started && state !== 'down') {
        state = 'down';
        crashes.push(`node ${index} ended by itself with ${String(code)}:\n${started.output().slice(-3000)}`);
      }
    });
  }
  async function end(signal: NodeJS.Signals): Promise<number | null> {
    // Before it ends: this end was asked for.
    state = 'down';
    const running = current;
    if (running === undefined) return null;
    // Only what runs can stop by itself.
    if (signal !== 'SIGKILL') running.signal('SIGCONT');
    const timer = setTimeout(() => running.signal('SIGKILL'), stopMs);
    const code = await running.end(signal);
    clearTimeout(timer);
    return code;
  }

  return {
    index,
    url,
    links,
    get state() {
      return state;
    },
    get process() {
      if (current === undefined) throw new Error(`Node ${index} was never started.`);
      return current;
    },
    async start() {
      for (let tried = 1; ; tried++) {
        try {
          return await startOnce();
        } catch (error) {
          if (tried === startTries) throw error;
        }
      }
    },
    async kill() {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
    pause() {
      state = 'paused';
      current?.signal('SIGSTOP');
    },
    wake() {
      state = 'up';
      current?.signal('SIGCONT');
    },
    output: () => earlier + (current?.output() ?? ''),
  };
}
