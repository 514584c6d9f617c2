/** `finchat check`: whether the server would start here and be reachable. Changes nothing, creates nothing. */
import type { Stats } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { type Config, ConfigError } from '../../src/config.ts';
import type { Storage } from '../../src/core/ports.ts';
import type { Context, Define } from '../context.ts';
import { withMigrator, withStorage } from '../database.ts';
import { isOpenToOthers } from '../env-file.ts';
import { describeError, ExitWith, exitCodes } from '../errors.ts';
import { addExamples, addJsonOption } from '../help.ts';
import { formatTable } from '../output.ts';

type Finding = { name: string; status: 'ok' | 'warning' | 'failed'; detail: string };

// A server on this machine answers at once; Redis may be a network away.
const answerTimeoutMs = 3000;

export const define: Define = (command, context) => {
  command.description(
    'Check the settings, the database and its schema, file rights, Redis where it is set, and the port. Exit 1 when something fails.',
  );
  addJsonOption(command);
  addExamples(command, [
    ['finchat check', 'a table'],
    ['finchat check --json', 'for scripts'],
  ]);
  command.action(async ({ json }: { json?: true }) => {
    const findings = await check(context);
    const failed = findings.filter(({ status }) => status === 'failed');
    if (json) context.out.json({ ok: failed.length === 0, checks: findings });
    else {
      context.out.print(
        formatTable(
          ['check', 'result', 'detail'],
          findings.map(({ name, status, detail }) => [name, status, detail]),
          '',
        ),
      );
    }
    if (failed.length === 0) return;
    context.out.note(`Failed: ${[...new Set(failed.map(({ name }) => name))].join(', ')}. The details say what to do.`);
    throw new ExitWith(exitCodes.failed);
  });
};

async function check(context: Context): Promise<Finding[]> {
  let config: Config;
  try {
    config = await context.config();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map((detail) => ({ name: 'settings', status: 'failed', detail }));
  }
  const findings: Finding[] = [{ name: 'settings', status: 'ok', detail: 'valid' }];
  findings.push(...(await checkEnvFile(context)));
  findings.push(...(await checkDatabase(context, config)));
  if (config.redisUrl !== undefined) findings.push(await checkRedis(config.redisUrl));
  findings.push(await checkPort('port', config.host, config.port));
  if (config.metricsPort !== undefined) {
    findings.push(await checkPort('metrics port', config.metricsHost, config.metricsPort));
  }
  return findings;
}

async function checkEnvFile({ folder }: Context): Promise<Finding[]> {
  try {
    const isOpen = await isOpenToOthers(join(folder, '.env'));
    return [
      isOpen
        ? { name: '.env', status: 'warning', detail: 'others on this machine can read it: chmod 600 .env' }
        : { name: '.env', status: 'ok', detail: 'only its owner can read it' },
    ];
  } catch {
    // None is fine: every setting has a default. One that cannot be read has failed the settings.
    return [];
  }
}

// ---- database ----

async function checkDatabase(context: Context, config: Config): Promise<Finding[]> {
  const findings = config.databaseUrl.startsWith('sqlite://') ? await checkSqliteFiles(config.databaseUrl) : [];
  if (findings.some(({ status }) => status === 'failed')) return findings;
  try {
    const pending = await withMigrator(context, (migrator) => migrator.pending());
    if (pending.length > 0) {
      const detail = `${pending.length} to apply: run finchat migrate (finchat serve does it too)`;
      return [...findings, { name: 'database', status: 'warning', detail }];
    }
    findings.push({ name: 'database', status: 'ok', detail: 'reachable and up to date' });
    findings.push(await withStorage(context, checkSuperuser));
  } catch (error) {
    findings.push({ name: 'database', status: 'failed', detail: firstLine(error) });
  }
  return findings;
}

async function checkSuperuser(storage: Storage): Promise<Finding> {
  const users = await storage.users.list();
  return users.some((user) => user.isSuperuser && user.isActive)
    ? { name: 'superuser', status: 'ok', detail: 'there is one' }
    : { name: 'superuser', status: 'warning', detail: 'there is none: run finchat createsuperuser' };
}

