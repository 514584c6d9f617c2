import { mock } from 'node:test';
import test from 'ava';
import { type GuardedProvider, guardProvider } from './breaker.ts';
import type { Quote, QuoteProvider } from './provider.ts';

// opossum takes its time from the globals, so this file's tests run one by one on a clock of their own.
test.serial.beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
});
test.serial.afterEach.always(() => {
  mock.timers.reset();
});

const { signal } = new AbortController();
const found: Quote = { kind: 'found', price: 1 };
const down: Quote = { kind: 'failed', reason: 'unreachable' };

/** A provider that gives what `next` holds, and counts. */
function createSource(next: Quote): QuoteProvider & { next: Quote; asked: number } {
  return {
    name: 'source',
    next,
    asked: 0,
    quote() {
      this.asked += 1;
      return Promise.resolve(this.next);
    },
  };
}

function guard(t: { teardown(run: () => void): void }, source: QuoteProvider): GuardedProvider {
  const guarded = guardProvider(source, { minimumRequests: 3, pauseMs: 60_000 });
  t.teardown(() => guarded.close());
  return guarded;
}

test.serial('after three failures the provider is left alone, and the answer says why', async (t) => {
  const source = createSource(down);
  const guarded = guard(t, source);
  for (let i = 0; i < 3; i += 1) t.deepEqual(await guarded.quote('X', signal), down);
  t.deepEqual(await guarded.quote('X', signal), { kind: 'paused', after: 'unreachable' });
  t.is(source.asked, 3);
});

test.serial('after the pause one request tries it, and success closes the breaker', async (t) => {
  const source = createSource(down);
  const guarded = guard(t, source);
  for (let i = 0; i < 3; i += 1) await guarded.quote('X', signal);
  mock.timers.tick(59_999);
  t.is((await guarded.quote('X', signal)).kind, 'paused');
  mock.timers.tick(1);
  source.next = found;
  const [probe, other] = await Promise.all([guarded.quote('X', signal), guarded.quote('Y', signal)]);
  t.deepEqual([probe.kind, other.kind], ['found', 'paused']);
  t.is(source.asked, 4);
  t.deepEqual(await guarded.quote('Y', signal), found);
});

test.serial('a failed try begins another pause', async (t) => {
  const source = createSource(down);
  const guarded = guard(t, source);
  for (let i = 0; i < 3; i += 1) await guarded.quote('X', signal);
  mock.timers.tick(60_000);
  t.deepEqual(await guarded.quote('X', signal), down);
  t.is((await guarded.quote('X', signal)).kind, 'paused');
  mock.timers.tick(60_000);
  source.next = found;
  t.deepEqual(await guarded.quote('X', signal), found);
});

for (const reason of ['daily-limit', 'challenge', 'throttled'] as const) {
  test.serial(`a provider that answers ${reason} is left alone at once`, async (t) => {
    const source = createSource({ kind: 'failed', reason });
    const guarded = guard(t, source);
    t.deepEqual(await guarded.quote('X', signal), { kind: 'failed', reason });
    t.deepEqual(await guarded.quote('X', signal), { kind: 'paused', after: reason });
    mock.timers.tick(60_000);
    t.deepEqual(await guarded.quote('X', signal), { kind: 'failed', reason });
    t.is(source.asked, 2);
  });
}

test.serial('unknown symbols are no failures', async (t) => {
  const source = createSource({ kind: 'unknown-symbol' });
  const guarded = guard(t, source);
  for (let i = 0; i < 20; i += 1) t.is((await guarded.quote('X', signal)).kind, 'unknown-symbol');
});

test.serial('a provider that throws has failed, and nothing more', async (t) => {
  const guarded = guard(t, { name: 'source', quote: () => Promise.reject(new Error('a mistake')) });
  t.deepEqual(await guarded.quote('X', signal), { kind: 'failed', reason: 'broken' });
});

test.serial('a stop is no failure of the provider, and after the close nothing is asked', async (t) => {
  const source = createSource({ kind: 'failed', reason: 'stopped' });
  const guarded = guard(t, source);
  for (let i = 0; i < 5; i += 1) t.deepEqual(await guarded.quote('X', signal), { kind: 'failed', reason: 'stopped' });
  guarded.close();
  t.deepEqual(await guarded.quote('X', signal), { kind: 'failed', reason: 'stopped' });
  t.is(source.asked, 5);
});
