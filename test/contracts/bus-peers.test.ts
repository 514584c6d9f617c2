/** What nodes ask and tell each other, over both buses. */
import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { type ClusterPeers, createPeers } from '../../src/cluster/peers.ts';
import { systemClock } from '../../src/core/clock.ts';
import { type Bus, NodeSilent } from '../../src/core/cluster-ports.ts';
import type { Clock } from '../../src/core/ports.ts';
import {
  attach,
  type BusWorld,
  createSaidLog,
  openMemoryWorld,
  openRedisWorld,
  openTestBus,
  standingClock,
  waitUntil,
} from '../support/bus-world.ts';
import { startRedis } from '../support/redis.ts';
import { failOrSkip, findService } from '../support/services.ts';

type OpenWorld = (t: ExecutionContext) => Promise<BusWorld>;
type Node = { peers: ClusterPeers; bus: Bus };

/** Nodes of one cluster that hear each other. */
async function openNodes(
  t: ExecutionContext,
  world: BusWorld,
  count: number,
  clusterId: string = randomUUID(),
  clock: Clock = standingClock,
): Promise<Node[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const bus = await attach(world);
      const id = `${'abcdef'[n]} ${randomUUID()}`;
      const peers = createPeers({ bus, id, clusterId, clock, log: createSaidLog() });
      t.teardown(() => peers.close());
      await peers.ready;
      return { peers, bus };
    }),
  );
}

/** As many of them as a test names. */
function pick<T>(all: readonly T[]): [T, T, T] {
  const [a, b, c = b] = all;
  if (a === undefined || b === undefined || c === undefined) throw new Error('two or three were opened');
  return [a, b, c];
}

async function openTwo(
  t: ExecutionContext,
  world: BusWorld,
  clusterId?: string,
): Promise<[ClusterPeers, ClusterPeers]> {
  const [a, b] = pick(await openNodes(t, world, 2, clusterId));
  return [a.peers, b.peers];
}

const silent = { instanceOf: NodeSilent };
/** For questions that are answered, by a busy machine perhaps. */
const patient = { timeoutMs: 50_000 };
/** For questions of which a test says that they fail at once: it would fail by its deadline. */
const endless = { timeoutMs: 600_000 };

