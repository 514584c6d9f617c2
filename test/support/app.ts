/**
 * A server in the test's own process, on port 0 and a temporary SQLite file (or a given database), with accounts at
 * hand. Everything is closed when the test ends.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { pino } from 'pino';
import { type App, createApp, type Overrides } from '../../src/app.ts';
import { type Env, loadConfig } from '../../src/config.ts';
import { randomText, systemClock } from '../../src/core/clock.ts';
import type { Clock, MessageStore, Storage } from '../../src/core/ports.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { openRawClient, type RawClientOf, type RawOptionsOf, type TransportName } from './raw-client.ts';

export type TestApp<Name extends TransportName = 'websocket'> = {
  app: App;
  url: string;
  databaseUrl: string;
  metricsPort: number | undefined;
  /** Registers the user if need be, logs in, and resolves a new token. */
  login(username: string): Promise<string>;
  /** A raw client of that user, after its `api-motd`. */
  chat<Own extends TransportName = Name>(
    username: string,
    options?: RawOptionsOf[Own] & { transport?: Own },
  ): Promise<RawClientOf[Own]>;
  /** A REST call; the body goes out as JSON. */
  request(
    method: string,
    path: string,
    options?: { body?: unknown; token?: string },
  ): Promise<{ status: number; body: unknown }>;
  /** The same database as another process would open it: what the command line does. */
  elsewhere(): Promise<Storage>;
};

const password = 'a long enough pass-phrase';

/** `transport`: what `chat` uses where a call does not say. */
export async function startApp<Name extends TransportName = 'websocket'>(
  t: ExecutionContext,
  options: { env?: Env; overrides?: Overrides; databaseUrl?: string; transport?: Name } = {},
): Promise<TestApp<Name>> {
  const databaseUrl = options.databaseUrl ?? `sqlite://${join(await temporaryFolder(t), 'finchat.sqlite')}`;
  const config = loadConfig({
    PORT: '0',
    BCRYPT_ROUNDS: '4',
    SHUTDOWN_SECONDS: '5',
    DATABASE_URL: databaseUrl,
    ...options.env,
  });
  const app = createApp(config, { log: pino({ level: 'silent' }), ...options.overrides });
  t.teardown(() => app.close());
  const { url, metricsPort } = await app.listen();

  async function request(
    method: string,
    path: string,
    { body, token }: { body?: unknown; token?: string } = {},
  ): Promise<{ status: number; body: unknown }> {
    const headers: Record<string, string> = { connection: 'close' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (token !== undefined) headers.authorization = `Token ${token}`;
    const response = await fetch(url + path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  async function login(username: string): Promise<string> {
    const first = await request('POST', '/login', { body: { username, password } });
    if (first.status === 200) return (first.body as { token: string }).token;
    const registered = await request('POST', '/register', { body: { username, password } });
    if (registered.status !== 200)
      throw new Error(`${username} could not be registered: ${JSON.stringify(registered)}`);
    const { body } = await request('POST', '/login', { body: { username, password } });
    return (body as { token: string }).token;
  }

  return {
    app,
    url,
    databaseUrl,
    metricsPort,
    login,
    request,
    async chat<Own extends TransportName = Name>(
      username: string,
      own?: RawOptionsOf[Own] & { transport?: Own },
    ): Promise<RawClientOf[Own]> {
      const token = own?.token ?? (await login(username));
      const transport: TransportName = own?.transport ?? options.transport ?? 'websocket';
      const client = await openRawClient(t, url, { ...own, token, transport });
      await client.next({ type: 'notification', code: 'api-motd' });
      return client as RawClientOf[Own];
    },
    async elsewhere() {
      const storage = await openStorage({
        url: databaseUrl,
        pool: 2,
        synchronous: 'NORMAL',
        clock: systemClock,
        random: randomText,
        busyTimeoutMs: 5000,
      });
      t.teardown(() => storage.close());
      return storage;
    },
  };
}

/** A folder that is gone when the test ends. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Timers run, and no time passes: no bucket fills, however slow this machine is. */
export function createStoppedClock(): Clock {
  const instant = Date.now();
  return { ...systemClock, now: () => instant };
}

export type TestClock = Clock & {
  /** Runs what is due within `ms` from now, and counts the time as passed. */
  advance(ms: number): void;
};

/** Real time, and on top of it what a test says has passed: timers run when either reaches them. */
export function createTestClock(): TestClock {
  let ahead = 0;
  const timers = new Set<{ at: number; run: () => void; cancel: () => void }>();
  const now = (): number => Date.now() + ahead;
  return {
    now,
    after(ms, run) {
      const cancel = systemClock.after(ms, () => {
        timers.delete(timer);
        run();
      });
      const timer = { at: now() + ms, run, cancel };
      timers.add(timer);
      return () => {
        timers.delete(timer);
        cancel();
      };
    },
    endOfTurn: (run) => systemClock.endOfTurn(run),
    advance(ms) {
      ahead += ms;
      for (const timer of Array.from(timers)) {
        if (timer.at > now() || !timers.delete(timer)) continue;
        timer.cancel();
        timer.run();
      }
    },
  };
}

/** For `wrapStorage`: a store of messages that does some things in another way. */
export function wrapMessages(wrap: (messages: MessageStore) => Partial<MessageStore>): (storage: Storage) => Storage {
  return (storage) => ({
    ...storage,
    ping: () => storage.ping(),
    lockServer: (asked) => storage.lockServer(asked),
    close: () => storage.close(),
    messages: { ...storage.messages, ...wrap(storage.messages) },
  });
}

/** For `wrapStorage`: pages of messages have been read only once `isOver` resolves. */
export function slowPages(isOver: () => Promise<unknown>): (storage: Storage) => Storage {
  return wrapMessages((messages) => ({
    async page(roomId, range) {
      const page = await messages.page(roomId, range);
      await isOver();
      return page;
    },
  }));
}

/** For `wrapStorage`: a store that has stored, and does not say so before `answer` is called. */
export function silentStore(): {
  wrapStorage: (storage: Storage) => Storage;
  stored: Promise<void>;
  answer: () => void;
} {
  let answer: () => void = () => {};
  let noteStored: () => void = () => {};
  const mayAnswer = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const stored = new Promise<void>((resolve) => {
    noteStored = resolve;
  });
  const wrapStorage = wrapMessages((messages) => ({
    async append(batch, node) {
      const outcomes = await messages.append(batch, node);
      noteStored();
      await mayAnswer;
      return outcomes;
    },
  }));
  return { wrapStorage, stored, answer };
}
