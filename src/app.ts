/**
 * The composition root: the only file that knows every part. Builds a server from its settings: listens first, so that
 * its readiness can be asked, then migrates, locks the database, loads the chat and opens the doors.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { createMemoryAttemptCounter } from './bus/memory.ts';
import { createRedisAttemptCounter, openRedis, type RedisConnection } from './bus/redis.ts';
import { closeEach, closeServer, within } from './closing.ts';
import type { Config } from './config.ts';
import { type Accounts, createAccounts } from './core/accounts.ts';
import { createAdministration } from './core/administration.ts';
import { createAttempts, unlimitedAttempts } from './core/attempts.ts';
import { type Chat, openChat } from './core/chat.ts';
import { randomText, systemClock } from './core/clock.ts';
import { type Housekeeping, startHousekeeping } from './core/housekeeping.ts';
import { createPasswords } from './core/passwords.ts';
import type { AttemptCounter, Clock, Lock, RandomText, Storage } from './core/ports.ts';
import { openRates, type Rates } from './core/rates.ts';
import type { AdminDependencies, HttpSettings, Readiness } from './http/dependencies.ts';
import { createHttpServer, listenError } from './http/listener.ts';
import { createMetrics, type Metrics, type MetricsServer, openMetricsServer } from './http/metrics.ts';
import { createHttpHandler } from './http/server.ts';
import { createLog } from './log.ts';
import { createNow } from './now.ts';
import { watchChat, watchCommits } from './observe.ts';
import { createProblems, type Problems } from './problems.ts';
import type { Now } from './protocol/admin.ts';
import { limits } from './protocol/limits.ts';
import { openMigrator } from './storage/migrate.ts';
import { openStorage } from './storage/storage.ts';
import { createConnectionLimit } from './transports/connection-limit.ts';
import { createPollDoor } from './transports/poll.ts';
import { createSseDoor } from './transports/sse.ts';
import { createUpstream } from './transports/upstream.ts';
import { createWebSocketDoor, refuseUpgrade, type WebSocketDoor } from './transports/websocket.ts';

/** The rooms of a database that has never had one. */
export const sampleRooms: readonly { name: string; topic: string }[] = [
  { name: 'friends', topic: 'For a chat among friends' },
  { name: 'family', topic: 'For the family' },
  { name: 'investments', topic: 'Ask the bot: /stock=aapl.us' },
];

/** Password hashes that may wait for their turn: at a quarter of a second each on two cores, about twelve seconds. */
const maxQueuedHashes = 100;

export type Listening = { url: string; port: number; metricsPort?: number };

export interface App {
  /**
   * To be called once. Resolves when the server is ready. Rejects with a sentence when it cannot start, or was closed
   * meanwhile; what was opened is closed then.
   */
  listen(): Promise<Listening>;
  /**
   * Stops as a deploy wants it: nothing that was sent is lost. Safe to call twice, and while `listen` is under way.
   * Rejects when a part failed to close, or did not within the deadlines; the others are closed all the same.
   */
  close(): Promise<void>;
  /** Resolves with a sentence when the server must stop by itself. */
  readonly failed: Promise<string>;
}

/** What tests put in place of the real thing. */
export type Overrides = {
  log?: Logger;
  clock?: Clock;
  random?: RandomText;
  /** What `log` notes warnings and errors in, where that is given. */
  problems?: Problems;
  /** Where the built pages are. */
  webFolder?: string;
  /** Stands between the server and its store. */
  wrapStorage?: (storage: Storage) => Storage;
};

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

type Parts = {
  server: Server;
  storage?: Storage;
  lock?: Lock;
  redis?: RedisConnection;
  attempts?: AttemptCounter;
  chat?: Chat;
  door?: WebSocketDoor;
  metricsServer?: MetricsServer;
  housekeeping?: Housekeeping;
  rates?: Rates;
  state: 'migrating' | 'ready' | 'draining';
};

