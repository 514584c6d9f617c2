/** Yahoo's chart endpoint, which carries the newest price in its `meta`. It names symbols of the United States without `.US`. */
import { z } from 'zod';
import { fetchText, type Page, pageFault, statusFault } from './fetch-text.ts';
import { isPrice } from './price.ts';
import type { Quote, QuoteProvider } from './provider.ts';

export type YahooOptions = {
  /** Base URL, without a slash at its end. */
  url: string;
  fetch: typeof fetch;
  /** Milliseconds for the whole answer. */
  timeoutMs: number;
};

// One day at one point a day has about 2 KB.
const maxBytes = 262_144;

const chart = z.object({
  chart: z.union([
    z.object({ result: z.tuple([z.object({ meta: z.object({ regularMarketPrice: z.number().refine(isPrice) }) })]) }),
    z.object({ error: z.object({ code: z.string(), description: z.string().optional() }) }),
  ]),
});

export function createYahoo({ url, fetch, timeoutMs }: YahooOptions): QuoteProvider {
  return {
    name: 'yahoo',
    async quote(symbol, signal) {
      const address = new URL(
        `${url}/v8/finance/chart/${encodeURIComponent(yahooSymbol(symbol))}?range=1d&interval=1d`,
      );
      const fetched = await fetchText(address, { fetch, signal, timeoutMs, maxBytes, accept: 'application/json' });
      return fetched.kind === 'failed' ? fetched : readYahoo(fetched.page);
    },
  };
}

/** stooq's `AAPL.US` is Yahoo's `AAPL`; all others are asked for as they are. */
export function yahooSymbol(symbol: string): string {
  return symbol.endsWith('.US') && symbol.length > 3 ? symbol.slice(0, -3) : symbol;
}

function readYahoo(page: Page): Quote {
  const fault = pageFault(page);
  if (fault !== undefined) return { kind: 'failed', reason: fault };
  const read = chart.safeParse(parseJson(page.body));
  if (read.success) {
    const { chart } = read.data;
    if ('result' in chart) return { kind: 'found', price: chart.result[0].meta.regularMarketPrice };
    // The error's code, because the status is 404 for a wrong address too.
    if (chart.error.code === 'Not Found') return { kind: 'unknown-symbol' };
  }
  return { kind: 'failed', reason: statusFault(page.status) ?? 'garbled' };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
