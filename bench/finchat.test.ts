import { rm } from 'node:fs/promises';
import test from 'ava';
import { createPostgresDatabase } from '../test/support/databases.ts';
import { findService, makeFolder, programTest } from '../test/support/services.ts';
import { createFinchat } from './finchat.ts';
import { runIdle } from './idle.ts';
import { runLoad } from './load.ts';
import { transports } from './plan.ts';

test('finchat as its users start it is measured over each transport, and loses nothing', async (t) => {
  const folder = await makeFolder('bench-test');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const finchat = createFinchat(`sqlite://${folder}/bench.sqlite`, folder);
  for (const transport of transports) {
    // One start each: sessions that outlive their connections would be in the next one's way.
    const server = await finchat.start();
    try {
      const { nodes } = server;
      const tokens = await finchat.tokens(server, 10);
      const rooms = await finchat.rooms(2);
      const idle = await runIdle({
        kind: 'idle',
        transport,
        nodes,
        helpers: [],
        tokens: tokens.slice(6),
        settleMs: 20,
        collects: false,
      });
      t.is(idle.failedConnections, 0, transport);
      const members = tokens.slice(0, 6).map((token, index) => ({ token, room: rooms[index % 2] ?? '', node: 0 }));
      const load = { window: 3, rate: undefined, size: 40, warmUpMs: 50, measureMs: 300, stallMs: 5_000 };
      const result = await runLoad({ kind: 'load', transport, nodes, helpers: [], members, ...load });
      t.is(result.fault, undefined, transport);
      t.deepEqual(result.errors, {}, transport);
      t.true(result.sent > 0, transport);
      t.is(result.delivered, result.sent * 3, transport);
    } finally {
      await server.stop();
    }
  }
});

const [postgres, redis] = [findService('postgres'), findService('redis')];
const missing = 'missing' in postgres ? postgres.missing : 'missing' in redis ? redis.missing : undefined;

programTest(test, missing, 'a cluster of two nodes is measured as one server, and loses nothing', async (t) => {
  if ('missing' in postgres || 'missing' in redis) throw new Error(missing);
  const folder = await makeFolder('bench-test');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { url } = await createPostgresDatabase(t, postgres.url, { schema: 'none' });
  const cluster = createFinchat(url, folder, { nodes: 2, redisUrl: redis.url });
  const server = await cluster.start();
  t.teardown(() => server.stop());
  const { nodes } = server;
  t.is(nodes.length, 2);
  const tokens = await cluster.tokens(server, 8);
  const [room = ''] = await cluster.rooms(1);
  const members = tokens.map((token, index) => ({ token, room, node: index % 2, isListener: index > 3 }));
  const times = { warmUpMs: 50, measureMs: 300, stallMs: 5_000 };
  const helpers = [{ name: 'itself', pid: process.pid }];
  const load = { kind: 'load', transport: 'websocket', window: 3, rate: undefined, size: 40, ...times } as const;
  const result = await runLoad({ ...load, nodes, helpers, members });
  t.is(result.fault, undefined);
  t.deepEqual(result.errors, {});
  t.true(result.sent > 0);
  t.is(result.delivered, result.sent * 8);
  t.is(result.nodeCpuPerMessageUs?.length, 2);
  t.deepEqual(Object.keys(result.helperCpuPerMessageUs), ['itself']);
});
