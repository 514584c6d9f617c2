/** The providers by their names in FINBOT_QUOTES: the one list to extend for another source. */
import { createFixture } from './fixture.ts';
import type { QuoteProvider } from './provider.ts';
import { createStooq } from './stooq.ts';
import { createYahoo } from './yahoo.ts';

export type ProviderSettings = {
  stooqUrl: string;
  yahooUrl: string;
  fixtureFile: string | undefined;
  fetch: typeof fetch;
};

// People wait for the answer in the room, and two sources may be asked one after the other.
const timeoutMs = 5000;

const makers: ReadonlyMap<string, (settings: ProviderSettings) => QuoteProvider> = new Map([
  ['stooq', ({ stooqUrl, fetch }: ProviderSettings) => createStooq({ url: stooqUrl, fetch, timeoutMs })],
  ['yahoo', ({ yahooUrl, fetch }: ProviderSettings) => createYahoo({ url: yahooUrl, fetch, timeoutMs })],
  ['fixture', ({ fixtureFile }: ProviderSettings) => createFixture({ file: fixtureFile })],
]);

/** The providers of these names, in order. @throws Error that names the unknown ones, or says that there is none. */
export function createProviders(names: readonly string[], settings: ProviderSettings): QuoteProvider[] {
  const known = [...makers.keys()].join(', ');
  const unknown = names.filter((name) => !makers.has(name));
  if (unknown.length > 0) {
    throw new Error(`FINBOT_QUOTES names ${unknown.join(', ')}, which is no quote provider. There are: ${known}.`);
  }
  if (names.length === 0) throw new Error(`FINBOT_QUOTES names no quote provider. There are: ${known}.`);
  return [...new Set(names)].flatMap((name) => makers.get(name)?.(settings) ?? []);
}
