/** The contract of Bus over its implementations: memory and Redis. What only a real Redis does is in bus-redis.test.ts. */
import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { Bus } from '../../src/core/cluster-ports.ts';
import { attach, type BusWorld, collect, openMemoryWorld, openRedisWorld, waitUntil } from '../support/bus-world.ts';
import { failOrSkip, findService } from '../support/services.ts';

type OpenWorld = (t: ExecutionContext) => Promise<BusWorld>;

function contract(name: string, open: OpenWorld): void {
  test(`${name}: what one node publishes arrives in order over all channels, once`, async (t) => {
    const world = await open(t);
    const [a, b, c] = await Promise.all([attach(world), attach(world), attach(world)]);
    const channels = Array.from({ length: 5 }, () => randomUUID());
    const heard: { from: string; n: number }[] = [];
    for (const channel of channels) await a.subscribe(channel, (value) => heard.push(value as never)).ready;
    const speak = async (bus: Bus, from: string): Promise<void> => {
      const published: Promise<unknown>[] = [];
      for (let n = 0; n < 500; n++) {
        published.push(bus.publish(channels[(n * 7) % channels.length] ?? '', { from, n }));
        if (n % 50 === 0) await published.at(-1);
      }
      await Promise.all(published);
    };
    await Promise.all([speak(a, 'a'), speak(b, 'b'), speak(c, 'c')]);
    await waitUntil(() => heard.length >= 1500, 'all is heard');
    for (const from of ['a', 'b', 'c']) {
      const numbers = heard.filter((value) => value.from === from).map(({ n }) => n);
      t.deepEqual(
        numbers,
        Array.from({ length: 500 }, (_, n) => n),
        from,
      );
    }
  });

  test(`${name}: a value that cannot be written is lost, and nothing else`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channel = randomUUID();
    const { heard, ready } = collect(b, channel);
    await ready;
    const deep = JSON.parse('['.repeat(30_000) + ']'.repeat(30_000)) as object;
    t.is(await a.publish(channel, { deep }), undefined);
    t.is(await a.publish(channel, { n: 1 }), 1);
    await waitUntil(() => heard.length > 0, 'the next one is heard');
    t.deepEqual(heard, [{ n: 1 }]);
  });

  test(`${name}: who publishes learns how many nodes hear it, itself included`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channel = randomUUID();
    t.is(await a.publish(channel, {}), 0);
    const own = collect(a, channel);
    await own.ready;
    t.is(await a.publish(channel, { n: 1 }), 1);
    const others = collect(b, channel);
    await others.ready;
    t.is(await a.publish(channel, { n: 2 }), 2);
    await waitUntil(() => own.heard.length === 2, 'a hears itself');
    own.close();
    await waitUntil(async () => (await b.publish(channel, { n: 3 })) === 1, 'one subscription less');
    await waitUntil(() => others.heard.some(({ n }) => n === 3), 'b hears itself');
    t.deepEqual(own.heard, [{ n: 1 }, { n: 2 }]);
    t.deepEqual(others.heard[0], { n: 2 });
  });

  test(`${name}: nodes share no values`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channel = randomUUID();
    const [first, second] = [collect(a, channel), collect(b, channel)];
    await Promise.all([first.ready, second.ready]);
    const value = { list: ['before'], nothing: null, text: 'ü€😀\u2028"' };
    const published = a.publish(channel, value);
    value.list.push('after');
    await published;
    await waitUntil(() => first.heard.length + second.heard.length === 2, 'both hear it');
    for (const { heard } of [first, second])
      t.deepEqual(heard[0], { list: ['before'], nothing: null, text: value.text });
    t.not(first.heard[0], second.heard[0]);
  });

  test(`${name}: a closed subscription hears nothing, and the channel can be subscribed again`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const [channel, other] = [randomUUID(), randomUUID()];
    const first = collect(a, channel);
    const mark = collect(a, other);
    await Promise.all([first.ready, mark.ready]);
    t.throws(() => a.subscribe(channel, () => {}));
    first.close();
    await b.publish(channel, { n: 1 });
    await b.publish(other, { n: 2 });
    await waitUntil(() => mark.heard.length === 1, 'what was published later is heard');
    t.deepEqual(first.heard, []);
    const second = collect(a, channel);
    await second.ready;
    first.close();
    await b.publish(channel, { n: 3 });
    await waitUntil(() => second.heard.length === 1, 'heard again');
    t.deepEqual(second.heard, [{ n: 3 }]);
    t.deepEqual(first.heard, []);
  });

  test(`${name}: a subscription that is closed and made again at once hears`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channel = randomUUID();
    for (let n = 0; n < 20; n++) {
      const subscription = collect(a, channel);
      await subscription.ready;
      t.is(await b.publish(channel, { n }), 1);
      await waitUntil(() => subscription.heard.length === 1, `${n} is heard`);
      subscription.close();
    }
  });

  test(`${name}: thousands of channels are kept apart`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channels = Array.from({ length: 3000 }, (_, n) => ({ n, name: randomUUID() }));
    const heard: [number, number][] = [];
    const subscriptions = channels.map(({ n, name }) =>
      a.subscribe(name, (value) => heard.push([n, (value as { n: number }).n])),
    );
    await Promise.all(subscriptions.map(({ ready }) => ready));
    const counts = await Promise.all(channels.map(({ n, name }) => b.publish(name, { n })));
    t.true(counts.every((count) => count === 1));
    await waitUntil(() => heard.length === channels.length, 'all is heard');
    t.deepEqual(
      heard,
      channels.map(({ n }) => [n, n]),
    );
  });

  test(`${name}: values of two MiB pass, and what comes after them`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channel = randomUUID();
    const { heard, ready } = collect(a, channel);
    await ready;
    const text = '€x'.repeat(512 * 1024);
    for (let n = 0; n < 4; n++) void b.publish(channel, { n, text });
    void b.publish(channel, { n: 4 });
    await waitUntil(() => heard.length === 5, 'all is heard');
    t.deepEqual(
      heard.map(({ n }) => n),
      [0, 1, 2, 3, 4],
    );
    t.true(heard.slice(0, 4).every((value) => value['text'] === text));
  });

  test(`${name}: a bus that is closed hears and says nothing`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channel = randomUUID();
    const [closed, open_] = [collect(a, channel), collect(b, channel)];
    await Promise.all([closed.ready, open_.ready]);
    let restored = 0;
    a.onRestored(() => (restored += 1));
    await a.close();
    await a.close();
    t.false(a.isHealthy());
    t.is(await a.publish(channel, { n: 1 }), undefined);
    await collect(a, randomUUID()).ready;
    await waitUntil(async () => (await b.publish(channel, { n: 2 })) === 1, 'a is gone');
    await waitUntil(() => open_.heard.length > 0, 'b hears it');
    t.deepEqual(open_.heard[0], { n: 2 });
    t.deepEqual(closed.heard, []);
    t.is(restored, 0);
  });

  test(`${name}: what is published last is heard, though the bus is closed at once`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channel = randomUUID();
    const { heard, ready } = collect(b, channel);
    await ready;
    for (let n = 0; n < 100; n++) void a.publish(channel, { n });
    await a.close();
    await waitUntil(() => heard.length === 100, 'all is heard');
    t.pass();
  });
}

