import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type WebSocket, WebSocketServer } from 'ws';
import { makeFolder } from '../test/support/services.ts';
import { bareNames, createBare } from './bare.ts';
import type { RunningServer } from './contestant.ts';
import { createHistogram } from './histogram.ts';
import { runIdle } from './idle.ts';
import { runLoad } from './load.ts';
import { createNchan, isNchan, nchanNames, whyNoNchan } from './nchan.ts';
import { type LoadPlan, transports } from './plan.ts';

function planFor(port: number, changes: Partial<LoadPlan> = {}): LoadPlan {
  const members = Array.from({ length: 6 }, (_, index) => ({ token: `t${index}`, room: `room-${index % 2}`, node: 0 }));
  const times = { warmUpMs: 50, measureMs: 200, stallMs: 2_000 };
  return {
    kind: 'load',
    transport: 'websocket',
    nodes: [{ port, pid: process.pid }],
    helpers: [],
    members,
    window: 3,
    rate: undefined,
    size: 40,
    ...times,
    ...changes,
  };
}

const portOf = ({ nodes }: RunningServer): number => nodes[0]?.port ?? 0;

/** A server that answers joins and leaves messages to `show`. It lets nobody in whose token is `refused`. */
async function openServer(
  t: ExecutionContext,
  show: (sender: WebSocket, all: Set<WebSocket>, body: string) => void,
): Promise<number> {
  const verifyClient = ({ req }: { req: IncomingMessage }): boolean => req.url?.endsWith('=refused') !== true;
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, verifyClient });
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString()) as { type: string; body: string };
      if (message.type === 'join') socket.send('{"type":"room:notification","code":"joined","status":{}}');
      else show(socket, server.clients, message.body);
    });
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const notification = (body: string): string => JSON.stringify({ type: 'room:notification', code: 'message', body });

const folder = await makeFolder('bench-test');
test.after.always(() => rm(folder, { recursive: true, force: true }));

// One after the other: each starts a server on the same core, and is timed.
for (const transport of transports) {
  const nchan = whyNoNchan() === undefined ? nchanNames(transport) : [];
  for (const name of [...bareNames(transport), ...nchan]) {
    const contestant = isNchan(name) ? createNchan(name, folder) : createBare(name);
    const { wire = transport } = contestant;
    test.serial(`every message of ${name} is delivered to every member and timed`, async (t) => {
      const server = await contestant.start();
      t.teardown(() => server.stop());
      const result = await runLoad(planFor(portOf(server), { transport: wire }));
      t.is(result.fault, undefined);
      t.true(result.sent > 0);
      // Two rooms of three members each.
      t.is(result.delivered, result.sent * 3);
      t.is(result.lost, 0);
      t.true(result.latencyMs.samples > 0 && result.latencyMs.p50 <= result.latencyMs.p99);
    });

    test.serial(`connections to ${name} that do nothing are weighed`, async (t) => {
      const server = await contestant.start();
      t.teardown(() => server.stop());
      const tokens = Array.from({ length: 40 }, (_, index) => `t${index}`);
      const { nodes } = server;
      const result = await runIdle({
        kind: 'idle',
        transport: wire,
        nodes,
        helpers: [],
        tokens,
        settleMs: 20,
        collects: false,
      });
      t.is(result.failedConnections, 0);
      // The first 32 are not counted.
      t.is(result.connections, 8);
      t.true(result.connectsPerSecond > 0);
    });
  }

  test.serial(`messages on schedule are sent at their rate over ${transport}`, async (t) => {
    const [name = 'ws-joined'] = bareNames(transport);
    const server = await createBare(name).start();
    t.teardown(() => server.stop());
    const start = performance.now();
    const result = await runLoad(planFor(portOf(server), { transport, rate: 200 }));
    t.is(result.lost, 0);
    t.true(result.sent > 0 && result.sent <= 1 + ((performance.now() - start) / 1000) * 200);
  });
}

