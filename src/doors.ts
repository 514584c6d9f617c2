/** The last step of a start: the chat on its store, and everything that clients reach it through. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { createMemoryAttemptCounter } from './bus/memory.ts';
import { createRedisAttemptCounter, openRedis } from './bus/redis.ts';
import { openRedisBus } from './bus/redis-bus.ts';
import { type Cluster, openCluster } from './cluster/cluster.ts';
import type { Config } from './config.ts';
import { type Accounts, createAccounts } from './core/accounts.ts';
import { createAdministration } from './core/administration.ts';
import { createAttempts, unlimitedAttempts } from './core/attempts.ts';
import { type Chat, openChat } from './core/chat.ts';
import { randomText, systemClock } from './core/clock.ts';
import type { Elsewhere } from './core/elsewhere.ts';
import { startHousekeeping } from './core/housekeeping.ts';
import { createPasswords } from './core/passwords.ts';
import type { AttemptCounter, Clock, RandomText, Storage } from './core/ports.ts';
import { openRates } from './core/rates.ts';
import type { AdminDependencies, HttpSettings } from './http/dependencies.ts';
import { createMetrics, type Metrics, openMetricsServer } from './http/metrics.ts';
import { createHttpHandler } from './http/server.ts';
import { createNow } from './now.ts';
import { watchChat, watchCluster, watchCommits } from './observe.ts';
import type { Handler, Overrides, Parts } from './parts.ts';
import type { Problems } from './problems.ts';
import { limits } from './protocol/limits.ts';
import { readiness, redisState } from './readiness.ts';
import { createConnectionLimit } from './transports/connection-limit.ts';
import { createPollAnswerer, createPollDoor } from './transports/poll.ts';
import { createSseDoor } from './transports/sse.ts';
import { createUpstream } from './transports/upstream.ts';
import { createWebSocketDoor } from './transports/websocket.ts';

/** Password hashes that may wait for their turn: at a quarter of a second each on two cores, about twelve seconds. */
const maxQueuedHashes = 100;

export async function openDoors(
  config: Config,
  overrides: Overrides & { problems: Problems },
  parts: Parts,
  storage: Storage,
  log: Logger,
): Promise<Handler> {
  const clock = overrides.clock ?? systemClock;
  const random = overrides.random ?? randomText;
  const attempts = openAttempts(config, parts, log);
  const accounts = openAccounts(config, storage, clock, random);
  const cluster = await joinCluster(config, parts, { storage, clock, random, log });
  const metrics = config.metricsPort === undefined ? undefined : createMetrics(cluster !== undefined);
  const chat = await openChat({
    storage: metrics === undefined ? storage : watchCommits(storage, metrics),
    accounts,
    clock,
    random,
    chance: Math.random,
    log,
    settings: config,
    ...(cluster === undefined ? {} : { links: cluster.links }),
  });
  parts.chat = chat;
  await cluster?.serve(chat);
  const limit = createConnectionLimit(config.maxConnections);
  const open: Chat['open'] = (transport, request) => chat.open(transport, request);
  const { sessions } = chat;
  const { rateLimits } = config;
  const elsewhere = cluster?.forward({ accounts, sessions, poll: createPollAnswerer({ open, clock }), rateLimits });
  const others = elsewhere === undefined ? {} : { elsewhere };
  parts.door = createWebSocketDoor({ open, limit, log });
  if (metrics !== undefined) await serveMetrics(config, parts, chat, metrics);
  parts.housekeeping = startHousekeeping({ storage, clock, log });
  parts.rates = openRates(chat.counters, clock);
  return createHttpHandler({
    accounts,
    attempts: rateLimits ? createAttempts(attempts) : unlimitedAttempts,
    rooms: chat.directory,
    messages: storage.messages,
    presence: chat.hub,
    chat: {
      sse: createSseDoor({ open, limit }),
      poll: createPollDoor({ open, limit, clock, log, ...others }),
      upstream: createUpstream({ find: (credentials, id) => sessions.find(credentials, id), accounts, ...others }),
    },
    readiness: () => readiness(parts, storage),
    now: createNow({
      version,
      database: storage.database,
      redis: () => redisState(parts),
      cluster,
      startedAt: clock.now(),
      chat,
      rates: parts.rates,
      problems: overrides.problems,
    }),
    admin: {
      acts: createAdministration({ storage, accounts, clock }),
      storage,
      ...liveParts(chat, cluster, elsewhere),
      purgeRooms: () => parts.housekeeping?.purgeRooms(),
      clock,
    },
    onLogout({ user, token }) {
      chat.sessions.revokeToken(user.id, token.id);
      cluster?.tellChanges();
    },
    log,
    ...(metrics === undefined ? {} : { metrics: metrics.http }),
    settings: httpSettings(config, overrides.webFolder ?? builtPages),
  });
}

