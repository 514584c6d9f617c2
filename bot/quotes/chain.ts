/**
 * Quotes from providers in order: the first that has a price wins. Owns the short cache, the one request in flight per
 * symbol and the breakers; knows neither HTTP nor the chat.
 */
import { LRUCache } from 'lru-cache';
import { type BreakerOptions, type GuardedQuote, guardProvider } from './breaker.ts';
import type { QuoteProvider } from './provider.ts';

export type ChainAnswer =
  | { kind: 'found'; price: number; provider: string }
  /** No provider had a price: what each of them said, in order. */
  | { kind: 'none'; tries: Try[] };
export type Try = { provider: string; outcome: Exclude<GuardedQuote, { kind: 'found' }> };

export type QuoteChain = {
  /** `symbol` has passed `readSymbol`. Never rejects. */
  quote(symbol: string): Promise<ChainAnswer>;
  /** Stops requests in flight; their answers are `stopped`. */
  close(): void;
};

export type ChainOptions = {
  providers: readonly QuoteProvider[];
  /** Milliseconds for which a price, or that a symbol is unknown, is told again without asking. 0: never. */
  cacheMs?: number;
  breaker?: BreakerOptions;
  /** Milliseconds, monotonic. */
  now?: () => number;
};

// A price half a minute old is as good as new in a chat, and a room that asks in chorus costs one request.
const defaultCacheMs = 30_000;
// Symbols kept: far more than a chat asks for within half a minute, and a few hundred kilobytes at most.
const cachedSymbols = 1000;
// Three failures may be chance no longer; a minute later the source has mostly recovered.
const defaultBreaker: BreakerOptions = { minimumRequests: 3, pauseMs: 60_000 };

export function openQuoteChain(options: ChainOptions): QuoteChain {
  const { cacheMs = defaultCacheMs, breaker = defaultBreaker, now = () => performance.now() } = options;
  const providers = options.providers.map((provider) => guardProvider(provider, breaker));
  // `ttlResolution: 0` asks the clock each time instead of setting timers.
  const cache = new LRUCache<string, ChainAnswer>({
    max: cachedSymbols,
    ttl: Math.max(cacheMs, 1),
    ttlResolution: 0,
    perf: { now },
  });
  const flights = new Map<string, Promise<ChainAnswer>>();
  const control = new AbortController();

  async function ask(symbol: string): Promise<ChainAnswer> {
    const tries: Try[] = [];
    for (const provider of providers) {
      const outcome = await provider.quote(symbol, control.signal);
      if (outcome.kind === 'found') return { kind: 'found', price: outcome.price, provider: provider.name };
      tries.push({ provider: provider.name, outcome });
    }
    return { kind: 'none', tries };
  }

  async function fly(symbol: string): Promise<ChainAnswer> {
    try {
      const answer = await ask(symbol);
      if (cacheMs > 0 && isCertain(answer)) cache.set(symbol, answer);
      return answer;
    } finally {
      flights.delete(symbol);
    }
  }

  return {
    quote(symbol) {
      const known = cache.get(symbol);
      if (known !== undefined) return Promise.resolve(known);
      const flight = flights.get(symbol) ?? fly(symbol);
      flights.set(symbol, flight);
      return flight;
    },
    close() {
      control.abort();
      for (const provider of providers) provider.close();
    },
  };
}

/** Failures are not kept: the next one who asks may have more luck, and the breakers spare the providers. */
function isCertain(answer: ChainAnswer): boolean {
  return answer.kind === 'found' || answer.tries.every(({ outcome }) => outcome.kind === 'unknown-symbol');
}
