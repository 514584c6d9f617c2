import test from 'ava';
import type { ChainAnswer } from '../quotes/chain.ts';
import { createStockHandler } from './stock.ts';

const { signal } = new AbortController();

async function ask(payload: string, answer: ChainAnswer): Promise<{ text: string | undefined; asked: string[] }> {
  const asked: string[] = [];
  const handler = createStockHandler({
    quote(symbol) {
      asked.push(symbol);
      return Promise.resolve(answer);
    },
  });
  const command = { id: 's.1', room: 'r', user: 'u', command: 'stock', payload, stamp: '2020-09-26 12:12:13' };
  return { text: await handler(command, signal), asked };
}

const found: ChainAnswer = { kind: 'found', price: 189.98, provider: 'stooq' };

test('a quote is one sentence in the agreed form', async (t) => {
  const { text, asked } = await ask(' aapl.us ', found);
  t.is(text, 'AAPL.US quote is $189.98 per share');
  t.deepEqual(asked, ['AAPL.US']);
});

test('what is no symbol is told so, neither asked for nor repeated', async (t) => {
  for (const payload of ['', ' ', 'aapl.us&e=json', '../../etc/passwd', '<script>', 'a\nb', 'x'.repeat(4096)]) {
    const { text, asked } = await ask(payload, found);
    t.true(text?.startsWith('That is no stock symbol.'));
    t.false(payload.trim().length > 1 && text?.includes(payload));
    t.deepEqual(asked, []);
  }
});

const unknown = { provider: 'stooq', outcome: { kind: 'unknown-symbol' } } as const;
const sentences: [tries: Extract<ChainAnswer, { kind: 'none' }>['tries'], text: string][] = [
  [[unknown], 'X is an unknown symbol: stooq does not know it.'],
  [[unknown, { ...unknown, provider: 'yahoo' }], 'X is an unknown symbol: stooq and yahoo do not know it.'],
  [
    [{ provider: 'stooq', outcome: { kind: 'failed', reason: 'daily-limit' } }],
    'No quote for X can be had right now: stooq has reached its daily limit.',
  ],
  [
    [
      { provider: 'stooq', outcome: { kind: 'paused', after: 'challenge' } },
      { ...unknown, provider: 'yahoo' },
      { provider: 'other', outcome: { kind: 'failed', reason: 'timeout' } },
    ],
    'No quote for X can be had right now: stooq answered with a page that only a browser can pass and is left alone for a moment, yahoo does not know the symbol and other did not answer in time.',
  ],
];

for (const [tries, sentence] of sentences) {
  test(`it says: ${sentence}`, async (t) => {
    t.is((await ask('x', { kind: 'none', tries })).text, sentence);
  });
}