/** Those that break the bus have one of their own. */
function breaking(name: string, open: OpenWorld): void {
  test(`${name}: a bus that is away says so at once, and loses what is published`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channel = randomUUID();
    const { heard, ready } = collect(b, channel);
    await ready;
    t.true(a.isHealthy());
    await world.break();
    await waitUntil(() => !a.isHealthy() && !b.isHealthy(), 'both notice');
    t.is(await a.publish(channel, { n: 1 }), undefined);
    await world.mend();
    await waitUntil(() => a.isHealthy() && b.isHealthy(), 'both are back');
    t.is(await a.publish(channel, { n: 2 }), 1);
    await waitUntil(() => heard.length > 0, 'heard again');
    t.deepEqual(heard, [{ n: 2 }]);
  });

  test(`${name}: who subscribes while the bus is known to be away does not wait for it`, async (t) => {
    const world = await open(t);
    const bus = await attach(world);
    await world.break();
    await waitUntil(() => !bus.isHealthy(), 'it notices');
    const since = performance.now();
    for (const channel of ['one', 'two', 'three', 'four', 'five']) await collect(bus, channel).ready;
    // Each would wait a second for a bus that might come any moment.
    t.true(performance.now() - since < 2_500);
  });

  test(`${name}: after a loss all is subscribed again before each node is told`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channels = Array.from({ length: 1500 }, () => randomUUID());
    const before = channels.map((channel) => collect(b, channel));
    await Promise.all(before.map(({ ready }) => ready));
    before[0]?.close();
    const restored = { a: 0, b: 0 };
    const counts: (number | undefined)[] = [];
    a.onRestored(() => (restored.a += 1));
    b.onRestored(() => {
      restored.b += 1;
      // By now b hears; whether a says it through is another matter.
      for (const channel of channels) void b.publish(channel, { by: 'b' }).then((count) => counts.push(count));
    });
    const ended = a.onRestored(() => t.fail('its end was asked for'));
    ended();
    await world.break();
    await waitUntil(() => !a.isHealthy() && !b.isHealthy(), 'both notice');
    const meanwhile = collect(b, 'meanwhile');
    await meanwhile.ready;
    before[1]?.close();
    t.deepEqual(restored, { a: 0, b: 0 });
    await world.mend();
    await waitUntil(() => restored.a > 0 && restored.b > 0, 'both are told');
    await waitUntil(() => counts.length === channels.length, 'all is published');
    t.deepEqual(
      counts,
      channels.map((_, n) => (n < 2 ? 0 : 1)),
    );
    t.is(await a.publish('meanwhile', { n: 1 }), 1);
    await waitUntil(() => meanwhile.heard.length === 1, 'what was subscribed meanwhile hears');
    await waitUntil(() => before.slice(2).every(({ heard }) => heard.length === 1), 'each hears once');
    t.deepEqual([before[0]?.heard, before[1]?.heard], [[], []]);
    t.deepEqual(restored, { a: 1, b: 1 });
  });

  test(`${name}: it is lost and comes back many times`, async (t) => {
    const world = await open(t);
    const [a, b] = await Promise.all([attach(world), attach(world)]);
    const channel = randomUUID();
    const { heard, ready } = collect(b, channel);
    await ready;
    let restored = 0;
    b.onRestored(() => (restored += 1));
    for (let n = 0; n < 4; n++) {
      await world.break();
      await waitUntil(() => !a.isHealthy() && !b.isHealthy(), 'both notice');
      await world.mend();
      await waitUntil(() => restored === n + 1 && a.isHealthy(), 'back');
      t.is(await a.publish(channel, { n }), 1);
      await waitUntil(() => heard.length === n + 1, 'heard');
    }
    t.deepEqual(heard, [{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }]);
  });
}

contract('memory', openMemoryWorld);
breaking('memory', openMemoryWorld);

const service = findService('redis');
if ('url' in service) {
  contract('Redis', (t) => openRedisWorld(t, service.url));
  breaking('Redis', (t) => openRedisWorld(t));
} else {
  failOrSkip(test, 'Redis: the contract of Bus', service.missing);
}
