import type { RequestListener } from 'node:http';
import test from 'ava';
import { openQuoteServer, says, stooqAnswer, stooqCsv } from '../../test/support/quote-server.ts';
import type { Quote } from './provider.ts';
import { createStooq } from './stooq.ts';

const patient = 20_000;

async function ask(
  t: { teardown(run: () => Promise<void>): void },
  listener: RequestListener,
  { symbol = 'AAPL.US', timeoutMs = patient, signal = new AbortController().signal } = {},
): Promise<{ quote: Quote; requests: string[] }> {
  const server = await openQuoteServer(listener);
  t.teardown(() => server.close());
  const quote = await createStooq({ url: server.url, fetch, timeoutMs }).quote(symbol, signal);
  return { quote, requests: server.requests };
}

test('a price is read from the CSV, and the address is the documented one', async (t) => {
  const { quote, requests } = await ask(t, stooqAnswer());
  t.deepEqual(quote, { kind: 'found', price: 189.98 });
  t.deepEqual(requests, ['/q/l/?s=aapl.us&f=sd2t2ohlcv&h&e=csv']);
});

test('a symbol cannot add to the query', async (t) => {
  const { requests } = await ask(t, stooqAnswer(), { symbol: 'A&e=json#?/../^=X' });
  const asked = new URL(requests[0] ?? '', 'http://stooq');
  t.is(asked.pathname, '/q/l/');
  t.is(asked.searchParams.get('s'), 'a&e=json#?/../^=x');
  t.deepEqual(asked.searchParams.getAll('e'), ['csv']);
});

test('an index is asked for with its circumflex encoded', async (t) => {
  const { quote, requests } = await ask(t, stooqAnswer({ '^SPX': '5266.95' }), { symbol: '^SPX' });
  t.deepEqual(quote, { kind: 'found', price: 5266.95 });
  t.true(requests[0]?.startsWith('/q/l/?s=%5Espx&'));
});

const outcomes: [title: string, listener: RequestListener, quote: Quote][] = [
  ['N/D is an unknown symbol', stooqAnswer({}), { kind: 'unknown-symbol' }],
  ['N/D with 404 is an unknown symbol too', says(404, stooqCsv('X', undefined)), { kind: 'unknown-symbol' }],
  [
    'a wrong content type does not spoil a price',
    says(200, stooqCsv('X', '12.5'), { 'content-type': 'text/html' }),
    { kind: 'found', price: 12.5 },
  ],
  [
    'a byte order mark does not spoil a price',
    says(200, `\uFEFF${stooqCsv('X', '12.5')}`),
    { kind: 'found', price: 12.5 },
  ],
  ['the limit with 200 is the limit', says(200, 'Exceeded the daily hits limit'), failed('daily-limit')],
  ['the limit in HTML is the limit', says(200, '<p>Exceeded the daily hits limit</p>'), failed('daily-limit')],
  ['a challenge page with 200 is a challenge', says(200, challengePage()), failed('challenge')],
  ['a challenge page with 403 is a challenge', says(403, challengePage()), failed('challenge')],
  [
    'a challenge page as CSV is a challenge',
    says(200, challengePage(), { 'content-type': 'text/csv' }),
    failed('challenge'),
  ],
  ['any page with 200 counts as a challenge', says(200, '<html><body>Hello</body></html>'), failed('challenge')],
  ['404 is an address that is gone', says(404, 'Not found'), failed('gone')],
  ['a 404 page is an address that is gone', says(404, '<html><h1>404</h1></html>'), failed('gone')],
  ['403 is a refusal', says(403, 'Forbidden'), failed('refused')],
  ['429 asks for fewer requests', says(429, 'Too Many Requests'), failed('throttled')],
  ['500 is trouble of the source', says(500, '<html><h1>Oops</h1></html>'), failed('server-error')],
  ['a price with 500 is not believed', says(500, stooqCsv('X', '12.5')), failed('server-error')],
  ['a redirect is not followed', says(302, '', { location: '/elsewhere' }), failed('redirected')],
  ['an empty answer is garbled', says(200, ''), failed('garbled')],
  ['a header alone is garbled', says(200, 'Symbol,Close\r\n'), failed('garbled')],
  ['other columns are garbled', says(200, 'a,b\r\n1,2\r\n'), failed('garbled')],
  ['an unclosed quotation mark is garbled', says(200, 'Symbol,Close\r\n"X,1\r\n'), failed('garbled')],
  ['a line too short is garbled', says(200, 'Symbol,Date,Close\r\nX\r\n'), failed('garbled')],
  ['a price that is no number is garbled', says(200, stooqCsv('X', '12,5O')), failed('garbled')],
  ['an empty price is garbled', says(200, stooqCsv('X', '')), failed('garbled')],
  ['an infinite price is garbled', says(200, stooqCsv('X', '1e999')), failed('garbled')],
  ['bytes that are no text are garbled', (_q, r) => r.end(Buffer.from([0xff, 0xfe, 0, 0x80])), failed('garbled')],
  ['a huge body is cut short', says(200, `${stooqCsv('X', '1')}${'x'.repeat(1_000_000)}`), failed('too-large')],
  ['a reset before the answer is unreachable', (request) => request.socket.resetAndDestroy(), failed('unreachable')],
  ['a body that breaks off is cut off', breakOff, failed('cut-off')],
];

for (const [title, listener, quote] of outcomes) {
  test(title, async (t) => {
    t.deepEqual((await ask(t, listener)).quote, quote);
  });
}

test('a redirect is not even looked at', async (t) => {
  const { requests } = await ask(t, says(301, '', { location: '/q/elsewhere' }));
  t.is(requests.length, 1);
});

test('a source that does not answer is given up', async (t) => {
  const { quote } = await ask(t, () => {}, { timeoutMs: 50 });
  t.deepEqual(quote, failed('timeout'));
});

test('a source that hangs in the middle of its body is given up', async (t) => {
  const { quote } = await ask(t, (_request, response) => response.write('Symbol,Close\r\n'), { timeoutMs: 50 });
  t.deepEqual(quote, failed('timeout'));
});

test('an endless body is not read to its end', async (t) => {
  let closed: () => void = () => {};
  const gone = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const { quote } = await ask(t, (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
    };
    response.on('drain', more).on('close', closed);
    more();
  });
  t.deepEqual(quote, failed('too-large'));
  await gone;
});

test('a server that is not there is unreachable', async (t) => {
  const server = await openQuoteServer();
  await server.close();
  const stooq = createStooq({ url: server.url, fetch, timeoutMs: patient });
  t.deepEqual(await stooq.quote('AAPL.US', new AbortController().signal), failed('unreachable'));
});

test('a stop ends a request in flight', async (t) => {
  const control = new AbortController();
  const { quote } = await ask(t, () => control.abort(), { signal: control.signal });
  t.deepEqual(quote, failed('stopped'));
});

test('a stop beforehand asks nothing', async (t) => {
  const { quote, requests } = await ask(t, stooqAnswer(), { signal: AbortSignal.abort() });
  t.deepEqual(quote, failed('stopped'));
  t.deepEqual(requests, []);
});

function failed(reason: Extract<Quote, { kind: 'failed' }>['reason']): Quote {
  return { kind: 'failed', reason };
}

function challengePage(): string {
  return '<!DOCTYPE html><html><head><title>Verifying your browser</title></head><body><script>/* work */</script></body></html>';
}

function breakOff(...[, response]: Parameters<RequestListener>): void {
  response.writeHead(200, { 'content-length': '1000' });
  response.write('Symbol,Close\r\n', () => response.destroy());
}