/** A server that has opened nothing yet: `listen` does. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  const problems = overrides.problems ?? createProblems();
  const log = overrides.log ?? createLog({ level: config.logLevel, format: config.logFormat, problems });
  let handle: Handler = answerWhileStarting;
  const parts: Parts = {
    server: createHttpServer({
      request: (request, response) => handle(request, response),
      upgrade(request, socket, head) {
        if (parts.door === undefined) refuseUpgrade(socket, 503, startingDetail);
        else parts.door.handleUpgrade(request, socket, head);
      },
    }),
    state: 'migrating',
  };
  let opening: Promise<Listening> | undefined;
  let closing: Promise<void> | undefined;
  let fail: (reason: string) => void = () => {};
  const failed = new Promise<string>((resolve) => {
    fail = resolve;
  });

  async function open(): Promise<Listening> {
    await listenOn(parts.server, config.host, config.port, log);
    const storage = await openStore(config, overrides, parts, log);
    void parts.lock?.lost.then(fail);
    handle = await openDoors(config, { ...overrides, problems }, parts, storage, log);
    requireStarting(parts);
    parts.state = 'ready';
    return announce(config, parts, log);
  }

  async function listen(): Promise<Listening> {
    opening = open();
    try {
      return await opening;
    } catch (error: unknown) {
      await close().catch((fault: unknown) => log.error({ err: fault }, 'What was opened could not be closed.'));
      throw error;
    }
  }

  async function stop(): Promise<void> {
    parts.state = 'draining';
    const deadlineMs = config.shutdownSeconds * 1000;
    // What is being opened is closed with the rest, once it is open. How the start ended is for `listen` to say.
    if (opening !== undefined) await within(opening, deadlineMs).catch(() => {});
    await closeAll(parts, deadlineMs);
  }

  function close(): Promise<void> {
    closing ??= stop();
    return closing;
  }

  return { listen, close, failed };
}

async function openStore(config: Config, overrides: Overrides, parts: Parts, log: Logger): Promise<Storage> {
  const clock = overrides.clock ?? systemClock;
  const migrator = await openMigrator({ url: config.databaseUrl });
  try {
    const names = await migrator.up();
    if (names.length > 0) log.info({ migrations: names }, 'The database was migrated.');
  } finally {
    await migrator.close();
  }
  requireStarting(parts);
  const opened = await openStorage({
    url: config.databaseUrl,
    pool: config.databasePool,
    synchronous: config.sqliteSynchronous,
    clock,
    random: overrides.random ?? randomText,
  });
  const storage = overrides.wrapStorage?.(opened) ?? opened;
  parts.storage = storage;
  const lock = await storage.lockServer();
  if (lock === undefined) {
    throw new Error(
      'Another server is running on this database. Stop it first, or give this one a DATABASE_URL of its own.',
    );
  }
  parts.lock = lock;
  requireStarting(parts);
  const rooms = await storage.rooms.seed(sampleRooms, clock.now());
  if (rooms.length > 0) log.info(`Created the rooms ${rooms.map((room) => room.name).join(', ')}.`);
  return storage;
}

async function openDoors(
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
  const metrics = config.metricsPort === undefined ? undefined : createMetrics();
  const chat = await openChat({
    storage: metrics === undefined ? storage : watchCommits(storage, metrics),
    accounts,
    clock,
    random,
    chance: Math.random,
    log,
    settings: config,
  });
  parts.chat = chat;
  const limit = createConnectionLimit(config.maxConnections);
  const open: Chat['open'] = (transport, request) => chat.open(transport, request);
  parts.door = createWebSocketDoor({ open, limit, log });
  if (metrics !== undefined) await serveMetrics(config, parts, chat, metrics);
  parts.housekeeping = startHousekeeping({ storage, clock, log });
  parts.rates = openRates(chat.counters, clock);
  return createHttpHandler({
    accounts,
    attempts: config.rateLimits ? createAttempts(attempts) : unlimitedAttempts,
    rooms: chat.directory,
    messages: storage.messages,
    presence: chat.hub,
    chat: {
      sse: createSseDoor({ open, limit }),
      poll: createPollDoor({ open, limit, clock }),
      upstream: createUpstream({ find: (credentials, id) => chat.sessions.find(credentials, id), accounts }),
    },
    readiness: () => readiness(parts, storage),
    now: createNow({
      version,
      database: storage.database,
      redis: () => redisState(parts),
      startedAt: clock.now(),
      chat,
      rates: parts.rates,
      problems: overrides.problems,
    }),
    admin: {
      acts: createAdministration({ storage, accounts, clock }),
      storage,
      ...liveParts(chat),
      purgeRooms: () => parts.housekeeping?.purgeRooms(),
      clock,
    },
    onLogout: ({ user, token }) => chat.sessions.revokeToken(user.id, token.id),
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

async function serveMetrics(config: Config, parts: Parts, chat: Chat, metrics: Metrics): Promise<void> {
  const { metricsHost: host, metricsPort: port } = config;
  if (port === undefined) return;
  const sample = watchChat(chat, metrics);
  parts.metricsServer = await openMetricsServer({ host, port, registry: metrics.registry, sample });
}

/** What administrators see and move of the running chat. */
function liveParts(chat: Chat): Pick<AdminDependencies, 'memberNames' | 'sessionOf' | 'readChanges'> {
  return {
    memberNames: (roomId) => chat.hub.memberNames(roomId),
    sessionOf: (userId) => chat.sessions.stateOf(userId),
    readChanges: () => chat.readChanges(),
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

async function readiness(parts: Parts, storage: Storage): Promise<Readiness> {
  if (parts.state === 'draining') return { ready: false, reason: 'The server is stopping.' };
  try {
    await storage.ping();
  } catch {
    return { ready: false, reason: 'The database cannot be reached.' };
  }
  if (parts.redis?.healthy() === false) return { ready: true, degraded: ['Redis cannot be reached.'] };
  return { ready: true };
}

function redisState({ redis }: Parts): Now['redis'] {
  if (redis === undefined) return 'not used';
  return redis.healthy() ? 'connected' : 'unreachable';
}

async function announce(config: Config, parts: Parts, log: Logger): Promise<Listening> {
  const { port } = parts.server.address() as AddressInfo;
  const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const metricsPort = parts.metricsServer?.port;
  if (config.redisUrl !== undefined) {
    log.info('Redis carries the log-in throttle. Chat runs on one server per database in this version.');
  }
  log.info({ url, port, ...(metricsPort === undefined ? {} : { metricsPort }) }, `finchat is listening at ${url}`);
  const users = await parts.storage?.users.list({ limit: 1 });
  if (users?.length === 0) {
    log.info(
      `Next: open ${url} in a browser, register and chat. "npx finchat createsuperuser" makes an administrator, for ${url}/admin.`,
    );
  }
  return { url, port, ...(metricsPort === undefined ? {} : { metricsPort }) };
}

/** Between two steps of the start: whoever stops the server waits for no more than the one under way. */
function requireStarting(parts: Parts): void {
  if (parts.state === 'draining') throw new Error('The server was stopped before it was ready.');
}

/** For everything after the chat: the grace above, and connections of a database or Redis that does not answer. */
const restDeadlineMs = 5000;

async function closeAll(parts: Parts, deadlineMs: number): Promise<void> {
  try {
    await parts.chat?.close(deadlineMs);
  } finally {
    const rest = closeEach([
      async () => parts.rates?.close(),
      () => parts.housekeeping?.close(),
      () => closeServer(parts.server, parts.door),
      () => parts.metricsServer?.close(),
      () => parts.attempts?.close(),
      () => parts.redis?.close(),
      () => parts.lock?.release(),
      () => parts.storage?.close(),
    ]);
    await within(rest, restDeadlineMs);
  }
}

function listenOn(server: Server, host: string, port: number, log: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void =>
      reject(listenError(error, { host, port }, { host: 'HOST', port: 'PORT' }));
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      // One connection that could not be accepted: the others go on.
      server.on('error', (error) => log.error({ err: error }, 'A connection could not be accepted.'));
      resolve();
    });
  });
}

const startingDetail = 'The server is starting: the database is being migrated.';

/** Before the database is ready: alive, but not ready. */
function answerWhileStarting(request: IncomingMessage, response: ServerResponse): void {
  const isHealth = /^\/healthz\/?(\?|$)/.test(request.url ?? '');
  response.writeHead(isHealth ? 200 : 503, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(isHealth ? { status: 'ok' } : { detail: startingDetail }));
}

/** Where the build puts the pages, beside the compiled sources. */
const builtPages = fileURLToPath(new URL('../web/', import.meta.url));

/** The version of this package. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
