import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { WebSocketServer } from 'ws';
import { makeFolder, until } from '../test/support/services.ts';
import { createBare } from './bare.ts';
import { generate } from './drive.ts';
import type { ReturnsPlan } from './herd-plan.ts';
import { measure } from './measure.ts';
import type { IdleScenario, LoadScenario } from './scenarios.ts';

const times = { seconds: 1, warmUpMs: 100, settleMs: 100 };
const shape = { name: 'small', what: '', transport: 'websocket', members: 40, contestants: [], targets: [] } as const;
const load: LoadScenario = { ...shape, kind: 'load', rooms: 4, window: 2, size: 40 };
const idle: IdleScenario = { ...shape, kind: 'idle' };

// Alone: it looks at what this process has started.
test.serial('a generator whose server does not start again is ended with the run', async (t) => {
  const node = { port: 1, pid: process.pid };
  const plan: ReturnsPlan = {
    kind: 'returns',
    node,
    members: [],
    rate: 1,
    seconds: 0.1,
    cutMs: undefined,
    stallMs: 100,
  };
  const restart = (): Promise<never> => Promise.reject(new Error('It does not start.'));
  await t.throwsAsync(generate(plan, 60_000, restart), { message: 'It does not start.' });
  await until(10_000, async () => {
    if (process.getActiveResourcesInfo().includes('ProcessWrap')) throw new Error('It has not ended.');
  });
});

test('a load is measured by a generator of its own, and every figure has a value', async (t) => {
  const { figures, counts, result } = await measure(load, createBare('ws-joined'), times, undefined);
  t.deepEqual(counts, { lost: 0, failed: 0 });
  for (const [head, value] of Object.entries(figures)) t.true(value !== undefined && value > 0, head);
  t.is(result?.kind, 'load');
});

test('a run that ends early says why, and has no figures', async (t) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      if ((data as Buffer).includes('"join"')) socket.send('{"type":"room:notification","code":"joined","status":{}}');
      else socket.close(1011);
    });
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const stop = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  const cutting = { ...createBare('ws-send'), start: async () => ({ nodes: [{ port, pid: process.pid }], stop }) };
  const { figures, notes, result } = await measure(load, cutting, times, undefined);
  t.deepEqual(figures, {});
  t.true(notes.includes('ended early, a connection was closed with 1011'), notes.join());
  t.is(result?.kind, 'load');
});

test('idle connections are weighed after a collection of garbage', async (t) => {
  const { figures, counts } = await measure(idle, createBare('ws-send'), times, undefined);
  t.deepEqual(counts, { failed: 0 });
  // The first 32 are not counted.
  t.is(figures.connections, 8);
  for (const head of ['connects/s', 'its µs/connect']) t.true((figures[head] ?? 0) > 0, head);
});

test('a profile of the measured server is written to its file', async (t) => {
  const folder = await makeFolder('bench-test');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'small.cpuprofile');
  await measure(load, createBare('ws-joined'), times, file);
  const profile = JSON.parse(await readFile(file, 'utf8')) as { nodes: { callFrame: { url: string } }[] };
  t.true(profile.nodes.some(({ callFrame }) => callFrame.url.endsWith('/bare-websocket.js')));
});
