import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createFixture } from './fixture.ts';

const { signal } = new AbortController();

test('without a file, Apple is 189.98 and nonsense is unknown', async (t) => {
  const fixture = createFixture({ file: undefined });
  t.deepEqual(await fixture.quote('AAPL.US', signal), { kind: 'found', price: 189.98 });
  t.deepEqual(await fixture.quote('NONSENSE', signal), { kind: 'unknown-symbol' });
  t.deepEqual(await fixture.quote('CONSTRUCTOR', signal), { kind: 'unknown-symbol' });
});

test('the file’s prices count, without regard to case, and an edited file counts at once', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'finbot-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'quotes.json');
  const fixture = createFixture({ file });
  t.deepEqual(await fixture.quote('ACME', signal), { kind: 'failed', reason: 'unreadable' });
  await writeFile(file, '{"acme": 1.5}');
  t.deepEqual(await fixture.quote('ACME', signal), { kind: 'found', price: 1.5 });
  t.deepEqual(await fixture.quote('AAPL.US', signal), { kind: 'unknown-symbol' });
  await writeFile(file, '{"ACME": "much"}');
  t.deepEqual(await fixture.quote('ACME', signal), { kind: 'failed', reason: 'unreadable' });
});