test('what a server does not deliver is counted as lost, and the run ends', async (t) => {
  const port = await openServer(t, (sender, all, body) => {
    for (const socket of all) if (socket !== sender) socket.send(notification(body));
  });
  const members = ['a', 'b', 'c'].map((token) => ({ token, room: 'r', node: 0 }));
  const result = await runLoad(planFor(port, { members, stallMs: 1_000, measureMs: 60_000 }));
  t.true(result.sent > 0);
  t.is(result.lost, result.sent);
  t.regex(result.fault ?? '', /nothing arrived/);
});

test('what a server delivers twice is a fault', async (t) => {
  const port = await openServer(t, (_sender, all, body) => {
    for (const socket of all) for (let count = 0; count < 2; count += 1) socket.send(notification(body));
  });
  const result = await runLoad(planFor(port, { members: [{ token: 'a', room: 'r', node: 0 }] }));
  t.true(result.lost < 0);
  t.is(result.fault, 'messages came more often than they were sent');
});

test('a stall shows in every message that was due meanwhile, not in one', async (t) => {
  let heldUntil = 0;
  const port = await openServer(t, (sender, _all, body) => {
    // This process is the generator's, too: it sends nothing meanwhile.
    if (heldUntil === 0) heldUntil = performance.now() + 400;
    while (performance.now() < heldUntil);
    sender.send(notification(body));
  });
  const members = [{ token: 'a', room: 'r', node: 0 }];
  const result = await runLoad(planFor(port, { members, rate: 200, warmUpMs: 0, measureMs: 500 }));
  // Of 100 messages 80 were due during the stall, every other one of them for more than 200 ms.
  t.true(result.latencyMs.samples >= 90, String(result.latencyMs.samples));
  t.true(result.latencyMs.p50 > 100, String(result.latencyMs.p50));
});

test('members who are not let in are counted, and the others are measured', async (t) => {
  const port = await openServer(t, (_sender, all, body) => {
    for (const socket of all) socket.send(notification(body));
  });
  const members = ['a', 'b', 'refused'].map((token) => ({ token, room: 'r', node: 0 }));
  const result = await runLoad(planFor(port, { members }));
  t.is(result.failedConnections, 1);
  t.is(result.errors['not joined'], 1);
  t.is(result.delivered, result.sent * 2);
  const idle = await runIdle({
    kind: 'idle',
    transport: 'websocket',
    nodes: [{ port, pid: process.pid }],
    helpers: [],
    tokens: ['refused', 'refused'],
    settleMs: 0,
    collects: false,
  });
  t.like(idle, { connections: 0, failedConnections: 2 });
});

test('what a server refuses is counted by code, and is not lost', async (t) => {
  const port = await openServer(t, (sender) => sender.send('{"type":"error","code":"unavailable"}'));
  const result = await runLoad(planFor(port));
  t.is(result.errors.unavailable, result.sent);
  t.is(result.lost, 0);
});

test('a connection that is cut ends the run', async (t) => {
  const port = await openServer(t, (sender) => sender.close(1011));
  const result = await runLoad(planFor(port, { stallMs: 1_000 }));
  t.is(result.fault, 'a connection was closed with 1011');
});

test('a server that is not there fails the run', async (t) => {
  // Port 1 is reserved and nobody listens on it.
  await t.throwsAsync(runLoad(planFor(1)), { message: /no members/ });
});

test('quantiles are exact to one per cent', (t) => {
  const histogram = createHistogram();
  for (let ms = 1; ms <= 1000; ms += 1) histogram.add(ms);
  const { p50, p99, max, samples } = histogram.summary();
  t.true(Math.abs(p50 / 500 - 1) < 0.011 && Math.abs(p99 / 990 - 1) < 0.011);
  t.deepEqual([max, samples], [1000, 1000]);
  t.deepEqual(createHistogram().summary(), { p50: 0, p99: 0, max: 0, samples: 0 });
});
