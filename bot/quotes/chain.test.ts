import test from 'ava';
import { openQuoteServer, says, stooqAnswer } from '../../test/support/quote-server.ts';
import { type ChainOptions, openQuoteChain, type QuoteChain } from './chain.ts';
import { createFixture } from './fixture.ts';
import type { Quote, QuoteProvider } from './provider.ts';
import { createStooq } from './stooq.ts';

type Teardown = { teardown(run: () => Promise<void> | void): void };

function open(t: Teardown, options: ChainOptions): QuoteChain {
  const chain = openQuoteChain(options);
  t.teardown(() => chain.close());
  return chain;
}

function gives(name: string, quote: Quote): QuoteProvider & { asked: string[] } {
  const asked: string[] = [];
  return {
    name,
    asked,
    quote(symbol) {
      asked.push(symbol);
      return Promise.resolve(quote);
    },
  };
}

test('the first provider with a price wins, and those behind it are not asked', async (t) => {
  const unknown = gives('a', { kind: 'unknown-symbol' });
  const failing = gives('b', { kind: 'failed', reason: 'timeout' });
  const third = gives('c', { kind: 'found', price: 2 });
  const fourth = gives('d', { kind: 'found', price: 3 });
  const chain = open(t, { providers: [unknown, failing, third, fourth] });
  t.deepEqual(await chain.quote('X'), { kind: 'found', price: 2, provider: 'c' });
  t.deepEqual([unknown.asked, failing.asked, third.asked, fourth.asked], [['X'], ['X'], ['X'], []]);
});

test('without a price, the answer has what each provider said', async (t) => {
  const chain = open(t, {
    providers: [gives('a', { kind: 'unknown-symbol' }), gives('b', { kind: 'failed', reason: 'challenge' })],
  });
  const unknown = { provider: 'a', outcome: { kind: 'unknown-symbol' } };
  t.deepEqual(await chain.quote('X'), {
    kind: 'none',
    tries: [unknown, { provider: 'b', outcome: { kind: 'failed', reason: 'challenge' } }],
  } as never);
  t.deepEqual(await chain.quote('X'), {
    kind: 'none',
    tries: [unknown, { provider: 'b', outcome: { kind: 'paused', after: 'challenge' } }],
  } as never);
});

test('a broken source leads to the next one, over HTTP too', async (t) => {
  const server = await openQuoteServer(says(200, 'Exceeded the daily hits limit'));
  t.teardown(() => server.close());
  const stooq = createStooq({ url: server.url, fetch, timeoutMs: 20_000 });
  const chain = open(t, { providers: [stooq, createFixture({ file: undefined })] });
  t.deepEqual(await chain.quote('AAPL.US'), { kind: 'found', price: 189.98, provider: 'fixture' });
});

test('a symbol asked for in chorus costs one request, another one its own', async (t) => {
  const server = await openQuoteServer(stooqAnswer({ 'AAPL.US': '1', WIG: '2' }));
  t.teardown(() => server.close());
  const chain = open(t, { providers: [createStooq({ url: server.url, fetch, timeoutMs: 20_000 })], cacheMs: 0 });
  const answers = await Promise.all(['AAPL.US', 'AAPL.US', 'WIG', 'AAPL.US'].map((symbol) => chain.quote(symbol)));
  t.deepEqual(
    answers.map((answer) => answer.kind === 'found' && answer.price),
    [1, 1, 2, 1],
  );
  t.is(server.requests.length, 2);
  await chain.quote('AAPL.US');
  t.is(server.requests.length, 3);
});

test('a price is told again without asking, until it is too old', async (t) => {
  let now = 1000;
  const source = gives('a', { kind: 'found', price: 1 });
  const chain = open(t, { providers: [source], cacheMs: 500, now: () => now });
  await chain.quote('X');
  now += 500;
  t.deepEqual(await chain.quote('X'), { kind: 'found', price: 1, provider: 'a' });
  t.is(source.asked.length, 1);
  now += 1;
  await chain.quote('X');
  t.is(source.asked.length, 2);
});

test('an unknown symbol is remembered, a failure is not', async (t) => {
  const unknown = gives('a', { kind: 'unknown-symbol' });
  const first = open(t, { providers: [unknown] });
  await first.quote('X');
  await first.quote('X');
  t.is(unknown.asked.length, 1);
  const failing = gives('b', { kind: 'failed', reason: 'timeout' });
  const second = open(t, { providers: [failing] });
  await second.quote('X');
  await second.quote('X');
  t.is(failing.asked.length, 2);
});

test('closing stops what is in flight', async (t) => {
  const waiting: QuoteProvider = {
    name: 'a',
    quote: (_symbol, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve({ kind: 'failed', reason: 'stopped' }));
      }),
  };
  const chain = open(t, { providers: [waiting] });
  const answer = chain.quote('X');
  chain.close();
  t.deepEqual(await answer, {
    kind: 'none',
    tries: [{ provider: 'a', outcome: { kind: 'failed', reason: 'stopped' } }],
  });
});
