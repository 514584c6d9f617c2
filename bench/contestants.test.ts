import { rm } from 'node:fs/promises';
import test from 'ava';
import { makeFolder } from '../test/support/services.ts';
import { createFinchat } from './contestants.ts';
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
      const { port, pid: serverPid } = server;
      const tokens = await finchat.tokens(server, 10);
      const rooms = await finchat.rooms(2);
      const idle = await runIdle({ kind: 'idle', transport, port, serverPid, tokens: tokens.slice(6), settleMs: 20 });
      t.is(idle.failedConnections, 0, transport);
      const members = tokens.slice(0, 6).map((token, index) => ({ token, room: rooms[index % 2] ?? '' }));
      const load = { window: 3, rate: undefined, size: 40, warmUpMs: 50, measureMs: 300, stallMs: 5_000 };
      const result = await runLoad({ kind: 'load', transport, port, serverPid, members, ...load });
      t.is(result.fault, undefined, transport);
      t.deepEqual(result.errors, {}, transport);
      t.true(result.sent > 0, transport);
      t.is(result.delivered, result.sent * 3, transport);
    } finally {
      await server.stop();
    }
  }
});
