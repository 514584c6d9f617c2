/** Starting and stopping a server at awkward moments: closed while it starts, a part that fails to close. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { createApp, type Overrides } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import type { Storage } from '../../src/core/ports.ts';
import { tryProcessLock } from '../../src/storage/process-lock.ts';
import { startApp, temporaryFolder } from '../support/app.ts';
import { findFreePort, patienceMs, until } from '../support/services.ts';

const log = pino({ level: 'silent' });

async function newDatabase(t: ExecutionContext): Promise<string> {
  return `sqlite://${join(await temporaryFolder(t), 'finchat.sqlite')}`;
}

/** The storage with some of its methods in place of its own. */
function replace(storage: Storage, methods: Partial<Storage>): Storage {
  return Object.assign(Object.create(storage) as Storage, methods);
}

const moments: Record<string, (close: () => void) => Overrides['wrapStorage']> = {
  'at once': (close) => {
    close();
    return undefined;
  },
  'when its database is open': (close) => (storage) => {
    close();
    return storage;
  },
  'while it takes the lock': (close) => (storage) =>
    replace(storage, {
      async lockServer(options) {
        const lock = await storage.lockServer(options);
        close();
        return lock;
      },
    }),
  'while it loads the chat': (close) => (storage) => {
    const latestId = (): Promise<number> => {
      close();
      return storage.changes.latestId();
    };
    return replace(storage, { changes: { ...storage.changes, latestId } });
  },
};

for (const [moment, wrap] of Object.entries(moments)) {
  test(`a server that is closed ${moment} does not start, and leaves nothing open`, async (t) => {
    const databaseUrl = await newDatabase(t);
    const closed: Promise<void>[] = [];
    const overrides: Overrides = { log };
    const app = createApp(loadConfig({ PORT: '0', DATABASE_URL: databaseUrl }), overrides);
    const listening = app.listen();
    const wrapStorage = wrap(() => closed.push(app.close()));
    if (wrapStorage !== undefined) overrides.wrapStorage = wrapStorage;
    await t.throwsAsync(listening, { message: /stopped before it was ready/ });
    await Promise.all(closed);
    await app.close();
    // The lock and the file are free.
    const next = await startApp(t, { databaseUrl });
    t.is((await next.request('GET', '/readyz')).status, 200);
  });
}

test('a server whose port is taken says so, and closes what it opened', async (t) => {
  const first = await startApp(t);
  const databaseUrl = await newDatabase(t);
  const { port } = new URL(first.url);
  const app = createApp(loadConfig({ PORT: port, DATABASE_URL: databaseUrl }), { log });
  await t.throwsAsync(app.listen(), { message: /The port is in use/ });
  await app.close();
  await startApp(t, { databaseUrl });
  t.is((await first.request('GET', '/readyz')).status, 200);
});

test('a part that fails to close is reported, and the others are closed', async (t) => {
  const databaseUrl = await newDatabase(t);
  const app = createApp(loadConfig({ PORT: '0', DATABASE_URL: databaseUrl }), {
    log,
    wrapStorage: (storage) =>
      replace(storage, {
        async lockServer(options) {
          const lock = await storage.lockServer(options);
          const release = async (): Promise<void> => {
            await lock?.release();
            throw new Error('The lock is stuck.');
          };
          return lock && { ...lock, release };
        },
      }),
  });
  const { url } = await app.listen();
  const error: unknown = await t.throwsAsync(app.close(), { instanceOf: AggregateError });
  t.deepEqual(
    (error as AggregateError).errors.map((fault: Error) => fault.message),
    ['The lock is stuck.'],
  );
  await t.throwsAsync(fetch(`${url}/healthz`));
  await startApp(t, { databaseUrl });
});

test('SIGTERM while the database is being migrated ends the process in good order', async (t) => {
  const folder = await temporaryFolder(t);
  const databaseUrl = await newDatabase(t);
  const release = await tryProcessLock(databaseUrl, 'migration');
  t.teardown(() => release?.());
  const port = await findFreePort();
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../cli/main.js', import.meta.url)), 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], PORT: String(port), DATABASE_URL: databaseUrl, SHUTDOWN_SECONDS: '0' },
  });
  t.teardown(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>;
  await until(patienceMs, async () => {
    const { status } = await fetch(`http://127.0.0.1:${port}/readyz`, { headers: { connection: 'close' } });
    if (status !== 503) throw new Error(`GET /readyz answered ${status}.`);
  });
  child.kill('SIGTERM');
  t.deepEqual(await exited, [0, null], output);
  t.regex(output, /Stopped\./);
});