function httpSettings({ registration, trustProxy, corsOrigins }: Config, webFolder: string): HttpSettings {
  return {
    version,
    webFolder,
    registrationOpen: registration === 'open',
    trustProxy,
    corsOrigins,
    historyBytes: limits.historyBytes,
  };
}

function openAttempts(config: Config, parts: Parts, log: Logger): AttemptCounter {
  if (config.redisUrl !== undefined) parts.redis = openRedis(config.redisUrl, { log });
  const { redis } = parts;
  parts.attempts =
    redis === undefined ? createMemoryAttemptCounter() : createRedisAttemptCounter({ client: redis.client });
  return parts.attempts;
}

/** With Redis this server is one of several nodes. Undefined: it is alone. */
async function joinCluster(
  { redisUrl, nodeLease }: Config,
  parts: Parts,
  { storage, clock, random, log }: { storage: Storage; clock: Clock; random: RandomText; log: Logger },
): Promise<Cluster | undefined> {
  if (redisUrl === undefined) return undefined;
  const bus = openRedisBus(redisUrl, { clock, log });
  parts.bus = bus;
  parts.cluster = await openCluster({ storage, bus, clock, random, leaseMs: nodeLease * 1000, log });
  return parts.cluster;
}

async function serveMetrics(config: Config, parts: Parts, chat: Chat, metrics: Metrics): Promise<void> {
  const { metricsHost: host, metricsPort: port } = config;
  if (port === undefined) return;
  const { cluster } = parts;
  const sampleChat = watchChat(chat, metrics);
  const sampleCluster = cluster && metrics.cluster && watchCluster(cluster, chat, metrics.cluster);
  const sample = (): void => {
    sampleChat();
    sampleCluster?.();
  };
  parts.metricsServer = await openMetricsServer({ host, port, registry: metrics.registry, sample });
}

/** What administrators see and move of the running chat. */
function liveParts(
  chat: Chat,
  cluster: Cluster | undefined,
  elsewhere: Elsewhere | undefined,
): Pick<AdminDependencies, 'memberNames' | 'sessionOf' | 'online' | 'readChanges'> {
  const { sessions } = chat;
  return {
    memberNames: (roomId) => chat.hub.memberNames(roomId),
    sessionOf: async (userId) => sessions.stateOf(userId) ?? elsewhere?.stateOf(userId),
    online: async (ids) => elsewhere?.online(ids) ?? new Set(ids.filter((id) => sessions.stateOf(id) !== undefined)),
    readChanges() {
      cluster?.tellChanges();
      return chat.readChanges();
    },
  };
}

function openAccounts(config: Config, storage: Storage, clock: Clock, random: RandomText): Accounts {
  return createAccounts({
    users: storage.users,
    tokens: storage.tokens,
    passwords: createPasswords({
      rounds: config.bcryptRounds,
      concurrency: availableParallelism(),
      maxQueued: maxQueuedHashes,
    }),
    clock,
    random,
    tokenTtlMs: config.tokenTtlDays * 86_400_000,
  });
}

/** Where the build puts the pages, beside the compiled sources. */
const builtPages = fileURLToPath(new URL('../web/', import.meta.url));

/** The version of this package. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
