/**
 * How nodes begin and how they see themselves: with and without Redis, beside others, marked dead. What they do for
 * clients while parts of a cluster die is in test/faults/.
 */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { createAccounts } from '../../src/core/accounts.ts';
import { randomText, systemClock } from '../../src/core/clock.ts';
import { createPasswords } from '../../src/core/passwords.ts';
import type { Now } from '../../src/protocol/admin.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { createPostgresDatabase } from '../support/databases.ts';
import { openRawClient, type RawWebSocketClient } from '../support/raw-client.ts';
import { type RedisService, startRedis } from '../support/redis.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { findService, serviceTest, until } from '../support/services.ts';

const password = 'a long enough pass-phrase';
/** Seconds. The shortest that the settings allow: a test waits for it. */
const lease = 3;
/** Long enough for a loaded machine; a test that passes never waits for it. */
const patienceMs = 20_000;

type World = {
  databaseUrl: string;
  redis: RedisService;
  /** A server on the database. */
  start: (env?: Readonly<Record<string, string>>) => Promise<ServerProcess>;
  /** The same as a node: with Redis. */
  startNode: () => Promise<ServerProcess>;
  /** A token of a superuser. */
  token: string;
  now: (server: ServerProcess) => Promise<Now>;
  /** Resolves once the server says that so many nodes live. */
  untilNodes: (server: ServerProcess, nodes: number, ms?: number) => Promise<void>;
};

/** Servers on a database of their own, with a Redis of their own. */
function lifeTest(title: string, body: (t: ExecutionContext, world: World) => Promise<void>): void {
  const redis = findService('redis');
  if ('missing' in redis) return serviceTest(test, 'redis', title, async () => {});
  serviceTest(test, 'postgres', title, async (t, serverUrl) => {
    t.timeout(90_000);
    const { url: databaseUrl } = await createPostgresDatabase(t, serverUrl);
    const own = await startRedis();
    t.teardown(() => own.stop());
    const token = await createSuperuser(databaseUrl);
    const start: World['start'] = (env = {}) =>
      startServerProcess(t, { DATABASE_URL: databaseUrl, DATABASE_POOL: '4', METRICS_PORT: '0', ...env });
    const now: World['now'] = async ({ url }) => {
      const answer = await fetch(`${url}/admin/api/now`, { headers: { authorization: `Token ${token}` } });
      if (answer.status !== 200) throw new Error(`GET /admin/api/now answered ${answer.status}.`);
      return (await answer.json()) as Now;
    };
    await body(t, {
      databaseUrl,
      redis: own,
      start,
      startNode: () => start({ REDIS_URL: own.url, NODE_LEASE: String(lease) }),
      token,
      now,
      untilNodes: (server, nodes, ms = patienceMs) =>
        until(ms, async () => {
          const { nodes: counted } = await now(server);
          if (counted !== nodes) throw new Error(`${counted} nodes live, and not ${nodes}.`);
        }),
    });
  });
}

async function createSuperuser(url: string): Promise<string> {
  const storage = await openStorage({ url, pool: 2, synchronous: 'NORMAL', clock: systemClock, random: randomText });
  try {
    const user = { username: 'root', email: '', passwordHash: '', isSuperuser: true, createdAt: 0 };
    const { id } = await storage.users.create(user);
    const passwords = createPasswords({ rounds: 4, concurrency: 1, maxQueued: 1 });
    const { users, tokens } = storage;
    const parts = { users, tokens, passwords, clock: systemClock, random: randomText, tokenTtlMs: 3_600_000 };
    return (await createAccounts(parts).createToken(id, 'test', null)).token;
  } finally {
    await storage.close();
  }
}

/** A member of the room, by one of the nodes. */
async function enter(
  t: ExecutionContext,
  { url }: ServerProcess,
  username: string,
): Promise<RawWebSocketClient & { token: string }> {
  const post = async (path: string): Promise<{ token?: string }> => {
    const headers = { 'content-type': 'application/json', connection: 'close' };
    const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify({ username, password }) });
    return (await answer.json()) as { token?: string };
  };
  await post('/register');
  const { token = '' } = await post('/login');
  const client = await openRawClient(t, url, { token, resume: true });
  await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
  return Object.assign(client, { token });
}

/** Resolves the status and the body of `GET /readyz` once the body is as wanted. */
function untilReady({ url }: ServerProcess, isSo: (body: { degraded?: string[] }) => boolean): Promise<number> {
  return until(patienceMs, async () => {
    const answer = await fetch(`${url}/readyz`, { headers: { connection: 'close' } });
    const body = (await answer.json()) as { degraded?: string[] };
    if (!isSo(body)) throw new Error(`GET /readyz answers ${answer.status}: ${JSON.stringify(body)}`);
    return answer.status;
  });
}

const isHealthy = ({ degraded }: { degraded?: string[] }): boolean => degraded === undefined;

