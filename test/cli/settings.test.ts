import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { settings } from '../../src/config.ts';
import { readProjectFile } from '../docs/markdown.ts';
import { findFreePort, serviceTest } from '../support/services.ts';
import { type Desk, openDesk } from './command-line.ts';

type Row = { key: string; value: string; source: string };
type Report = { ok: boolean; checks: { name: string; status: string; detail: string }[] };

async function configOf(desk: Desk, env: Record<string, string> = {}): Promise<Map<string, Row>> {
  return new Map(((await desk.json(['config'], { env })) as Row[]).map((row) => [row.key, row]));
}

test('config shows every setting, its value and where it comes from; the environment wins over .env', async (t) => {
  const desk = await openDesk(t, { database: null });
  await writeFile(join(desk.folder, '.env'), 'PORT=8001\nHOST=0.0.0.0\nREGISTRATION=\n');
  const rows = await configOf(desk, { PORT: '8002', POSTGRES_PASSWORD: 'geheim', POSTGRES_HOST: 'db' });
  t.deepEqual(
    [...rows.keys()],
    Object.values(settings).map(({ key }) => key),
  );
  t.like(rows.get('PORT'), { value: '8002', source: 'environment' });
  t.like(rows.get('HOST'), { value: '0.0.0.0', source: '.env' });
  t.like(rows.get('REGISTRATION'), { value: 'open', source: 'default' });
  t.like(rows.get('DATABASE_URL'), { value: 'postgres://finchat:********@db:5432/finchat', source: 'derived' });
  const { stdout } = await desk.run(['config']);
  t.regex(stdout, /^SETTING +VALUE +FROM\nHOST +0\.0\.0\.0 +\.env\n/);
  t.regex(stdout, /\nTRUST_PROXY +\(unset\) +default\n/);
});

test('config never shows a secret', async (t) => {
  const desk = await openDesk(t, { database: null });
  const env: Record<string, string> = {
    DATABASE_URL: 'postgres://finchat:hunter2@db/finchat',
    REDIS_URL: 'redis://:hunter2@redis:6379',
  };
  for (const { key, secret } of Object.values(settings)) if (secret === 'yes') env[key] = 'hunter2';
  for (const args of [['config'], ['config', '--json']]) {
    const { code, stdout } = await desk.run(args, { env });
    t.is(code, 0);
    t.false(stdout.includes('hunter2'));
    t.true(stdout.includes('********'));
  }
});

test('config --env-sample prints .env.sample, which sets nothing', async (t) => {
  const desk = await openDesk(t, { database: null });
  const { stdout } = await desk.run(['config', '--env-sample']);
  t.is(stdout, readProjectFile('.env.sample'));
  const before = await configOf(desk);
  await writeFile(join(desk.folder, '.env'), stdout);
  t.deepEqual(await configOf(desk), before);
  await writeFile(
    join(desk.folder, '.env'),
    stdout.replaceAll(/^# ([A-Z_]+=)/gm, '$1').replaceAll(/^(POSTGRES|REDIS)_.*$/gm, ''),
  );
  for (const [key, row] of await configOf(desk)) t.is(before.get(key)?.value, row.value, key);
});

test('every command reports all faults of the settings at once', async (t) => {
  const desk = await openDesk(t, { database: null });
  const env = { PORT: '70000', REGISTRATION: 'maybe', RATE_LIMITS: 'yes' };
  for (const args of [['rooms', 'list'], ['serve'], ['bot'], ['migrate'], ['config'], ['setup', '--noinput']]) {
    const { code, stdout, stderr } = await desk.run(args, { env });
    t.deepEqual({ code, stdout }, { code: 1, stdout: '' }, args.join(' '));
    for (const key of Object.keys(env)) t.true(stderr.includes(`  ${key} must be `), args.join(' '));
  }
});

test('bot without an account says what it needs', async (t) => {
  const desk = await openDesk(t);
  const { code, stderr } = await desk.run(['bot']);
  t.is(code, 1);
  t.is(stderr, 'The bot needs an account: set FINBOT_USERNAME and FINBOT_PASSWORD, or FINBOT_TOKEN.\n');
});

// ---- check ----

async function check(desk: Desk, env: Record<string, string> = {}): Promise<{ code: number | null; report: Report }> {
  const { code, stdout } = await desk.run(['check', '--json'], { env: { PORT: '0', ...env } });
  return { code, report: JSON.parse(stdout) as Report };
}

function statusOf({ checks }: Report, name: string): string | undefined {
  return checks.find((entry) => entry.name === name)?.status;
}

async function listen(t: ExecutionContext, answer: string): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/healthz' && answer !== '' ? 200 : 404).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return String((server.address() as AddressInfo).port);
}

