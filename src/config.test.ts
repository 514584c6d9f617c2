import test from 'ava';
import { ConfigError, loadConfig } from './config.ts';

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

test('an empty variable counts as unset, and the parts of a database URL are percent-encoded', (t) => {
  t.is(loadConfig({ PORT: '' }).port, 8000);
  const { databaseUrl } = loadConfig({ POSTGRES_HOST: 'db', POSTGRES_PASSWORD: 'a$b@c/d' });
  t.is(databaseUrl, 'postgres://postgres:a%24b%40c%2Fd@db:5432/postgres');
});
