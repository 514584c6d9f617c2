/**
 * `npm test`: starts the services that tests need on private ports and folders, runs AVA with this program's arguments,
 * and stops what it started whatever happens. The last line of the output is `N passed, N failed[, N skipped]`.
 */

import type { ChildProcess } from 'node:child_process';
import { access, chmod, constants, statfs } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { createPostgresTemplate } from './databases.ts';
import { startPostgres, whyNoPostgres } from './postgres.ts';
import { startRedis, whyNoRedis } from './redis.ts';
import type { Service, ServiceName } from './services.ts';
import { folderVariable, makeFolder, serviceVariables, sweep } from './services.ts';
import { type Ending, runWatched } from './watchdog.ts';

/**
 * Files that run at once. More than a small machine has processors, and than the two that AVA takes where CI is set: those
 * of clusters, faults and browsers wait most of the time, for leases, processes that start and pages that load.
 */
const filesAtOnce = Math.max(4, availableParallelism());
/**
 * Memory that serves as a disk. Tests sync some ten thousand times, at 3.5 ms each on a disk and 0.005 ms here; what a
 * killed process has written lasts on either.
 */
const memory = '/dev/shm';
/** Several times what the databases and profiles of a run take. */
const neededBytes = 4 * 1024 ** 3;
/** Longer than AVA's own time-out, which is longer than any `t.timeout`: what comes to an end alone is left alone. */
const silenceMs = 6 * 60_000;
/** Three times what a loaded machine takes. */
const wholeMs = 45 * 60_000;
/** For the services to stop, and for what they left to be removed; whatever hangs then is left behind. */
const cleanUpMs = 60_000;

const started: Service[] = [];
let ava: ChildProcess | undefined;
let interrupted: NodeJS.Signals | undefined;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = signal;
    // The one that AVA heeds: it ends its processes, too.
    ava?.kill('SIGINT');
  });
}

const exitCode = await main();
// Nothing may hold this process now: its caller waits for it.
process.exit(exitCode);

async function main(): Promise<number> {
  if (process.env['TMPDIR'] === undefined && (await hasRoom(memory))) process.env['TMPDIR'] = memory;
  const folder = await makeFolder('run');
  // PostgreSQL runs as another user when the tests run as root: it must get through to its own folder.
  await chmod(folder, 0o711);
  process.env[folderVariable] = folder;
  try {
    const environment = { ...(await provide('postgres')), ...(await provide('redis')) };
    return interrupted === undefined ? await runAva(environment) : 1;
  } finally {
    await Promise.race([cleanUp(folder), delay(cleanUpMs)]);
  }
}

async function hasRoom(folder: string): Promise<boolean> {
  try {
    await access(folder, constants.W_OK);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize >= neededBytes;
  } catch {
    return false;
  }
}

async function cleanUp(folder: string): Promise<void> {
  await Promise.allSettled(started.map((service) => service.stop()));
  await sweep(folder);
}

/** Starts a service; resolves the variables that tell the tests where it is, or why there is none. */
async function provide(name: ServiceName): Promise<Record<string, string>> {
  const variables = serviceVariables[name];
  const missing = name === 'postgres' ? whyNoPostgres() : whyNoRedis();
  if (missing !== undefined) return { [variables.url]: '', [variables.missing]: missing };
  const service = name === 'postgres' ? await startPostgres() : await startRedis();
  started.push(service);
  if (name === 'postgres') await createPostgresTemplate(service.url);
  return { [variables.url]: service.url };
}

async function runAva(environment: Record<string, string>): Promise<number> {
  const program = fileURLToPath(new URL('cli.mjs', import.meta.resolve('ava')));
  const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const asked = process.argv.slice(2);
  const isSaid = asked.some((argument) => /^(-c|-s|--concurrency|--serial)/.test(argument));
  const pace = isSaid ? [] : ['--concurrency', String(filesAtOnce)];
  let output = '';
  const ending = await runWatched(process.execPath, [program, ...pace, ...asked], {
    env: { ...process.env, ...colour, ...environment },
    silenceMs,
    wholeMs,
    write(text) {
      process.stdout.write(text);
      output += text;
    },
    started: (child) => {
      ava = child;
    },
  });
  process.stdout.write(`${summarize(stripVTControlCharacters(output), ending)}\n`);
  return ending.isBroken ? 1 : (ending.code ?? 1);
}

/** AVA's report as one line. Its closing lines say how many failed or were skipped, but not how many passed beside them. */
function summarize(report: string, { code, isBroken }: Ending): string {
  const passed = [...report.matchAll(/^\s*[✔√] /gm)].length;
  const count = (outcome: string): number => {
    const lines = report.matchAll(new RegExp(`^\\s*(\\d+) (?:tests?|hooks?) ${outcome}`, 'gm'));
    return [...lines].reduce((sum, [, digits]) => sum + Number(digits), 0);
  };
  // An uncaught exception, a time-out or a file without tests is no failed test, but a failure.
  const failed = Math.max(count('failed'), code === 0 && !isBroken ? 0 : 1);
  const skipped = count('skipped');
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}
