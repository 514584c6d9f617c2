/** Child processes of the tests: finding binaries, free ports, and ending what was started. */

import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext, SerialFn, TestFn } from 'ava';
import { killAtOnce } from './processes.ts';

export type Service = {
  url: string;
  stop(): Promise<void>;
};

/** Variables by which run.ts tells AVA's processes what there is. `…_MISSING` holds the reason. */
export const serviceVariables = {
  postgres: { url: 'FINCHAT_TEST_POSTGRES', missing: 'FINCHAT_TEST_POSTGRES_MISSING' },
  redis: { url: 'FINCHAT_TEST_REDIS', missing: 'FINCHAT_TEST_REDIS_MISSING' },
} as const;
export type ServiceName = keyof typeof serviceVariables;

/** The folder of one run, in which everything of it lies: run.ts ends and removes what a killed test left there. */
export const folderVariable = 'FINCHAT_TEST_FOLDER';
/** A service writes its process id here, so that it can be ended when its starter is gone. */
const pidFile = 'service.pid';

/** A temporary folder for a service or a test. The caller removes it. */
export function makeFolder(prefix: string): Promise<string> {
  return mkdtemp(join(process.env[folderVariable] ?? tmpdir(), `finchat-${prefix}-`));
}

/** Notes which process serves from this folder. */
export async function notePid(folder: string, pid: number | undefined): Promise<void> {
  if (pid !== undefined) await writeFile(join(folder, pidFile), String(pid));
}

/** The process has ended: its id may be another's now. */
export function removeNote(folder: string): Promise<void> {
  return rm(join(folder, pidFile), { force: true });
}

/** Ends the services that still run in the folders of a run, and removes it. */
export async function sweep(runFolder: string): Promise<void> {
  const folders = await readdir(runFolder);
  await Promise.all(folders.map((folder) => endNoted(join(runFolder, folder))));
  await rm(runFolder, { recursive: true, force: true, maxRetries: 3 });
}

async function endNoted(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, pidFile), 'utf8').catch(() => ''));
  if (pid === 0) return;
  try {
    // SIGQUIT: PostgreSQL's immediate shutdown, which takes its children along.
    process.kill(pid, 'SIGQUIT');
    await until(5000, async () => {
      if (isAlive(pid)) throw new Error(`Process ${pid} does not end.`);
    });
  } catch {
    // Ended already, or it stands still.
    killAtOnce(pid);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** The service's URL, or why there is none. */
export function findService(name: ServiceName): { url: string } | { missing: string } {
  const variables = serviceVariables[name];
  const url = process.env[variables.url];
  if (url !== undefined && url !== '') return { url };
  return { missing: process.env[variables.missing] ?? 'run through npm test' };
}

/** Whether a missing service is a failure. */
export function requiresServices(): boolean {
  return process.env['FINCHAT_REQUIRE_SERVICES'] === '1';
}

/**
 * Registers a test that needs a service. Without the service it shows as skipped, with the reason in its title; where
 * services are required it fails.
 */
export function serviceTest(
  test: TestFn | SerialFn,
  name: ServiceName,
  title: string,
  body: (t: ExecutionContext, url: string) => Promise<void>,
): void {
  const found = findService(name);
  if ('url' in found) test(title, (t) => body(t, found.url));
  else failOrSkip(test, title, found.missing);
}

/** The same for programs that each test starts for itself. `missing`: why one cannot be started; undefined: all can. */
export function programTest(
  test: TestFn | SerialFn,
  missing: string | undefined,
  title: string,
  body: (t: ExecutionContext) => Promise<void>,
): void {
  if (missing === undefined) test(title, body);
  else failOrSkip(test, title, missing);
}

/** Registers what cannot run here: a failure where services are demanded, else shown as skipped, with its reason. */
export function failOrSkip(test: TestFn | SerialFn, title: string, missing: string): void {
  if (requiresServices()) test(title, (t) => t.fail(`required, but: ${missing}`));
  // The one place where a test is skipped: the machine has not what it needs, and none were demanded.
  else test.skip(`${title} [skipped: ${missing}]`, (t) => t.fail());
}

/** The file of a program on the PATH or in one of the folders. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  const everywhere = [...(process.env['PATH'] ?? '').split(delimiter), ...folders].filter((folder) => folder !== '');
  return everywhere.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Below the ports that systems take for outgoing connections (Linux: from 32,768 on): what is stopped and started again
 * on its port would find one of those taken now and then, by one of a test's own connections.
 */
const fixedPorts = { first: 20_000, count: 12_000 };

/** A port that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = fixedPorts.first + Math.floor(Math.random() * fixedPorts.count);
    if (await isFree(port)) return port;
  }
  throw new Error('There is no free port.');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** The numeric ids of a user of the system, from /etc/passwd. */
export function findUser(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** Runs a program to its end; resolves what it wrote. Rejects with that when it fails. */
export async function runToEnd(file: string, args: readonly string[], options: SpawnOptions = {}): Promise<string> {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${file} ended with ${code}:\n${output}`);
  return output;
}

/** Resolves true when the child ends by itself within the time. */
export async function endsWithin(child: ChildProcess, ms: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return true;
  return settlesWithin(once(child, 'exit'), ms);
}

/** Resolves true when the promise settles within the time. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const stop = new AbortController();
  const late = delay(ms, false, { signal: stop.signal }).catch(() => false);
  const settled = promise.then(
    () => true,
    () => true,
  );
  const result = await Promise.race([settled, late]);
  stop.abort();
  return result;
}

/** For `until`: long enough for a machine that is loaded ten times over; a test that passes never waits for it. */
export const patienceMs = 30_000;

/** Repeats `attempt` until it resolves; rejects with its last error after `ms`. */
export async function until<T>(ms: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(25);
  }
}
