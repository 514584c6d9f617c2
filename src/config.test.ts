import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ConfigError, type Env, loadConfig, settings } from './config.ts';
import { readEnvironment } from './environment.ts';

function faultsOf(env: Env): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

test('without an environment every setting has its default, and nobody can change it', (t) => {
  const config = loadConfig({});
  for (const [name, setting] of Object.entries(settings)) {
    t.deepEqual(config[name as keyof typeof config], setting.default, setting.key);
  }
  t.like(config, { host: '127.0.0.1', port: 8000, databaseUrl: 'sqlite://data/finchat.sqlite', rateLimits: true });
  t.true(Object.isFrozen(config));
});

test('an empty variable counts as unset', (t) => {
  const keys = [...Object.values(settings).map(({ key }) => key), 'POSTGRES_HOST', 'POSTGRES_PASSWORD', 'REDIS_HOST'];
  t.deepEqual(loadConfig(Object.fromEntries(keys.map((key) => [key, '']))), loadConfig({}));
});

test('a database address is made of POSTGRES_*, percent-encoded, and only where there is none', (t) => {
  const password = "p@ss:w/o#r?d% $1'ü";
  const made = new URL(
    loadConfig({
      POSTGRES_USER: 'f@n',
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: 'chat/1',
      POSTGRES_HOST: 'db',
      POSTGRES_PORT: '15432',
    }).databaseUrl,
  );
  t.deepEqual([made.protocol, made.username, made.password, made.host, made.pathname].map(decodeURIComponent), [
    'postgres:',
    'f@n',
    password,
    'db:15432',
    '/chat/1',
  ]);
  t.is(loadConfig({ POSTGRES_PASSWORD: 'x' }).databaseUrl, 'postgres://finchat:x@localhost:5432/finchat');
  t.is(loadConfig({ POSTGRES_USER: 'ann' }).databaseUrl, 'postgres://ann@localhost:5432/finchat');
  t.is(loadConfig({ POSTGRES_HOST: 'db', DATABASE_URL: 'sqlite://x' }).databaseUrl, 'sqlite://x');
  t.deepEqual(faultsOf({ POSTGRES_PORT: 'five' }), ['POSTGRES_PORT must be a whole number.']);
});

test('an address to listen on is a host name or an IP address, without port or scheme', (t) => {
  for (const host of ['127.0.0.1', '0.0.0.0', '::', 'fe80::1', 'localhost', 'chat-1.example.org']) {
    t.is(loadConfig({ HOST: host }).host, host);
  }
  for (const host of ['http://localhost', 'localhost:8000', 'a b', '127.0.0.1/8', '[::1]']) {
    t.deepEqual(faultsOf({ HOST: host, METRICS_HOST: host }), [
      'HOST must be an IP address or a host name, without port or http://.',
      'METRICS_HOST must be an IP address or a host name, without port or http://.',
    ]);
  }
});

test('the address of Redis is made of REDIS_HOST, and REDIS_PASSWORD alone makes none', (t) => {
  const postgres = { DATABASE_URL: 'postgres://db/finchat' };
  const made = loadConfig({ ...postgres, REDIS_HOST: 'redis', REDIS_PASSWORD: 'a@b/$c' }).redisUrl;
  t.is(made, 'redis://:a%40b%2F%24c@redis:6379');
  t.is(loadConfig({ REDIS_PASSWORD: 'x' }).redisUrl, undefined);
});

test('Redis is refused with SQLite, and taken with PostgreSQL', (t) => {
  const sentence = 'REDIS_URL needs PostgreSQL: set DATABASE_URL to postgres://…, or leave REDIS_URL out.';
  t.deepEqual(faultsOf({ REDIS_URL: 'redis://127.0.0.1:6379' }), [sentence]);
  t.deepEqual(faultsOf({ REDIS_HOST: 'redis', DATABASE_URL: 'sqlite:///var/chat' }), [sentence]);
  t.deepEqual(faultsOf({ REDIS_URL: 'redis://127.0.0.1:6379', DATABASE_URL: 'postgres://db/finchat' }), []);
});

