import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import test from 'ava';
import { parse } from 'yaml';
import { loadConfig, settings } from '../../src/config.ts';
import { isProjectPath, readProjectFile } from './markdown.ts';

type Service = {
  image?: string;
  build?: string;
  ports?: string[];
  environment: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test?: string[]; disable?: boolean };
  restart?: string;
  profiles?: string[];
  command?: string[];
};
const text = readProjectFile('docker-compose.yml');
const compose = parse(text) as { services: Record<string, Service>; volumes: Record<string, null> };
const dockerfile = readProjectFile('Dockerfile');
const service = (name: string): Service => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}.`);
  return found;
};
const settingKeys = new Set(Object.values(settings).map((setting) => setting.key));
const derived = /^(POSTGRES_(HOST|PORT|USER|PASSWORD|DB)|REDIS_(HOST|PORT|PASSWORD)|SERVER_PORTS)$/;

test('the stack is PostgreSQL 13, Redis 6, the server, and the bot on demand', (t) => {
  t.deepEqual(Object.keys(compose.services), ['postgres', 'redis', 'server', 'bot']);
  t.is(service('postgres').image, 'postgres:13');
  t.is(service('redis').image, 'redis:6');
  t.deepEqual(service('bot').profiles, ['bot']);
  t.false(text.includes('\nversion:'));
});

test('the ports are 8000 for everybody, 6379 and 15432 for this machine', (t) => {
  t.deepEqual(service('server').ports, ['${SERVER_PORTS:-8000}:8000']);
  t.deepEqual(service('redis').ports, ['127.0.0.1:6379:6379']);
  t.deepEqual(service('postgres').ports, ['127.0.0.1:15432:5432']);
});

test('each service waits until those that it needs are healthy, and each of those has a check', (t) => {
  t.deepEqual(Object.keys(service('server').depends_on ?? {}), ['postgres', 'redis']);
  t.deepEqual(Object.keys(service('bot').depends_on ?? {}), ['server']);
  for (const { depends_on: needs = {}, restart } of Object.values(compose.services)) {
    t.is(restart, 'unless-stopped');
    for (const [name, { condition }] of Object.entries(needs)) {
      t.is(condition, 'service_healthy');
      const checked = service(name).healthcheck?.test !== undefined;
      t.true(checked || (service(name).build !== undefined && dockerfile.includes('\nHEALTHCHECK')), name);
    }
  }
});

test('every variable of the compose file is a setting or one of POSTGRES_*, REDIS_* and SERVER_PORTS', (t) => {
  const used = [...text.matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map(([, name = '']) => name);
  const given = Object.values(compose.services).flatMap(({ environment }) => Object.keys(environment));
  for (const name of [...used, ...given]) t.true(settingKeys.has(name) || derived.test(name), name);
});

test('every setting of the server and of the bot can be given in .env', (t) => {
  // The URLs are built from POSTGRES_* and REDIS_*; the synchronous setting is SQLite's; the fixture file lies outside the container.
  const elsewhere = new Set(['DATABASE_URL', 'REDIS_URL', 'SQLITE_SYNCHRONOUS', 'FINBOT_FIXTURE_FILE']);
  for (const { key, group } of Object.values(settings)) {
    if (elsewhere.has(key) || group === 'command line') continue;
    t.true(key in service(group === 'bot' ? 'bot' : 'server').environment, key);
  }
});

test('the server’s environment in the stack makes a valid configuration, whatever the passwords are made of', (t) => {
  const password = 'p$a$$b ${c}@:/#%\'"';
  const env = Object.fromEntries(
    Object.entries(service('server').environment).map(([key, value]) => [
      key,
      value.replace(/\$\{([A-Z_]+):([-?])([^}]*)\}/g, (_all, name: string, _kind, fallback: string) =>
        name.endsWith('_PASSWORD') ? password : fallback,
      ),
    ]),
  );
  const config = loadConfig(env);
  t.is(config.host, '0.0.0.0');
  t.is(decodeURIComponent(new URL(config.databaseUrl).password), password);
  t.is(new URL(config.databaseUrl).host, 'postgres:5432');
  t.is(decodeURIComponent(new URL(config.redisUrl ?? '').password), password);
});

test('shell variables of checks and commands are left to the container’s shell', (t) => {
  for (const name of ['postgres', 'redis']) {
    const lines = [...(service(name).healthcheck?.test ?? []), ...(service(name).command ?? [])].join(' ');
    t.notRegex(lines.replaceAll('$$', ''), /\$/, name);
  }
});

test('the image runs as another user than root, listens on all addresses and has finchat on its path', (t) => {
  const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
  t.regex(last, /^\nFROM node:20-bookworm-slim\n/);
  t.regex(last, /\nUSER node\n/);
  t.regex(last, /HOST=0\.0\.0\.0/);
  t.regex(last, /ln -s \/code\/dist\/cli\/main\.js \/usr\/local\/bin\/finchat/);
  t.regex(last, /\nVOLUME \/code\/data\n/);
  t.regex(last, /\nCMD \["finchat", "serve"\]\n/);
  t.notRegex(last, /apt-get/);
});

const run = promisify(execFile);

test('the health check succeeds for a live server and fails for a sick one and for none', async (t) => {
  const [, array = ''] = /HEALTHCHECK[^[]*CMD (\[.*\])\n/.exec(dockerfile) ?? [];
  const [command, ...args] = JSON.parse(array) as string[];
  t.is(command, 'node');
  let status = 200;
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/healthz' ? status : 404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const check = async (): Promise<unknown> => run(process.execPath, args, { env: { PORT: String(port) } });
  await t.notThrowsAsync(check);
  status = 503;
  await t.throwsAsync(check);
  server.close();
  await once(server, 'close');
  await t.throwsAsync(check);
});

test('the build context is a list of what the image needs, and all of it is there', (t) => {
  const lines = readProjectFile('.dockerignore').split('\n');
  t.is(
    lines.find((line) => line !== '' && !line.startsWith('#')),
    '*',
  );
  const wanted = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  t.false(wanted.includes('.env'));
  for (const path of wanted) if (!path.includes('*')) t.true(isProjectPath(path), path);
});
