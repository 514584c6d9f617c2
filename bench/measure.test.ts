import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { makeFolder } from '../test/support/services.ts';
import { createBare } from './bare.ts';
import { measure } from './measure.ts';
import type { IdleScenario, LoadScenario } from './scenarios.ts';

const times = { seconds: 1, warmUpMs: 100, settleMs: 100 };
const shape = { name: 'small', what: '', transport: 'websocket', members: 40, contestants: [], targets: [] } as const;
const load: LoadScenario = { ...shape, kind: 'load', rooms: 4, window: 2, size: 40 };
const idle: IdleScenario = { ...shape, kind: 'idle' };

test('a load is measured by a generator of its own, and every figure has a value', async (t) => {
  const { figures, counts, result } = await measure(load, createBare('ws-joined'), times, undefined);
  t.deepEqual(counts, { lost: 0, failed: 0 });
  for (const [head, value] of Object.entries(figures)) t.true(value !== undefined && value > 0, head);
  t.is(result?.kind, 'load');
});

test('idle connections are weighed after a collection of garbage', async (t) => {
  const { figures, counts } = await measure(idle, createBare('ws-send'), times, undefined);
  t.deepEqual(counts, { failed: 0 });
  // The first 32 are not counted.
  t.is(figures.connections, 8);
  t.true(figures['connects/s'] !== undefined);
});

test('a profile of the measured server is written to its file', async (t) => {
  const folder = await makeFolder('bench-test');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'small.cpuprofile');
  await measure(load, createBare('ws-joined'), times, file);
  const profile = JSON.parse(await readFile(file, 'utf8')) as { nodes: { callFrame: { url: string } }[] };
  t.true(profile.nodes.some(({ callFrame }) => callFrame.url.endsWith('/bare-websocket.js')));
});
