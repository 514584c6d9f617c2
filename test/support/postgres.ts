/** A private PostgreSQL server: a cluster in a temporary folder, on a free port of 127.0.0.1. */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { Service } from './services.ts';
import {
  endsWithin,
  findFreePort,
  findProgram,
  findUser,
  makeFolder,
  notePid,
  removeNote,
  runToEnd,
  until,
} from './services.ts';

export type Postgres = Service & {
  port: number;
  /** The server's first process, whose children serve the connections. */
  readonly pid: number;
  /** Kills every process of the server at once, as a crash does (SIGQUIT: PostgreSQL's immediate shutdown). */
  crash(): Promise<void>;
  /** Ends it as a deploy does (SIGINT: PostgreSQL's fast shutdown): sessions are told and ended, all is written. */
  halt(): Promise<void>;
  /** Starts it again after `crash` or `halt`, on the same port and data. */
  start(): Promise<void>;
};

/** PostgreSQL refuses to run as root: the user that Debian's packages create runs it then. */
const userForRoot = 'postgres';
const startDeadlineMs = 20_000;

/** Why no server can be started here; undefined: one can. */
export function whyNoPostgres(): string | undefined {
  if (binary('initdb') === undefined || binary('postgres') === undefined) return 'PostgreSQL is not installed';
  if (process.getuid?.() === 0 && findUser(userForRoot) === undefined) {
    return `running as root and there is no user ${userForRoot}`;
  }
  return undefined;
}

/** `settings`: further lines of postgresql.conf as `name=value`. Rejects when it does not come up. */
export async function startPostgres(settings: readonly string[] = []): Promise<Postgres> {
  const [initdb, postgres] = [binary('initdb'), binary('postgres')];
  if (initdb === undefined || postgres === undefined) throw new Error(whyNoPostgres());
  const folder = await makeFolder('pg');
  const owner = process.getuid?.() === 0 ? findUser(userForRoot) : undefined;
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, 'data');
  const environment = { ...owner, cwd: folder, env: { ...process.env, LC_ALL: 'C', LANG: 'C' } };
  let child: ChildProcess | undefined;

  try {
    await runToEnd(
      initdb,
      ['-D', data, '-U', 'finchat', '--auth=trust', '--encoding=UTF8', '--no-sync', '--no-instructions'],
      environment,
    );
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const port = await findFreePort();
  const url = `postgres://finchat@127.0.0.1:${port}/postgres`;
  const options = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    // The data need not survive a power cut of this machine; a crashed server still recovers from its log.
    'fsync=off',
    // Some hundred tests may have a database at once, each with a small pool.
    'max_connections=600',
    'shared_buffers=64MB',
    'log_min_messages=fatal',
    ...settings,
  ];
  const start = async (): Promise<void> => {
    const started = spawn(postgres, ['-D', data, ...options.flatMap((option) => ['-c', option])], {
      ...environment,
      stdio: 'ignore',
    });
    child = started;
    await notePid(folder, started.pid);
    await until(startDeadlineMs, () => probe(url));
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill(signal);
    if (!(await endsWithin(running, 5000))) running.kill('SIGQUIT');
    await ended;
    await removeNote(folder);
  };
  const stop = async (): Promise<void> => {
    await end('SIGINT');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    stop,
    start,
    crash: () => end('SIGQUIT'),
    halt: () => end('SIGINT'),
  };
}

/** On the PATH, or where Debian keeps the versions, the newest first. */
function binary(name: string): string | undefined {
  const versions = listVersions().map((version) => join('/usr/lib/postgresql', version, 'bin'));
  return findProgram(name, versions);
}

function listVersions(): string[] {
  try {
    return readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
  } catch {
    return [];
  }
}

async function probe(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}
