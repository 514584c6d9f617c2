/**
 * stooq.com's light quotes: one line of CSV a symbol. It answers 200 to nearly everything, so answers are judged by
 * their content. When it wants a browser or has had enough of us, that is said and respected, never worked around.
 */
import { parse } from 'csv-parse/sync';
import { fetchText, type Page, pageFault, statusFault } from './fetch-text.ts';
import { isPrice } from './price.ts';
import type { Quote, QuoteProvider } from './provider.ts';

export type StooqOptions = {
  /** Base URL, without a slash at its end. */
  url: string;
  fetch: typeof fetch;
  /** Milliseconds for the whole answer. */
  timeoutMs: number;
};

// A quote has about 100 bytes; a page that says why there is none may be larger.
const maxBytes = 65_536;

export function createStooq({ url, fetch, timeoutMs }: StooqOptions): QuoteProvider {
  return {
    name: 'stooq',
    async quote(symbol, signal) {
      const fetched = await fetchText(stooqUrl(url, symbol), {
        fetch,
        signal,
        timeoutMs,
        maxBytes,
        accept: 'text/csv',
      });
      return fetched.kind === 'failed' ? fetched : readStooq(fetched.page);
    },
  };
}

function stooqUrl(base: string, symbol: string): URL {
  // `f` names the columns: symbol, date, time, open, high, low, close, volume; `h` asks for a header line.
  return new URL(`${base}/q/l/?s=${encodeURIComponent(symbol.toLowerCase())}&f=sd2t2ohlcv&h&e=csv`);
}

function readStooq(page: Page): Quote {
  const fault = pageFault(page);
  if (fault !== undefined) return { kind: 'failed', reason: fault };
  const close = readClose(page.body);
  // stooq has a line for symbols that it does not know: all its values are N/D.
  if (close === 'N/D') return { kind: 'unknown-symbol' };
  const price = close === undefined || close === '' ? Number.NaN : Number(close);
  if (isPrice(price) && page.status === 200) return { kind: 'found', price };
  return { kind: 'failed', reason: statusFault(page.status) ?? 'garbled' };
}

/** The `Close` of the first line below the header; undefined when the text is no such CSV. */
function readClose(csv: string): string | undefined {
  try {
    const rows = parse(csv, { columns: true, bom: true, trim: true, skip_empty_lines: true, to: 1 }) as unknown;
    const [row] = rows as Record<string, string>[];
    return row?.['Close'];
  } catch {
    return undefined;
  }
}
