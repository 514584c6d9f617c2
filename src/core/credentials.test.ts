import test from 'ava';
import { readCredentials } from './credentials.ts';

const token = (value: string) => ({ kind: 'token' as const, token: value });

test('Token and Bearer are read without regard to case and spacing', (t) => {
  for (const header of ['Token abc', 'token abc', 'TOKEN  abc', ' Bearer abc ', 'bearer\tabc']) {
    t.deepEqual(readCredentials(header, undefined), token('abc'), header);
  }
});

test('the header wins over the query, and the query stands in for an absent one', (t) => {
  t.deepEqual(readCredentials('Token abc', 'def'), token('abc'));
  t.deepEqual(readCredentials(undefined, 'def'), token('def'));
  t.deepEqual(readCredentials('', 'def'), token('def'));
  t.deepEqual(readCredentials('Basic Zm9vOmJhcg==', 'def'), token('def'));
});

test('nothing given is told from something malformed', (t) => {
  t.deepEqual(readCredentials(undefined, undefined), { kind: 'none' });
  t.deepEqual(readCredentials(' ', ''), { kind: 'none' });
  const details = ['Token', 'Token a b', 'Token a,b', 'Basic Zm9v', 'abc'].map((header) => {
    const read = readCredentials(header, undefined);
    return read.kind === 'malformed' ? read.detail : t.fail(`${header} is ${read.kind}`);
  });
  t.deepEqual(details.slice(0, 3), [
    'Invalid token header. No credentials provided.',
    'Invalid token header. Token string should not contain spaces.',
    'Invalid token header. Token string should not contain invalid characters.',
  ]);
  t.is(readCredentials(undefined, 'a b').kind, 'malformed');
});
