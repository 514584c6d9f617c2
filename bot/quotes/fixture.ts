/** Quotes from a JSON file, for tests and demonstrations: `{"AAPL.US": 189.98}`. Without a file a few built-in symbols. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isPrice } from './price.ts';
import type { QuoteProvider } from './provider.ts';

const builtIn: Readonly<Record<string, number>> = {
  'AAPL.US': 189.98,
  'MSFT.US': 415.5,
  'GOOG.US': 152.19,
  'TSLA.US': 172.63,
  WIG: 82_745.58,
};

const quotes = z.record(z.string(), z.number().refine(isPrice));

export function createFixture({ file }: { file: string | undefined }): QuoteProvider {
  return {
    name: 'fixture',
    async quote(symbol) {
      let prices: Readonly<Record<string, number>> = builtIn;
      if (file !== undefined) {
        try {
          // Read each time, so that an edited file counts at once.
          prices = quotes.parse(JSON.parse(await readFile(file, 'utf8')));
        } catch {
          return { kind: 'failed', reason: 'unreadable' };
        }
      }
      const entry = Object.entries(prices).find(([name]) => name.trim().toUpperCase() === symbol);
      return entry === undefined ? { kind: 'unknown-symbol' } : { kind: 'found', price: entry[1] };
    },
  };
}