test('check passes on a migrated database and names what is missing', async (t) => {
  const desk = await openDesk(t);
  const { code, report } = await check(desk, { PORT: String(await findFreePort()) });
  t.is(code, 0);
  t.true(report.ok);
  t.is(statusOf(report, 'settings'), 'ok');
  t.is(statusOf(report, 'database'), 'ok');
  t.is(statusOf(report, 'superuser'), 'warning');
  t.is(statusOf(report, 'port'), 'ok');
  t.regex((await desk.run(['check'], { env: { PORT: '0' } })).stdout, /^CHECK +RESULT +DETAIL\nsettings +ok +valid\n/);
});

test('check warns of a database that is not migrated, and creates nothing', async (t) => {
  const desk = await openDesk(t, { database: null });
  const { code, report } = await check(desk);
  t.is(code, 0);
  t.is(statusOf(report, 'database'), 'warning');
  t.regex(JSON.stringify(report), /will be created.*run finchat migrate/);
  t.is((await desk.run(['rooms', 'list'])).code, 1);
});

test('check fails on settings with faults, an unreachable database, and Redis that is not there', async (t) => {
  const desk = await openDesk(t, { database: 'postgres://finchat@127.0.0.1:1/finchat' });
  const faulty = await check(desk, { PORT: 'x', HOST: '', LOG_LEVEL: 'loud' });
  t.is(faulty.code, 1);
  t.is(faulty.report.checks.length, 2);
  const lost = await check(desk, { REDIS_URL: 'redis://127.0.0.1:1' });
  t.is(lost.code, 1);
  t.is(statusOf(lost.report, 'database'), 'failed');
  t.is(statusOf(lost.report, 'redis'), 'failed');
  t.regex((await desk.run(['check'], { env: { PORT: '0' } })).stderr, /^Failed: database\./);
});

serviceTest(test, 'redis', 'check finds a Redis that answers', async (t, url) => {
  const desk = await openDesk(t, { database: 'postgres://finchat@127.0.0.1:1/finchat' });
  t.is(statusOf((await check(desk, { REDIS_URL: url })).report, 'redis'), 'ok');
});

test('check tells a finchat server on the port from another program', async (t) => {
  const desk = await openDesk(t);
  t.is(statusOf((await check(desk, { PORT: await listen(t, '{"status":"ok"}') })).report, 'port'), 'ok');
  const other = await check(desk, { PORT: await listen(t, '') });
  t.is(other.code, 1);
  t.is(statusOf(other.report, 'port'), 'failed');
  t.is(statusOf((await check(desk, { METRICS_PORT: await listen(t, '') })).report, 'metrics port'), 'failed');
});

test('check warns of an .env that others can read, and of a file that cannot be written', async (t) => {
  const desk = await openDesk(t, { database: null });
  await writeFile(join(desk.folder, '.env'), 'MOTD=hi\n', { mode: 0o644 });
  t.is(statusOf((await check(desk)).report, '.env'), 'warning');
  await chmod(join(desk.folder, '.env'), 0o600);
  t.is(statusOf((await check(desk)).report, '.env'), 'ok');
  await mkdir(join(desk.folder, 'data'));
  // A folder in the file's place: no rights needed, so it fails for root too.
  await mkdir(join(desk.folder, 'data', 'finchat.sqlite'));
  const { code, report } = await check(desk);
  t.is(code, 1);
  t.false(report.ok);
});
