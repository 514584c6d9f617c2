import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type WebSocket, WebSocketServer } from 'ws';
import { makeFolder } from '../test/support/services.ts';
import type { Contestant } from './contestant.ts';
import { createFinchat } from './finchat.ts';
import { runJoins } from './herd-joins.ts';
import { measureJoins, measureReturns, measureStart } from './herd-measure.ts';
import type { ReturnsPlan, ReturnsResult } from './herd-plan.ts';
import { runReturns } from './herd-returns.ts';
import { measureHistory } from './history.ts';

async function createContestant(t: ExecutionContext): Promise<Contestant> {
  const folder = await makeFolder('bench-test');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return createFinchat(`sqlite://${folder}/bench.sqlite`, folder);
}

const shape = { name: 'small', what: '', transport: 'websocket', contestants: ['finchat'], targets: [] } as const;
const returns = { ...shape, kind: 'returns', members: 6, rooms: 2, rate: 40, seconds: 2 } as const;
const nothingWrong = { lost: 0, repeated: 0, 'stored twice': 0, unsettled: 0, missing: 0, failed: 0 };

test.serial('all that join a room at once are told of each other, and shown what was said', async (t) => {
  const finchat = await createContestant(t);
  const scenario = { ...shape, kind: 'joins', members: 8, rooms: 1, history: 5 } as const;
  const { counts, figures } = await measureJoins(scenario, finchat, undefined);
  t.deepEqual(counts, { incomplete: 0, failed: 0 });
  t.true((figures['told s'] ?? 0) > 0);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test.serial(`after ${signal} everybody is back in the room, and misses nothing`, async (t) => {
    const finchat = await createContestant(t);
    const { counts, figures } = await measureReturns({ ...returns, signal }, finchat, undefined);
    t.like(counts, { ...nothingWrong, rejoined: returns.members, resumed: 0 });
    t.true((counts.delivered ?? 0) >= (counts.sent ?? 0) * 3 && (counts.sent ?? 0) > 0);
    t.true((figures['last back s'] ?? 0) > 0);
    // The next run finds what this one has left in the database.
    const again = await measureReturns({ ...returns, signal }, finchat, undefined);
    t.like(again.counts, nothingWrong);
  });
}

test.serial('whoever is cut again and again comes back to the session, and misses nothing', async (t) => {
  const finchat = await createContestant(t);
  const cutMs = { from: 100, to: 400 };
  const { counts } = await measureReturns({ ...returns, cutMs }, finchat, undefined);
  t.like(counts, { ...nothingWrong, rejoined: 0 });
  t.true((counts.cuts ?? 0) > returns.members);
  t.true((counts.resumed ?? 0) > 0);
});

test.serial('joining, reading back and searching are timed over a history that is made for it', async (t) => {
  const finchat = await createContestant(t);
  const scenario = { ...shape, kind: 'history', members: 1, rooms: 1, messages: 120 } as const;
  const { figures } = await measureHistory(scenario, finchat, undefined);
  for (const name of ['join', 'page', 'old page', 'search', 'broad search']) t.true((figures[`${name} ms`] ?? 0) > 0);
});

test.serial('a start is timed without a database, with one, and with messages in it', async (t) => {
  const { figures } = await measureStart({ ...shape, kind: 'start', members: 0, messages: 20 }, undefined);
  for (const name of ['fresh', 'existing', 'full']) t.true((figures[`${name} ms`] ?? 0) > 0, name);
});

/** A server that answers a join with `join`, and a message with `say`. */
async function openServer(
  t: ExecutionContext,
  answers: { join: () => object; say?: (ref: string, body: string) => object[] },
): Promise<number> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  t.teardown(() => new Promise<void>((resolve) => server.close(() => resolve())));
  server.on('connection', (socket: WebSocket) => {
    const show = (frame: object): void => socket.send(JSON.stringify({ type: 'room:notification', ...frame }));
    socket.send('{"type":"notification","code":"session","session":"s","resumed":false,"grace":60}');
    socket.on('message', (data) => {
      const { type, ref, body } = JSON.parse((data as Buffer).toString()) as Record<'type' | 'ref' | 'body', string>;
      if (type === 'join') show({ code: 'joined', you: true, ...answers.join() });
      else for (const frame of answers.say?.(ref, body) ?? []) show({ code: 'message', ...frame });
    });
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('a member that is not told of another, or not shown the history, counts as incomplete', async (t) => {
  const user = { name: 'a', you: true };
  const alone = await openServer(t, { join: () => ({ status: { users: [user], messages: [] } }) });
  const plan = { kind: 'joins', room: 'r', history: 0, stallMs: 100 } as const;
  const node = { port: alone, pid: process.pid };
  t.like(await runJoins({ ...plan, node, tokens: ['a', 'b'] }), { incomplete: 2 });
  t.like(await runJoins({ ...plan, node, tokens: ['a'] }), { incomplete: 0 });
});

/** What a member makes of a server that shows its only message under these ids. */
async function hear(t: ExecutionContext, ids: readonly number[]): Promise<ReturnsResult> {
  let hasSaid = false;
  const port = await openServer(t, {
    join: () => ({ status: { users: [], messages: [], last_id: 0, epoch: 'e' } }),
    say: (ref, body) => {
      const shown = hasSaid ? [] : ids.map((id) => ({ you: true, id, body, ref }));
      hasSaid = true;
      return shown;
    },
  });
  const node = { port, pid: process.pid };
  const times = { rate: 2, seconds: 0.2, stallMs: 100, cutMs: { from: 60_000, to: 60_000 } };
  const plan: ReturnsPlan = { kind: 'returns', node, members: [{ token: 'a', room: 'r' }], ...times };
  return runReturns(plan, () => Promise.reject(new Error('not to be restarted')));
}

test('a message that is missing, or comes again, is counted', async (t) => {
  t.like(await hear(t, [1]), { sent: 1, delivered: 1, lost: 0, repeated: 0, storedTwice: 0, unsettled: 0 });
  t.like(await hear(t, [1, 3]), { lost: 1, repeated: 0, storedTwice: 2 });
  t.like(await hear(t, [1, 1]), { lost: 0, repeated: 1, storedTwice: 0 });
  t.like(await hear(t, []), { delivered: 0, unsettled: 1 });
});
