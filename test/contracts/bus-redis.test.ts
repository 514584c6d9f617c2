/** What the bus over Redis does when Redis, or the way to it, is at fault: real servers, cut and stalled connections. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import type { Bus } from '../../src/core/cluster-ports.ts';
import { collect, createSaidLog, openTestBus, waitUntil } from '../support/bus-world.ts';
import { type RedisService, startRedis, whyNoRedis } from '../support/redis.ts';
import { findFreePort, programTest } from '../support/services.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/** One after the other: each waits for what a busy process would delay. */
const redisTest = (title: string, body: (t: ExecutionContext) => Promise<void>): void =>
  programTest(test.serial, whyNoRedis(), title, body);

async function start(t: ExecutionContext): Promise<RedisService> {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  return redis;
}

async function openProxy(t: ExecutionContext, url: string): Promise<TcpProxy> {
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  return proxy;
}

/** Publishes numbers until it is ended, as fast as they are taken. */
function speak(bus: Bus, channel: string): { end(): Promise<number> } {
  const over = new AbortController();
  const spoken = (async () => {
    let n = 0;
    for (; !over.signal.aborted; n++) {
      void bus.publish(channel, { n });
      await delay(2);
    }
    return n;
  })();
  return {
    end() {
      over.abort();
      return spoken;
    },
  };
}

const areGrowing = (heard: Record<string, unknown>[]): boolean =>
  heard.every(({ n }, index) => index === 0 || Number(n) > Number(heard[index - 1]?.['n']));

redisTest('a bus whose Redis comes later carries from then on, with what was subscribed before', async (t) => {
  const port = await findFreePort();
  const log = createSaidLog();
  const bus = openTestBus(t, `redis://127.0.0.1:${port}`, log);
  const { heard, ready } = collect(bus, 'early');
  await ready;
  t.false(bus.isHealthy());
  t.is(await bus.publish('early', { n: 1 }), undefined);
  let restored = 0;
  bus.onRestored(() => (restored += 1));
  const redis = await startRedis(port);
  t.teardown(() => redis.stop());
  await waitUntil(() => restored === 1, 'it is told');
  t.true(bus.isHealthy());
  t.is(await bus.publish('early', { n: 2 }), 1);
  await waitUntil(() => heard.length > 0, 'it hears');
  t.deepEqual(heard, [{ n: 2 }]);
  t.is(log.said.length, 2, log.said.join('\n'));
});

redisTest('a cut connection is a loss for its node alone', async (t) => {
  const redis = await start(t);
  const proxy = await openProxy(t, redis.url);
  const [a, b] = [openTestBus(t, proxy.url), openTestBus(t, redis.url)];
  await waitUntil(() => a.isHealthy() && b.isHealthy(), 'both are connected');
  const channel = randomUUID();
  const [first, second] = [collect(a, channel), collect(b, channel)];
  await Promise.all([first.ready, second.ready]);
  const restored = { a: 0, b: 0 };
  a.onRestored(() => (restored.a += 1));
  b.onRestored(() => (restored.b += 1));
  for (let round = 1; round <= 3; round++) {
    const [speakerA, speakerB] = [speak(a, channel), speak(b, channel)];
    proxy.cut();
    await waitUntil(() => restored.a === round, 'a is told');
    await Promise.all([speakerA.end(), speakerB.end()]);
    const mark = { n: 1_000_000, round };
    t.is(await b.publish(channel, mark), 2);
    await waitUntil(
      () => [first, second].every(({ heard }) => heard.some((value) => value['round'] === round)),
      'heard again',
    );
  }
  t.deepEqual(restored, { a: 3, b: 0 });
});

redisTest('a connection that stalls shortly loses nothing', async (t) => {
  const redis = await start(t);
  const proxy = await openProxy(t, redis.url);
  const [a, b] = [openTestBus(t, proxy.url), openTestBus(t, redis.url)];
  await waitUntil(() => a.isHealthy() && b.isHealthy(), 'both are connected');
  const channel = randomUUID();
  const [first, second] = [collect(a, channel), collect(b, channel)];
  await Promise.all([first.ready, second.ready]);
  let restored = 0;
  a.onRestored(() => (restored += 1));
  for (const direction of ['up', 'down', 'both'] as const) {
    proxy.stall(direction);
    await waitUntil(() => !a.isHealthy(), `a notices: ${direction}`);
    const published = a.publish(channel, { direction, by: 'a' });
    void b.publish(channel, { direction, by: 'b' });
    t.is(await published, undefined, 'who publishes does not wait for the end of the stall');
    t.true(b.isHealthy());
    proxy.resume();
    await waitUntil(() => a.isHealthy(), 'a is back');
    await waitUntil(() => [first, second].every(({ heard }) => heard.length === 2), 'both hear both');
    for (const { heard } of [first, second]) {
      t.true(['a', 'b'].every((by) => heard.some((value) => value['by'] === by)));
      heard.length = 0;
    }
  }
  t.is(restored, 0, 'nothing was lost');
});

