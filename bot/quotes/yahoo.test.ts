import type { RequestListener } from 'node:http';
import test from 'ava';
import { openQuoteServer, says } from '../../test/support/quote-server.ts';
import type { Quote } from './provider.ts';
import { createYahoo, yahooSymbol } from './yahoo.ts';

const json = { 'content-type': 'application/json' };

async function ask(
  t: { teardown(run: () => Promise<void>): void },
  listener: RequestListener,
  symbol = 'AAPL.US',
): Promise<{ quote: Quote; requests: string[] }> {
  const server = await openQuoteServer(listener);
  t.teardown(() => server.close());
  const yahoo = createYahoo({ url: server.url, fetch, timeoutMs: 20_000 });
  return { quote: await yahoo.quote(symbol, new AbortController().signal), requests: server.requests };
}

test('the market price is read from the chart', async (t) => {
  const { quote, requests } = await ask(t, says(200, chart({ currency: 'USD', regularMarketPrice: 189.98 }), json));
  t.deepEqual(quote, { kind: 'found', price: 189.98 });
  t.deepEqual(requests, ['/v8/finance/chart/AAPL?range=1d&interval=1d']);
});

test('a symbol cannot leave its place in the path', async (t) => {
  const { requests } = await ask(t, says(404, ''), '../../x?y=1#z');
  t.deepEqual(requests, ['/v8/finance/chart/..%2F..%2Fx%3Fy%3D1%23z?range=1d&interval=1d']);
});

test('only the market .US is left out', (t) => {
  t.deepEqual(['AAPL.US', 'BRK-B.US', 'WIG', 'BMW.DE', 'US', '.US', 'A.USA'].map(yahooSymbol), [
    'AAPL',
    'BRK-B',
    'WIG',
    'BMW.DE',
    'US',
    '.US',
    'A.USA',
  ]);
});

const outcomes: [title: string, listener: RequestListener, quote: Quote][] = [
  [
    'Not Found is an unknown symbol',
    says(404, chartError('Not Found', 'No data found, symbol may be delisted'), json),
    { kind: 'unknown-symbol' },
  ],
  [
    'another error of the chart is no unknown symbol',
    says(401, chartError('Unauthorized', 'No'), json),
    failed('refused'),
  ],
  ['a 404 of other making is an address that is gone', says(404, '{}', json), failed('gone')],
  ['429 asks for fewer requests', says(429, 'Edge: Too Many Requests'), failed('throttled')],
  ['a page is a challenge', says(200, '<html>Please give your consent</html>'), failed('challenge')],
  ['a missing price is garbled', says(200, chart({ currency: 'USD' }), json), failed('garbled')],
  ['a price as text is garbled', says(200, chart({ regularMarketPrice: '189.98' }), json), failed('garbled')],
  ['a price out of this world is garbled', says(200, chart({ regularMarketPrice: 1e300 }), json), failed('garbled')],
  ['an empty result is garbled', says(200, '{"chart":{"result":[],"error":null}}', json), failed('garbled')],
  ['broken JSON is garbled', says(200, '{"chart":', json), failed('garbled')],
  ['JSON of another kind is garbled', says(200, '[null]', json), failed('garbled')],
  ['500 is trouble of the source', says(500, ''), failed('server-error')],
  ['a huge answer is cut short', says(200, `{"x":"${'x'.repeat(1_000_000)}"}`, json), failed('too-large')],
];

for (const [title, listener, quote] of outcomes) {
  test(title, async (t) => {
    t.deepEqual((await ask(t, listener)).quote, quote);
  });
}

function chart(meta: Record<string, unknown>): string {
  return JSON.stringify({ chart: { result: [{ meta, timestamp: [1], indicators: {} }], error: null } });
}

function chartError(code: string, description: string): string {
  return JSON.stringify({ chart: { result: null, error: { code, description } } });
}

function failed(reason: Extract<Quote, { kind: 'failed' }>['reason']): Quote {
  return { kind: 'failed', reason };
}
