/** A REST server for one test: the real routes, accounts and SQLite store on a free port, with a log that can be read. */
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { type Accounts, createAccounts, type Principal } from '../../src/core/accounts.ts';
import { createAdministration } from '../../src/core/administration.ts';
import { unlimitedAttempts } from '../../src/core/attempts.ts';
import { randomText } from '../../src/core/clock.ts';
import { createPasswords, type Passwords } from '../../src/core/passwords.ts';
import type { Clock, Storage } from '../../src/core/ports.ts';
import type { Transport } from '../../src/core/transport.ts';
import type { AdminDependencies, HttpDependencies, HttpSettings } from '../../src/http/dependencies.ts';
import { createHttpServer, type HttpBounds } from '../../src/http/listener.ts';
import { createHttpHandler } from '../../src/http/server.ts';
import type { Now } from '../../src/protocol/admin.ts';
import { limits } from '../../src/protocol/limits.ts';
import { openMigrator } from '../../src/storage/migrate.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { createConnectionLimit } from '../../src/transports/connection-limit.ts';
import { createPollDoor } from '../../src/transports/poll.ts';
import { createSseDoor } from '../../src/transports/sse.ts';
import { createUpstream } from '../../src/transports/upstream.ts';
import { answerFault } from './rest-contract.ts';

export type TestClock = Clock & { pass(ms: number): void };

export type Answer = { status: number; headers: Headers; body: unknown; text: string };

export type Call = {
  json?: unknown;
  form?: Record<string, string>;
  body?: string | Uint8Array;
  token?: string;
  headers?: Record<string, string>;
};

export type RestServer = {
  url: string;
  port: number;
  storage: Storage;
  accounts: Accounts;
  clock: TestClock;
  /** Every line of the log, as text. */
  log: () => string;
  loggedOut: Principal[];
  call: (method: string, path: string, call?: Call) => Promise<Answer>;
  /** Registers and logs in. */
  token: (username: string, password?: string) => Promise<string>;
};

export type RestOptions = Partial<
  Pick<HttpDependencies, 'attempts' | 'readiness' | 'presence' | 'messages' | 'rooms' | 'metrics' | 'log'>
> & {
  settings?: Partial<HttpSettings>;
  admin?: Partial<AdminDependencies>;
  bounds?: HttpBounds;
  /** Puts something between the server and its store. */
  wrap?: (storage: Storage) => Storage;
  passwords?: Passwords;
};

/** A server that nobody uses. */
export const idle: Now = {
  version: '0.0.0',
  node_version: process.version,
  database: 'SQLite',
  redis: 'not used',
  node: null,
  nodes: 1,
  started_at: '2026-01-02T03:04:05.000Z',
  sessions: { websocket: 0, sse: 0, poll: 0, detached: 0 },
  live_rooms: 0,
  messages_per_second: 0,
  deliveries_per_second: 0,
  memory: { rss: 0, heap_used: 0, heap_total: 0 },
  problems: [],
};

export const goodPassword = 'correct horse';

/** A migrated SQLite store in a folder of its own. */
export async function openTestStorage(t: ExecutionContext): Promise<{ storage: Storage; clock: TestClock }> {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-rest-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const url = `sqlite://${join(folder, 'chat.sqlite')}`;
  const migrator = await openMigrator({ url });
  await migrator.up();
  await migrator.close();
  const clock = createTestClock();
  const storage = await openStorage({ url, pool: 2, synchronous: 'NORMAL', clock, random: randomText });
  t.teardown(() => storage.close());
  return { storage, clock };
}

function createTestClock(): TestClock {
  let now = Date.UTC(2026, 0, 2, 3, 4, 5);
  return {
    now: () => now,
    after: () => () => {},
    endOfTurn: (run) => void setImmediate(run),
    pass(ms) {
      now += ms;
    },
  };
}

export function accountsOf(
  storage: Storage,
  clock: Clock,
  passwords: Passwords = createPasswords({ rounds: 4, concurrency: 2, maxQueued: 100 }),
): Accounts {
  const { users, tokens } = storage;
  return createAccounts({ users, tokens, passwords, clock, random: randomText, tokenTtlMs: 30 * 86_400_000 });
}