redisTest('a connection that stalls for long is made anew, also when it ends with nothing', async (t) => {
  const redis = await start(t);
  const proxy = await openProxy(t, redis.url);
  const a = openTestBus(t, proxy.url);
  await waitUntil(() => a.isHealthy(), 'connected');
  const { heard, ready } = collect(a, 'stalled');
  await ready;
  let restored = 0;
  a.onRestored(() => (restored += 1));
  const before = proxy.accepted;
  proxy.stall('both');
  await waitUntil(() => proxy.accepted >= before + 2, 'both connections are made anew');
  const meanwhile = collect(a, 'meanwhile');
  await meanwhile.ready;
  proxy.resume();
  await waitUntil(() => restored > 0, 'it is told');
  t.is(await a.publish('stalled', { n: 1 }), 1);
  t.is(await a.publish('meanwhile', { n: 2 }), 1);
  await waitUntil(() => heard.length + meanwhile.heard.length === 2, 'it hears');
  t.is(restored, 1);
});

redisTest('a Redis that stands still for two seconds delivers all, in order, once', async (t) => {
  const redis = await start(t);
  const [a, b] = [openTestBus(t, redis.url), openTestBus(t, redis.url)];
  await waitUntil(() => a.isHealthy() && b.isHealthy(), 'both are connected');
  const { heard, ready } = collect(b, 'stalled');
  await ready;
  let restored = 0;
  for (const bus of [a, b]) bus.onRestored(() => (restored += 1));
  const speaker = speak(a, 'stalled');
  redis.pause();
  await waitUntil(() => !a.isHealthy() && !b.isHealthy(), 'both notice');
  redis.resume();
  await waitUntil(() => a.isHealthy() && b.isHealthy(), 'both are back');
  const spoken = await speaker.end();
  await waitUntil(() => heard.length === spoken, 'all is heard');
  t.deepEqual(
    heard.map(({ n }) => n),
    Array.from({ length: spoken }, (_, n) => n),
  );
  t.is(restored, 0, 'nothing was lost');
});

redisTest('a Redis that stands still for long brings nothing twice, and nothing out of order', async (t) => {
  const redis = await start(t);
  const proxy = await openProxy(t, redis.url);
  const [a, b] = [openTestBus(t, proxy.url), openTestBus(t, redis.url)];
  await waitUntil(() => a.isHealthy() && b.isHealthy(), 'both are connected');
  const { heard, ready } = collect(b, 'stalled');
  await ready;
  const restored = { a: 0, b: 0 };
  a.onRestored(() => (restored.a += 1));
  b.onRestored(() => (restored.b += 1));
  const speaker = speak(a, 'stalled');
  await waitUntil(() => heard.length > 10, 'a is heard');
  const before = proxy.accepted;
  redis.pause();
  await waitUntil(() => proxy.accepted >= before + 2, 'the connections are given up');
  redis.resume();
  await waitUntil(() => restored.a > 0 && restored.b > 0, 'both are told');
  const last = await a.publish('stalled', { n: 1_000_000 });
  t.is(last, 1);
  await speaker.end();
  await waitUntil(() => heard.some(({ n }) => n === 1_000_000), 'what comes last is heard');
  const upToLast = heard.slice(
    0,
    heard.findIndex(({ n }) => n === 1_000_000),
  );
  t.true(areGrowing(upToLast), JSON.stringify(upToLast.map(({ n }) => n)));
});