async function checkSqliteFiles(url: string): Promise<Finding[]> {
  const { sqliteFile } = await import('../../src/storage/sqlite.ts');
  const file = sqliteFile(url);
  const name = 'database file';
  const found = await look(file);
  if (found === undefined) {
    const place = await nearestPlace(dirname(file));
    const fault = !(await look(place))?.isDirectory()
      ? 'is no folder'
      : !(await mayWrite(place))
        ? 'is not writable'
        : undefined;
    return fault === undefined
      ? [{ name, status: 'ok', detail: `${file} will be created` }]
      : [{ name, status: 'failed', detail: `${file} cannot be created: ${place} ${fault}` }];
  }
  if (!found.isFile()) return [{ name, status: 'failed', detail: `${file} is no file: correct DATABASE_URL` }];
  // SQLite keeps its log beside the file, so the folder must be writable too.
  for (const path of [file, dirname(file)]) {
    if (!(await mayWrite(path)))
      return [{ name, status: 'failed', detail: `${path} is not writable: change its owner` }];
  }
  return (await isOpenToOthers(file)) && (await isOpenToOthers(dirname(file)))
    ? [{ name, status: 'warning', detail: `others on this machine can read it: chmod 600 ${file}*` }]
    : [{ name, status: 'ok', detail: file }];
}

/** The path itself or the nearest of those above it that exists. */
async function nearestPlace(path: string): Promise<string> {
  const parent = dirname(path);
  return parent === path || (await look(path)) !== undefined ? path : nearestPlace(parent);
}

async function look(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

async function mayWrite(path: string): Promise<boolean> {
  return access(path, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}

// ---- network ----

const redisRemedy = 'Check REDIS_URL, its password, and whether Redis runs.';

async function checkRedis(url: string): Promise<Finding> {
  const { openRedis } = await import('../../src/bus/redis.ts');
  return new Promise((resolve, reject) => {
    const answer = (status: Finding['status'], detail: string): void => {
      clearTimeout(timer);
      connection.close().then(() => resolve({ name: 'redis', status, detail }), reject);
    };
    const timer = setTimeout(() => {
      answer('failed', `No answer. ${redisRemedy}`);
    }, answerTimeoutMs);
    const connection = openRedis(url, {
      log: {
        info() {},
        warn: (details) => answer('failed', `${'reason' in details ? String(details.reason) : ''} ${redisRemedy}`),
      },
    });
    connection.client.once('ready', () => answer('ok', 'reachable'));
  });
}

async function checkPort(name: string, host: string, port: number): Promise<Finding> {
  if (port === 0) return { name, status: 'ok', detail: 'any free one' };
  const fault = await tryListen(host, port);
  if (fault === undefined) return { name, status: 'ok', detail: `${host}:${port} is free` };
  if (fault.code !== 'EADDRINUSE') return { name, status: 'failed', detail: `${host}:${port}: ${fault.message}` };
  return (await isFinchat(host, port))
    ? { name, status: 'ok', detail: `a finchat server answers on ${host}:${port}` }
    : {
        name,
        status: 'failed',
        detail: `${host}:${port} is in use by another program: stop it or choose another port`,
      };
}

async function tryListen(host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(error));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}

/** Whether a server of ours answers there: its readiness, or its metrics. */
async function isFinchat(host: string, port: number): Promise<boolean> {
  const address = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  const signal = AbortSignal.timeout(answerTimeoutMs);
  for (const path of ['/healthz', '/metrics']) {
    try {
      const answer = await fetch(`http://${address}:${port}${path}`, { signal });
      const text = await answer.text();
      if (answer.ok && (path === '/metrics' ? text.includes('finchat_') : text.startsWith('{'))) return true;
    } catch {
      return false;
    }
  }
  return false;
}

function firstLine(error: unknown): string {
  const text = error instanceof Error && error.message !== '' ? error.message : describeError(error);
  return text.split('\n', 1)[0] ?? text;
}
