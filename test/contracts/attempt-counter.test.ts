/** The contract of AttemptCounter over its implementations: memory, Redis, and Redis while it cannot be reached. */
import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { createMemoryAttemptCounter } from '../../src/bus/memory.ts';
import { createRedisAttemptCounter, openRedis } from '../../src/bus/redis.ts';
import type { AttemptCounter } from '../../src/core/ports.ts';
import { startRedis } from '../support/redis.ts';
import { failOrSkip, findService } from '../support/services.ts';

/** A counter of its own for each test; undefined where the service is missing. */
type OpenCounter = (t: ExecutionContext) => Promise<AttemptCounter>;

const minute = 60_000;

/** Resolves when `isSo` holds; rejects after ten seconds. */
async function waitUntil(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function contract(name: string, open: OpenCounter): void {
  test(`${name}: attempts up to the limit are allowed, the next is told when to come back`, async (t) => {
    const counter = await open(t);
    const key = { key: 'login ada', limit: 3, windowMs: minute };
    for (let attempt = 0; attempt < 3; attempt++) {
      t.deepEqual(await counter.count([key]), { allowed: true, retryAfterMs: 0 });
    }
    const refused = await counter.count([key]);
    t.false(refused.allowed);
    t.true(refused.retryAfterMs > 0 && refused.retryAfterMs <= minute, String(refused.retryAfterMs));
    t.true((await counter.count([{ ...key, key: 'login bob' }])).allowed, 'other keys are apart');
  });

  test(`${name}: one key over its limit refuses, and each key is counted`, async (t) => {
    const counter = await open(t);
    const narrow = { key: 'name and address', limit: 1, windowMs: minute };
    const wide = { key: 'address', limit: 3, windowMs: 10 * minute };
    t.true((await counter.count([narrow, wide])).allowed);
    t.true((await counter.count([narrow, wide])).retryAfterMs <= minute);
    t.false((await counter.count([narrow, wide])).allowed);
    const refused = await counter.count([wide]);
    t.false(refused.allowed);
    t.true(refused.retryAfterMs > minute);
    t.true((await counter.count([])).allowed);
  });

  test(`${name}: a forgotten key begins anew`, async (t) => {
    const counter = await open(t);
    const key = { key: 'login ada', limit: 1, windowMs: minute };
    await counter.count([key]);
    t.false((await counter.count([key])).allowed);
    await counter.forget(['login ada', 'never counted']);
    t.true((await counter.count([key])).allowed);
  });

  test(`${name}: a window ends, refused attempts do not lengthen it`, async (t) => {
    const counter = await open(t);
    const key = { key: 'short', limit: 1, windowMs: 1000 };
    t.true((await counter.count([key])).allowed);
    await waitUntil(async () => (await counter.count([key])).allowed, 'the window ends');
  });

  test(`${name}: attempts at the same time are all counted`, async (t) => {
    const counter = await open(t);
    const key = { key: 'many', limit: 10, windowMs: minute };
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => counter.count([key])));
    t.is(verdicts.filter((verdict) => verdict.allowed).length, 10);
  });
}

contract('memory', async (t) => {
  const counter = createMemoryAttemptCounter();
  t.teardown(() => counter.close());
  return counter;
});

contract('lost Redis', async (t) => {
  // Port 9 (discard) of the loopback: nothing listens there.
  const redis = openRedis('redis://127.0.0.1:9');
  const counter = createRedisAttemptCounter({ client: redis.client });
  t.teardown(async () => {
    await counter.close();
    await redis.close();
  });
  t.false(redis.healthy());
  return counter;
});

test('memory: the number of keys is bounded, those least recently counted are forgotten', async (t) => {
  const counter = createMemoryAttemptCounter({ maxKeys: 2 });
  t.teardown(() => counter.close());
  const key = (name: string) => ({ key: name, limit: 1, windowMs: minute });
  await counter.count([key('a')]);
  await counter.count([key('b')]);
  await counter.count([key('c')]);
  t.false((await counter.count([key('c')])).allowed);
  t.false((await counter.count([key('b')])).allowed);
  t.true((await counter.count([key('a')])).allowed);
});

const service = findService('redis');
if ('url' in service) {
  contract('Redis', async (t) => {
    const redis = openRedis(service.url);
    const counter = createRedisAttemptCounter({ client: redis.client, prefix: `attempts ${randomUUID()}` });
    t.teardown(async () => {
      await counter.close();
      await redis.close();
    });
    await waitUntil(() => redis.healthy(), 'Redis is connected');
    return counter;
  });

  test('Redis: several servers count together', async (t) => {
    const prefix = `attempts ${randomUUID()}`;
    const counters = await Promise.all(
      [1, 2].map(async () => {
        const redis = openRedis(service.url);
        t.teardown(() => redis.close());
        await waitUntil(() => redis.healthy(), 'Redis is connected');
        return createRedisAttemptCounter({ client: redis.client, prefix });
      }),
    );
    const key = { key: 'login ada', limit: 2, windowMs: minute };
    for (const counter of counters) t.true((await counter.count([key])).allowed);
    for (const counter of counters) t.false((await counter.count([key])).allowed);
  });

  test('Redis: a server that is lost and comes back locks nobody out and is used again', async (t) => {
    const first = await startRedis();
    t.teardown(() => first.stop());
    const said: string[] = [];
    const log = {
      warn: (_: object, text: string) => said.push(text),
      info: (_: object, text: string) => said.push(text),
    };
    const redis = openRedis(first.url, { log });
    const counter = createRedisAttemptCounter({ client: redis.client });
    t.teardown(() => redis.close());
    await waitUntil(() => redis.healthy(), 'Redis is connected');
    const key = { key: 'login ada', limit: 1, windowMs: minute };
    t.true((await counter.count([key])).allowed);
    await first.stop();
    await waitUntil(() => !redis.healthy(), 'the loss is noticed');
    t.true((await counter.count([key])).allowed, 'counted anew in memory');
    t.false((await counter.count([key])).allowed, 'and still counted');
    const second = await startRedis(first.port);
    t.teardown(() => second.stop());
    await waitUntil(() => redis.healthy(), 'Redis is connected again');
    t.true((await counter.count([key])).allowed, 'counted in the new Redis');
    t.is(said.length, 2, 'one line for the loss, one for the return');
  });
} else {
  failOrSkip(test, 'Redis: the contract of AttemptCounter', service.missing);
}