test('all faults are reported at once, each with its variable and what would do', (t) => {
  const wrong: Env = {
    PORT: '8000x',
    DATABASE_URL: 'mysql://db/finchat',
    REDIS_URL: 'http://redis',
    RATE_LIMITS: 'true',
    REGISTRATION: 'closed!',
    TRUST_PROXY: '0',
    METRICS_PORT: '65536',
    LOG_LEVEL: 'loud',
    FINBOT_STOOQ_URL: 'stooq.com',
  };
  const named = faultsOf(wrong).map((fault) => fault.slice(0, fault.indexOf(' ')));
  t.deepEqual(named.sort(), Object.keys(wrong).sort());
  t.throws(() => loadConfig(wrong), { message: /^The settings have 9 faults:\n {2}PORT must be a whole number/m });
});

test('other origins are scheme and host, as browsers send them, or all', (t) => {
  t.is(loadConfig({}).corsOrigins, undefined);
  t.is(loadConfig({ CORS_ORIGINS: ' * ' }).corsOrigins, '*');
  const given =
    'https://App.example.org:443, http://localhost:5173,http://[::1]:80,https://bücher.example,capacitor://localhost,';
  t.deepEqual(loadConfig({ CORS_ORIGINS: given }).corsOrigins, [
    'https://app.example.org',
    'http://localhost:5173',
    'http://[::1]',
    'https://xn--bcher-kva.example',
    'capacitor://localhost',
  ]);
});

test('what is no origin is refused with the entry at fault', (t) => {
  const faulty = [
    'app.example.org',
    'localhost:5173',
    'https://app.example.org/',
    'https://app.example.org/chat',
    'https://app.example.org\\chat',
    'https://app.example.org?x',
    'https://*.example.org',
    'https://me@app.example.org',
    'http://localhost:99999',
    'file:///tmp/page.html',
    'null',
    '*',
    ',',
  ];
  for (const entry of faulty) {
    // Alone `*` is all; a lone comma names none.
    const given = entry === ',' ? entry : `https://good.example.org,${entry}`;
    t.deepEqual(faultsOf({ CORS_ORIGINS: given }), [
      `CORS_ORIGINS must be * alone, or origins with commas between: scheme and host, a port where there is one, no path. "${entry}" is none.`,
    ]);
  }
});

test('a trusted proxy is a number of hops, or addresses and networks', (t) => {
  t.is(loadConfig({}).trustProxy, undefined);
  t.is(loadConfig({ TRUST_PROXY: '2' }).trustProxy, 2);
  t.deepEqual(loadConfig({ TRUST_PROXY: '127.0.0.1, 10.0.0.0/8,2001:db8::/32' }).trustProxy, [
    '127.0.0.1',
    '10.0.0.0/8',
    '2001:db8::/32',
  ]);
});

test('a proxy that can be none is a fault of the settings, told with all others', (t) => {
  for (const TRUST_PROXY of [
    '10.0.0.0/99',
    '10.0.0.0/0',
    '300.1.1.1',
    '2001:db8::/129',
    'loopback',
    ',',
    '0',
    '33',
    '::1 x',
  ]) {
    const error = t.throws(() => loadConfig({ TRUST_PROXY, PORT: 'x' }), { instanceOf: ConfigError }, TRUST_PROXY);
    t.deepEqual(
      error.faults.map((fault) => fault.split(' ')[0]),
      ['PORT', 'TRUST_PROXY'],
      TRUST_PROXY,
    );
  }
});

test('rooms of the bot stand between colons, its providers between commas', (t) => {
  t.deepEqual(loadConfig({ FINBOT_ROOMS: 'friends:family' }).finbotRooms, ['friends', 'family']);
  t.deepEqual(loadConfig({ FINBOT_QUOTES: 'stooq, fixture' }).finbotQuotes, ['stooq', 'fixture']);
});

test('the environment wins over .env, also with an empty variable, which takes a setting away', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'finchat-config-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  t.deepEqual(readEnvironment({ PORT: '1' }, folder), { PORT: '1' });
  writeFileSync(join(folder, '.env'), "PORT=8001\nHOST=0.0.0.0\nMOTD=\nPOSTGRES_PASSWORD='pa$$word $1'\n");
  const merged = readEnvironment({ PORT: '8002', HOST: '', MOTD: undefined }, folder);
  t.like(merged, { PORT: '8002', HOST: '', MOTD: '', POSTGRES_PASSWORD: 'pa$$word $1' });
  t.is(loadConfig(merged).host, '127.0.0.1');
});