lifeTest('servers with and without Redis keep each other off a database, and say what differs', async (t, world) => {
  const node = await world.startNode();
  await t.throwsAsync(world.start(), { message: /Nodes with REDIS_URL are running on this database/ });
  await node.end('SIGKILL');
  const alone = await until(patienceMs, () => world.start());
  await t.throwsAsync(world.startNode(), { message: /A server without REDIS_URL is running on this database/ });
  await t.throwsAsync(world.start(), { message: /Another server is running on this database/ });
  const now = await world.now(alone);
  t.deepEqual([now.node, now.nodes, now.redis], [null, 1, 'not used']);
});

lifeTest('each node says who it is and how many there are; one that stops is no longer counted', async (t, world) => {
  const first = await world.startNode();
  t.is((await world.now(first)).nodes, 1);
  const second = await world.startNode();
  await world.untilNodes(first, 2);
  const [one, other] = [await world.now(first), await world.now(second)];
  t.truthy(one.node);
  t.truthy(other.node);
  t.not(one.node, other.node);
  t.is(other.nodes, 2);
  t.is(await second.end('SIGTERM'), 0);
  // It has left: nobody waits for its lease.
  await world.untilNodes(first, 1, (lease * 1000) / 2);
  t.notRegex(first.output(), /marked dead/);
});

lifeTest('a node that stops sends newcomers on, and ends once its sessions have gone to another', async (t, world) => {
  const [first, second] = [await world.startNode(), await world.startNode()];
  await world.untilNodes(second, 2);
  const [ann, bob] = [await enter(t, first, 'ann'), await enter(t, second, 'bob')];
  await ann.next({ code: 'joined', user: 'bob' });
  const ended = second.end('SIGTERM');
  await bob.next({ code: 'server-closing' });
  t.is((await bob.closed).code, 1012);
  // A balancer tries the next node after that, and clients another transport.
  await t.throwsAsync(openRawClient(t, second.url, { token: bob.token }), { message: /503/ });
  const back = await openRawClient(t, first.url, { token: bob.token, resume: true, cursor: bob.cursor ?? '' });
  await back.ask({ type: 'message', room_name: 'friends', body: 'from here' }, { code: 'message', you: true });
  t.true(back.session?.resumed);
  t.is(await ended, 0);
  await ann.next({ code: 'message', body: 'from here' });
  t.is(ann.frames.filter(({ code }) => code === 'parted' || code === 'joined').length, 2, 'nobody saw it');
});

lifeTest('nodes begin without Redis, and are one chat in full as soon as it is there', async (t, world) => {
  const { port } = world.redis;
  await world.redis.stop();
  const [first, second] = [await world.startNode(), await world.startNode()];
  t.is(await untilReady(first, ({ degraded = [] }) => degraded.length === 1), 200);
  await world.untilNodes(first, 2);
  t.is((await world.now(first)).redis, 'unreachable');
  const ann = await enter(t, first, 'ann');
  const bob = await enter(t, second, 'bob');
  // By the store, within about a second.
  await ann.ask({ type: 'message', room_name: 'friends', body: 'by the store' }, { code: 'message', you: true });
  await bob.next({ code: 'message', body: 'by the store' });

  const redis = await startRedis(port);
  t.teardown(() => redis.stop());
  for (const node of [first, second]) t.is(await untilReady(node, isHealthy), 200);
  await ann.next({ code: 'joined', user: 'bob' }, patienceMs);
  await bob.next({ code: 'joined', user: 'ann' }, patienceMs);
  ann.send({ type: 'custom', room_name: 'friends', command: 'wave', payload: 'all' });
  await bob.next({ code: 'custom', user: 'ann' });
  t.is(bob.frames.filter(({ code, body }) => code === 'message' && body === 'by the store').length, 1);
});

lifeTest('a node that was marked dead goes on under another id, and counts it', async (t, world) => {
  const [first, second] = [await world.startNode(), await world.startNode()];
  await world.untilNodes(first, 2);
  const [before, other] = [await world.now(second), await world.now(first)];
  const bob = await enter(t, second, 'bob');
  second.signal('SIGSTOP');
  await world.untilNodes(first, 1);
  second.signal('SIGCONT');
  t.is((await bob.closed).code, 1012);
  await world.untilNodes(first, 2);
  await untilReady(second, isHealthy);
  const after = await world.now(second);
  t.not(after.node, before.node);
  t.is((await world.now(first)).node, other.node);
  t.regex(await metricsOf(second), /^finchat_fenced_total 1$/m);
  t.regex(await metricsOf(first), /^finchat_fenced_total 0$/m);

  const [ann, back] = [await enter(t, first, 'ann'), await enter(t, second, 'bob')];
  await back.ask({ type: 'message', room_name: 'friends', body: 'once more' }, { code: 'message', you: true });
  await ann.next({ code: 'message', body: 'once more' });
  const metrics = await metricsOf(first);
  for (const line of [
    /^finchat_nodes 2$/m,
    /^finchat_bus_healthy 1$/m,
    /^finchat_bus_published_total\{outcome="handed"\} [1-9]/m,
  ]) {
    t.regex(metrics, line);
  }
});

async function metricsOf(server: ServerProcess): Promise<string> {
  const port = /"metricsPort":(\d+)/.exec(server.output())?.[1];
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } });
  return answer.text();
}
