/** What a publication costs Redis, who publishes it, and each who hears it. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BusAnswer, BusOrder } from './bus-process.ts';
import { type Cost, type CostWorld, costOf } from './cost.ts';
import { generatorCore, serverCore, startNode, stop } from './processes.ts';

/** As a room's publication of one message of 64 characters looks. */
const publication = {
  v: 1,
  node: 'fJ0c9cVb2sHn1qzK',
  stream: 12,
  seq: 123_456,
  name: 'bench-0',
  epoch: 'Zk3v8uY0PqLw5xRt',
  events: [
    {
      kind: 'messages',
      messages: [
        { id: 123_456, userId: 1234, username: 'member-01234', body: 'x'.repeat(64), createdAt: 1_790_000_000_000 },
      ],
    },
  ],
};

/** Who hears, in one process: with more, their share is told from what the publication itself costs. */
const manyListeners = 8;

/** Longer than any order takes, also on a machine that has other things to do. */
const orderDeadlineMs = 120_000;

async function order(child: ChildProcess, what: BusOrder): Promise<BusAnswer> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(orderDeadlineMs)]);
  const ended = once(child, 'exit', { signal }).then(() => {
    throw new Error(`The process that was told to ${what.kind} has ended.`);
  });
  const answered = once(child, 'message', { signal });
  child.send(what);
  try {
    const [answer] = (await Promise.race([answered, ended])) as [BusAnswer];
    return answer;
  } finally {
    // Whichever did not come is waited for no longer.
    for (const promise of [answered, ended]) promise.catch(() => {});
    over.abort();
  }
}

function startBusProcess(core: number): ChildProcess {
  const script = fileURLToPath(new URL('bus-process.js', import.meta.url));
  return startNode(core, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

export async function measureBus(world: CostWorld): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (const atOnce of [1, 100]) {
    const count = (world.isQuick ? 4_000 : 20_000) * (atOnce === 1 ? 1 : 5);
    const how = atOnce === 1 ? 'one by one' : `${atOnce} at once`;
    world.note(`publications, ${how}`);
    const [none, many] = [await publish(world, count, atOnce, 0), await publish(world, count, atOnce, manyListeners)];
    const handedOn = ((many['Redis'] ?? 0) - (none['Redis'] ?? 0)) / manyListeners;
    costs.push(
      { what: `publication, ${how}`, each: 'publication', cpuUs: none },
      {
        what: `publication handed on, ${how}`,
        each: 'listener',
        cpuUs: { Redis: handedOn, listener: (many['listener'] ?? 0) / manyListeners },
      },
    );
  }
  return costs;
}

async function publish(
  { redisUrl, helpers }: CostWorld,
  count: number,
  atOnce: number,
  listeners: number,
): Promise<Record<string, number>> {
  const channel = 'bench:room';
  const [publisher, listener] = [startBusProcess(serverCore), startBusProcess(generatorCore)];
  try {
    await order(publisher, { kind: 'open', url: redisUrl, buses: 1, channel: null });
    await order(listener, { kind: 'open', url: redisUrl, buses: listeners, channel });
    const nodes = [
      { name: 'publisher', port: 0, pid: publisher.pid ?? 0 },
      ...(listeners === 0 ? [] : [{ name: 'listener', port: 0, pid: listener.pid ?? 0 }]),
    ];
    const values: BusOrder = { kind: 'publish', channel, value: publication, count, atOnce };
    // Compiled first.
    await order(publisher, { ...values, count: 2_000 });
    const { cpuUs } = await costOf({ nodes, helpers: [helpers.redis] }, count, async () => {
      await order(publisher, values);
      await order(listener, { kind: 'heard' });
    });
    return cpuUs;
  } finally {
    await stop(publisher);
    await stop(listener);
  }
}