export async function openRestServer(t: ExecutionContext, options: RestOptions = {}): Promise<RestServer> {
  const { admin, settings, ...overrides } = options;
  const { storage: inner, clock } = await openTestStorage(t);
  const storage = options.wrap?.(inner) ?? inner;
  await inner.rooms.seed(['friends', 'family', 'investments'].map(asRoom), clock.now());
  const known = await inner.rooms.list();
  const lines: string[] = [];
  const loggedOut: Principal[] = [];
  const accounts = accountsOf(storage, clock, options.passwords);
  const limit = createConnectionLimit(100);
  const refuse = async (transport: Transport): Promise<undefined> => {
    transport.refuse('not-authenticated');
  };
  const handler = createHttpHandler({
    accounts,
    attempts: unlimitedAttempts,
    rooms: { list: () => known, current: () => Promise.resolve(known), find: (name) => storage.rooms.findByName(name) },
    messages: storage.messages,
    presence: { count: () => 0 },
    readiness: async () => ({ ready: true }),
    now: () => idle,
    // Nobody gets into the chat here.
    chat: {
      sse: createSseDoor({ open: refuse, limit }),
      poll: createPollDoor({ open: refuse, limit, clock }),
      upstream: createUpstream({ find: () => undefined, accounts }),
    },
    admin: {
      acts: createAdministration({ storage, accounts, clock }),
      storage,
      memberNames: () => Promise.resolve([]),
      sessionOf: async () => undefined,
      online: async () => new Set<number>(),
      readChanges: async () => {},
      purgeRooms: () => {},
      clock,
      ...admin,
    },
    onLogout: (principal) => loggedOut.push(principal),
    log: pino({ level: 'trace' }, { write: (line: string) => lines.push(line) }),
    ...overrides,
    settings: {
      version: '1.2.3',
      // None: pages.test.ts has the real ones.
      webFolder: '/nowhere',
      registrationOpen: true,
      trustProxy: undefined,
      historyBytes: limits.historyBytes,
      ...settings,
    },
  });
  const server = createHttpServer(
    { request: handler, upgrade: (_request, socket) => socket.destroy() },
    options.bounds,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const call = (method: string, path: string, request: Call = {}) => send(url, method, path, request);
  return {
    url,
    port,
    storage: inner,
    accounts,
    clock,
    log: () => lines.join(''),
    loggedOut,
    call,
    async token(username, password = goodPassword) {
      await call('POST', '/register', { json: { username, password } });
      const { body } = await call('POST', '/login', { json: { username, password } });
      return (body as { token: string }).token;
    },
  };
}

function asRoom(name: string): { name: string; topic: string } {
  return { name, topic: '' };
}

/** Fails when the answer is not one that docs/openapi.yaml allows. */
async function send(url: string, method: string, path: string, call: Call): Promise<Answer> {
  const headers = new Headers(call.headers);
  if (call.token !== undefined) headers.set('authorization', `Token ${call.token}`);
  let body: string | Uint8Array | undefined = call.body;
  if (call.json !== undefined) {
    body = JSON.stringify(call.json);
    headers.set('content-type', 'application/json');
  }
  if (call.form !== undefined) {
    body = new URLSearchParams(call.form).toString();
    headers.set('content-type', 'application/x-www-form-urlencoded');
  }
  const response = await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await response.text();
  const answer = {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : JSON.parse(text),
    text,
  };
  const fault = response.status === 500 ? undefined : answerFault(method, path, answer);
  if (fault !== undefined) throw new Error(fault);
  return answer;
}

/** Sends bytes as they are and resolves what came back until the connection ended. */
export async function sendRaw(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // A server that cuts a connection may reset it: what came before counts.
  socket.on('error', () => {});
  for (const part of parts) socket.write(part);
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return Buffer.concat(chunks).toString('utf8');
}

/** Whether a body has one of the contract's three shapes. */
export function isErrorShape(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false;
  const entries = Object.entries(body);
  if (entries.length === 1 && entries[0]?.[0] === 'detail') return typeof entries[0][1] === 'string';
  const isSentences = (value: unknown): boolean =>
    Array.isArray(value) && value.length > 0 && value.every((sentence) => typeof sentence === 'string');
  return entries.length > 0 && entries.every(([, value]) => isSentences(value));
}
