/**
 * finbot on a cluster: its connection is at one node, who asks it is at another, and the bot's node goes away. Each command
 * that the bot has got is answered once, whichever node it is at by then.
 */
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { runBot } from '../../bot/main.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { startBalancer } from '../support/balancer.ts';
import { createNotedLog } from '../support/bot-parts.ts';
import type { ClusterNode } from '../support/cluster-processes.ts';
import { openQuoteServer, stooqCsv } from '../support/quote-server.ts';
import { type ClusterWorld, clusterTest, holds, room } from './cluster-world.ts';

/** Prices that come when the test lets them. */
type Source = { readonly url: string; readonly requests: readonly string[]; isHeld: boolean };

type Scene = {
  ann: Client;
  source: Source;
  /** What the bot has answered, as Ann was told. */
  answered: string[];
  /** Its coming and going, as Ann was told. */
  seen: string[];
};

async function openSource(t: ExecutionContext): Promise<Source> {
  const server = await openQuoteServer((request, response) => {
    const symbol = new URL(request.url ?? '', 'http://stooq').searchParams.get('s') ?? '';
    const answer = async (): Promise<void> => {
      while (source.isHeld) await delay(20);
      // A price of its own for each question: an answer worked out twice would not be the same.
      response.end(stooqCsv(symbol, (1 + Math.random()).toFixed(4)));
    };
    void answer();
  });
  const source = Object.assign(server, { isHeld: false });
  t.teardown(() => {
    source.isHeld = false;
    return server.close();
  });
  return source;
}

/** The bot is at `home` and may go to `other`; Ann is at `hers`. */
async function setUp(
  t: ExecutionContext,
  world: ClusterWorld,
  [home, other, hers]: readonly [ClusterNode, ClusterNode, ClusterNode],
): Promise<Scene> {
  const source = await openSource(t);
  const ways = await startBalancer(
    t,
    [home, other].map(({ links }) => links.door.url.replace(/\/$/, '')),
  );
  const token = await world.tokenOf('finbot');
  const ann = createClient({ url: hers.url, WebSocket, token: await world.tokenOf('ann') });
  t.teardown(() => ann.close());
  const answered: string[] = [];
  const seen: string[] = [];
  ann.on('message', ({ user, body }) => {
    if (user === 'finbot') answered.push(symbolOf(body));
  });
  for (const name of ['joined', 'parted'] as const) ann.on(name, ({ user }) => user === 'finbot' && seen.push(name));
  await ann.connect();
  await ann.join(room);

  other.links.door.refuse();
  await holds('only the home takes the bot', () => ways.ready().join() === home.links.door.url.replace(/\/$/, ''));
  const control = new AbortController();
  const quotes = { quotes: ['stooq'], stooqUrl: source.url, yahooUrl: source.url, fixtureFile: undefined };
  const account = { host: ways.url, username: undefined, password: undefined, token, rooms: [room] };
  const deps = { signal: control.signal, log: createNotedLog(), WebSocket, fetch };
  const done = runBot({ ...account, ...quotes, stateFile: undefined }, deps);
  t.teardown(async () => {
    source.isHeld = false;
    control.abort();
    await done;
  });
  await holds('the bot is in the room', () => seen.length === 1);
  other.links.door.resume();
  await holds('both take it', () => ways.ready().length === 2);
  return { ann, source, answered, seen };
}

const symbolOf = (answer: string): string => answer.split(' ')[0] ?? '';
const named = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

/** A command resolves once it was relayed. */
const ask = (ann: Client, symbols: readonly string[]): Promise<unknown> =>
  Promise.all(symbols.map((symbol) => ann.command(room, 'stock', symbol)));

async function storedAnswers(world: ClusterWorld): Promise<string[]> {
  const stored = Array.from((await world.stored()).values());
  return stored.filter(({ user }) => user === 'finbot').map(({ body }) => symbolOf(body));
}

type Three = [ClusterNode, ClusterNode, ClusterNode];

clusterTest(
  test.serial,
  'a bot whose node stops goes on at another one, and answers all that is asked meanwhile, each once',
  async (t, world) => {
    const nodes = world.cluster.nodes as unknown as Three;
    const { ann, answered, seen } = await setUp(t, world, nodes);
    const asked: string[] = [];
    const askMore = async (prefix: string, count: number): Promise<void> => {
      const symbols = named(prefix, count);
      asked.push(...symbols);
      await ask(ann, symbols);
    };
    await askMore('BEFORE', 10);
    const stop = { isOver: false };
    const stopped = nodes[0].stop().finally(() => (stop.isOver = true));
    for (let n = 0; !stop.isOver; n += 1) {
      await askMore(`MEANWHILE${n}X`, 2);
      await delay(20);
    }
    t.is(await stopped, 0);
    await askMore('AFTER', 10);
    await holds('all is answered', () => answered.length >= asked.length);
    t.deepEqual(answered.toSorted(), asked.toSorted());
    t.deepEqual((await storedAnswers(world)).toSorted(), asked.toSorted());
    t.deepEqual(seen, ['joined'], 'nobody saw it go');
  },
);

clusterTest(
  test.serial,
  'a bot whose node is killed answers what it had got, and what is asked once it is back, each once',
  async (t, world) => {
    const nodes = world.cluster.nodes as unknown as Three;
    const { ann, source, answered, seen } = await setUp(t, world, nodes);
    // As many as it works on at once: it has got them all when the source has.
    const before = named('BEFORE', 8);
    source.isHeld = true;
    await ask(ann, before);
    await holds('the bot has got them', () => source.requests.length === before.length);
    await nodes[0].kill();
    source.isHeld = false;
    await holds('the bot is back', () => seen.length === 3);
    const after = named('AFTER', 8);
    await ask(ann, after);
    const asked = [...before, ...after];
    await holds('all is answered', () => answered.length >= asked.length);
    t.deepEqual(answered.toSorted(), asked.toSorted());
    t.deepEqual((await storedAnswers(world)).toSorted(), asked.toSorted());
    t.deepEqual(seen, ['joined', 'parted', 'joined']);
  },
);