redisTest('a node that reads too slowly is cut off by Redis, and comes back', async (t) => {
  const redis = await start(t);
  const admin = new Redis(redis.url);
  t.teardown(() => admin.disconnect());
  await admin.config('SET', 'client-output-buffer-limit', 'pubsub 8mb 2mb 1');
  const proxy = await openProxy(t, redis.url);
  const [slow, b] = [openTestBus(t, proxy.url), openTestBus(t, redis.url)];
  await waitUntil(() => slow.isHealthy() && b.isHealthy(), 'both are connected');
  const { heard, ready } = collect(slow, 'flood');
  await ready;
  let restored = 0;
  slow.onRestored(() => (restored += 1));
  proxy.stall('down');
  const text = 'x'.repeat(1024 * 1024);
  let n = 0;
  // Redis has let go of it: nobody hears the channel.
  await waitUntil(async () => (await b.publish('flood', { n: n++, text })) === 0, 'the slow node is cut off');
  proxy.resume();
  await waitUntil(() => restored > 0, 'it is told');
  t.is(await b.publish('flood', { n: 1_000_000 }), 1);
  await waitUntil(() => heard.at(-1)?.['n'] === 1_000_000, 'it hears again');
  t.true(areGrowing(heard));
  t.true(b.isHealthy());
});

redisTest('what waits for a Redis that stands still is bounded', async (t) => {
  const redis = await start(t);
  const log = createSaidLog();
  const bus = openTestBus(t, redis.url, log);
  await waitUntil(() => bus.isHealthy(), 'connected');
  let restored = 0;
  bus.onRestored(() => (restored += 1));
  redis.pause();
  const published = Array.from({ length: 20_001 }, (_, n) => bus.publish('many', { n }));
  t.deepEqual(new Set(await Promise.all(published)), new Set([undefined]));
  t.false(bus.isHealthy());
  t.true(
    log.said.some((line) => line.includes('does not take')),
    log.said.join('\n'),
  );
  redis.resume();
  await waitUntil(() => restored === 1 && bus.isHealthy(), 'back');
  t.is(await bus.publish('many', {}), 0);
});

redisTest('so are its bytes', async (t) => {
  const redis = await start(t);
  const bus = openTestBus(t, redis.url);
  await waitUntil(() => bus.isHealthy(), 'connected');
  redis.pause();
  const text = 'x'.repeat(2 * 1024 * 1024);
  const published = Array.from({ length: 33 }, () => bus.publish('large', { text }));
  t.is(await published.at(-1), undefined);
  t.false(bus.isHealthy());
  redis.resume();
  await waitUntil(() => bus.isHealthy(), 'back');
  t.is(await bus.publish('large', { text }), 0);
});

redisTest('what others publish on its channels is dropped, with one line', async (t) => {
  const redis = await start(t);
  const log = createSaidLog();
  const bus = openTestBus(t, redis.url, log);
  const stranger = new Redis(redis.url);
  t.teardown(() => stranger.disconnect());
  await waitUntil(() => bus.isHealthy(), 'connected');
  const { heard, ready } = collect(bus, 'room');
  await ready;
  const garbage = ['', '{}', 'hello', 'a b {}', 'a 1 {', 'a 1', '💣'.repeat(1000), 'a 1 2 {"n":1}', ' 1 {}'];
  for (const text of garbage) await stranger.publish('room', text);
  const channels = await stranger.pubsub('CHANNELS', 'finchat:tick:*');
  for (const channel of channels as string[]) await stranger.publish(channel, 'x 1 {"n":"1","at":null}');
  await bus.publish('room', { n: 1 });
  await waitUntil(() => heard.length > 0, 'what follows is heard');
  t.deepEqual(heard, [{ n: 1 }]);
  t.is(log.said.length, 1);
});

redisTest('no password comes into the log', async (t) => {
  const redis = await start(t);
  const admin = new Redis(redis.url);
  t.teardown(() => admin.disconnect());
  await admin.config('SET', 'requirepass', 'right-secret');
  const log = createSaidLog();
  const refused = openTestBus(t, redis.url.replace('redis://', 'redis://:wrong-secret@'), log);
  await waitUntil(() => log.said.length > 0, 'it says that it is refused');
  t.regex(log.said.join('\n'), /WRONGPASS/);
  const fine = openTestBus(t, redis.url.replace('redis://', 'redis://:right-secret@'), log);
  await waitUntil(() => fine.isHealthy(), 'the right one is taken');
  await redis.stop();
  await waitUntil(() => !fine.isHealthy(), 'it notices');
  t.false(refused.isHealthy());
  t.false(log.said.join('\n').includes('secret'));
});