function contract(name: string, open: OpenWorld): void {
  test(`${name}: a question is answered, by the node that was asked`, async (t) => {
    const [a, b] = await openTwo(t, await open(t));
    for (const peers of [a, b]) {
      peers.serve('rooms', async (question, from) => ({ question, from, by: peers.id }));
    }
    const question = { userId: 7, list: [1, { two: null }] };
    t.deepEqual(await a.ask(b.id, 'rooms', question, patient), { question, from: a.id, by: b.id });
    t.deepEqual(await b.ask(a.id, 'rooms', question, patient), { question, from: b.id, by: a.id });
    t.deepEqual(await a.ask(a.id, 'rooms', question, patient), { question, from: a.id, by: a.id }, 'also itself');
  });

  test(`${name}: many questions at once get their own answers`, async (t) => {
    const [a, b] = await openTwo(t, await open(t));
    b.serve('double', async (question) => {
      const { n } = question as { n: number };
      if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      return { n: 2 * n };
    });
    const numbers = Array.from({ length: 2000 }, (_, n) => n);
    const answers = await Promise.all(numbers.map((n) => a.ask(b.id, 'double', { n }, patient)));
    t.deepEqual(
      answers,
      numbers.map((n) => ({ n: 2 * n })),
    );
  });

  test(`${name}: answers and questions of two MiB pass`, async (t) => {
    const [a, b] = await openTwo(t, await open(t));
    b.serve('echo', async (question) => question as object);
    const question = { text: 'ä'.repeat(1024 * 1024) };
    t.deepEqual(await a.ask(b.id, 'echo', question, patient), question);
  });

  test(`${name}: a node that is not there is silent at once`, async (t) => {
    const [a, b] = await openTwo(t, await open(t));
    await t.throwsAsync(a.ask('nobody', 'rooms', {}, endless), silent);
    b.serve('rooms', async () => ({}));
    await a.ask(b.id, 'rooms', {}, patient);
    b.close();
    await waitUntil(async () => {
      const error: unknown = await a.ask(b.id, 'rooms', {}, { timeoutMs: 500 }).catch((error: unknown) => error);
      return error instanceof NodeSilent;
    }, 'it has left');
    await t.throwsAsync(a.ask(b.id, 'rooms', {}, endless), silent);
  });

  test(`${name}: what rejects, and what nobody answers, fails at once`, async (t) => {
    const [a, b] = await openTwo(t, await open(t));
    b.serve('broken', async () => {
      throw new Error('broken');
    });
    await t.throwsAsync(a.ask(b.id, 'broken', {}, endless), silent);
    await t.throwsAsync(a.ask(b.id, 'unknown', {}, endless), silent);
  });

  test(`${name}: no answer in time is silence, and the other is told to stop`, async (t) => {
    const [a, b] = await openTwo(t, await open(t));
    const signals: AbortSignal[] = [];
    b.serve('endless', (_question, _from, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    b.serve('hello', async () => ({}));
    await a.ask(b.id, 'hello', {}, patient);
    await t.throwsAsync(a.ask(b.id, 'endless', {}, { timeoutMs: 200 }), silent);
    await waitUntil(() => signals[0]?.aborted === true, 'it is told');
  });

  test(`${name}: who asks breaks off, and the other is told to stop`, async (t) => {
    const [a, b] = await openTwo(t, await open(t));
    const signals: AbortSignal[] = [];
    b.serve('endless', (_question, _from, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    const controller = new AbortController();
    const reason = new Error('the client went away');
    const asked = a.ask(b.id, 'endless', {}, { ...endless, signal: controller.signal });
    const other = a.ask(b.id, 'endless', {}, endless);
    await waitUntil(() => signals.length === 2, 'it was asked');
    controller.abort(reason);
    t.is(await t.throwsAsync(asked), reason);
    await waitUntil(() => signals.some(({ aborted }) => aborted), 'it is told');
    t.is(signals.filter(({ aborted }) => aborted).length, 1, 'the other question goes on');
    t.is(await t.throwsAsync(a.ask(b.id, 'endless', {}, { signal: controller.signal })), reason);
    a.close();
    await t.throwsAsync(other, silent);
  });

  test(`${name}: what is told arrives in order, at one or at all others`, async (t) => {
    const [a, b, c] = pick((await openNodes(t, await open(t), 3)).map(({ peers }) => peers));
    const heard = new Map<ClusterPeers, unknown[]>([a, b, c].map((peers) => [peers, []]));
    for (const peers of [a, b, c]) peers.on('counts', (value, from) => heard.get(peers)?.push([value, from]));
    for (let n = 0; n < 100; n++) {
      a.tellAll('counts', { n });
      if (n % 10 === 0) a.tell(b.id, 'counts', { n, only: 'b' });
    }
    const toAll = Array.from({ length: 100 }, (_, n) => [{ n }, a.id]);
    await waitUntil(() => heard.get(b)?.length === 110 && heard.get(c)?.length === 100, 'all is heard');
    t.deepEqual(heard.get(c), toAll);
    t.deepEqual(
      heard.get(b)?.filter((entry) => !JSON.stringify(entry).includes('only')),
      toAll,
    );
    t.deepEqual(heard.get(a), []);
  });

  test(`${name}: questions to a node that is gone fail at once, and nothing of it is heard any more`, async (t) => {
    const [a, b, c] = pick((await openNodes(t, await open(t), 3)).map(({ peers }) => peers));
    let asked = 0;
    const signals: AbortSignal[] = [];
    for (const peers of [a, b]) {
      peers.serve('endless', (_question, _from, signal) => {
        asked += 1;
        signals.push(signal);
        return new Promise(() => {});
      });
    }
    const heard: unknown[] = [];
    a.on('counts', (_value, from) => heard.push(from));
    const toDead = t.throwsAsync(a.ask(b.id, 'endless', {}, endless), silent);
    const over = new AbortController();
    const fromDead = t.throwsAsync(b.ask(a.id, 'endless', {}, { ...endless, signal: over.signal }));
    await waitUntil(() => asked === 2, 'both were asked');
    a.gone(b.id);
    await toDead;
    t.true(
      signals.some(({ aborted }) => aborted),
      'what it asked is broken off',
    );
    over.abort(new Error('it has waited enough'));
    await fromDead;
    await t.throwsAsync(a.ask(b.id, 'endless', {}, endless), silent);
    b.tellAll('counts', {});
    b.tell(a.id, 'counts', {});
    await t.throwsAsync(b.ask(a.id, 'endless', {}, { timeoutMs: 100 }), silent);
    c.tellAll('counts', {});
    await waitUntil(() => heard.length > 0, 'others are heard');
    t.deepEqual(heard, [c.id]);
    t.is(asked, 2);
  });

  test(`${name}: a node that was marked dead goes on under another id`, async (t) => {
    const [a, b] = await openTwo(t, await open(t));
    const before = b.id;
    const signals: AbortSignal[] = [];
    for (const peers of [a, b]) {
      peers.serve('endless', (_question, _from, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      });
      peers.serve('name', async () => ({ name: peers.id }));
    }
    const heard: unknown[] = [];
    a.on('counts', (_value, from) => heard.push(from));
    const toDead = t.throwsAsync(a.ask(before, 'endless', {}, endless), silent);
    const fromDead = t.throwsAsync(b.ask(a.id, 'endless', {}, endless), silent);
    await waitUntil(() => signals.length === 2, 'both were asked');
    a.gone(before);
    await toDead;
    const after = randomUUID();
    b.restart(after);
    await fromDead;
    t.is(b.id, after);
    await waitUntil(() => signals.every(({ aborted }) => aborted), 'what was under way is broken off');
    await b.ready;
    t.deepEqual(await a.ask(after, 'name', {}, patient), { name: after });
    t.deepEqual(await b.ask(a.id, 'name', {}, patient), { name: a.id });
    b.tellAll('counts', {});
    await waitUntil(() => heard.length > 0, 'it is heard again');
    t.deepEqual(heard, [after]);
  });

  test(`${name}: two clusters on one bus know nothing of each other`, async (t) => {
    const world = await open(t);
    const [a, b] = await openTwo(t, world);
    const [c, d] = await openTwo(t, world);
    const heard: unknown[] = [];
    for (const peers of [b, d]) {
      peers.on('counts', (_value, from) => heard.push(from));
      peers.serve('name', async () => ({ name: peers.id }));
    }
    await t.throwsAsync(a.ask(d.id, 'name', {}, endless), silent);
    a.tellAll('counts', {});
    c.tellAll('counts', {});
    t.deepEqual(await c.ask(d.id, 'name', {}, patient), { name: d.id });
    t.deepEqual(await a.ask(b.id, 'name', {}, patient), { name: b.id });
    await waitUntil(() => heard.length === 2, 'both have heard');
    t.true(heard.includes(a.id) && heard.includes(c.id));
  });
}

function breaking(name: string, open: OpenWorld): void {
  test(`${name}: while the bus is away all nodes are silent at once, and afterwards they answer`, async (t) => {
    const world = await open(t);
    const [first, second] = pick(await openNodes(t, world, 2));
    const [a, b] = [first.peers, second.peers];
    let wasAsked = false;
    b.serve('endless', () => {
      wasAsked = true;
      return new Promise(() => {});
    });
    b.serve('name', async () => ({ name: b.id }));
    const pending = t.throwsAsync(a.ask(b.id, 'endless', {}, endless), silent);
    await waitUntil(() => wasAsked, 'it was asked');
    await world.break();
    await waitUntil(() => !first.bus.isHealthy() && !second.bus.isHealthy(), 'both notice');
    await t.throwsAsync(a.ask(b.id, 'name', {}, endless), silent);
    await world.mend();
    await pending;
    await waitUntil(() => first.bus.isHealthy() && second.bus.isHealthy(), 'both are back');
    // A busy machine's bus may count as away for another moment.
    await waitUntil(async () => {
      const answer: unknown = await a.ask(b.id, 'name', {}, patient).catch(() => undefined);
      return (answer as { name?: string } | undefined)?.name === b.id;
    }, 'b answers');
  });
}

contract('memory', openMemoryWorld);
breaking('memory', openMemoryWorld);

const service = findService('redis');
if ('url' in service) {
  contract('Redis', (t) => openRedisWorld(t, service.url));
  breaking('Redis', (t) => openRedisWorld(t));

  test('Redis: questions that were held up by a stall are answered by nobody, those asked after it are', async (t) => {
    const redis = await startRedis();
    t.teardown(() => redis.stop());
    const world: BusWorld = { open: () => openTestBus(t, redis.url), break: async () => {}, mend: async () => {} };
    const [first, second] = pick(await openNodes(t, world, 2, randomUUID(), systemClock));
    const [a, b] = [first.peers, second.peers];
    const asked: unknown[] = [];
    b.serve('take-over', async (question) => {
      asked.push(question);
      return {};
    });
    await a.ask(b.id, 'take-over', { when: 'before' }, patient);
    redis.pause();
    const stalled = t.throwsAsync(a.ask(b.id, 'take-over', { when: 'in the stall' }, patient), silent);
    let restored = 0;
    for (const { bus } of [first, second]) bus.onRestored(() => (restored += 1));
    const since = performance.now();
    // As long as a question counts as in time, and a little more.
    await waitUntil(() => performance.now() - since > 2_300, 'the stall is long enough');
    redis.resume();
    await stalled;
    await waitUntil(() => first.bus.isHealthy() && second.bus.isHealthy(), 'both are back');
    await a.ask(b.id, 'take-over', { when: 'after' }, patient);
    t.deepEqual(asked, [{ when: 'before' }, { when: 'after' }]);
    t.is(restored, 0);
  });
} else {
  failOrSkip(test, 'Redis: what nodes ask each other', service.missing);
}
