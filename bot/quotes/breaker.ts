/**
 * A breaker around one provider: after repeated failures, or at once when the provider asks for a pause, it is left
 * alone for a while; then a single request tries it again. opossum keeps the states; here outcomes become its errors
 * and back. States: closed → (failures) → open → (after `pauseMs`) → half-open → closed or open.
 */
import CircuitBreaker from 'opossum';
import { asksForPause, type Quote, type QuoteFailure, type QuoteProvider } from './provider.ts';

export type BreakerOptions = {
  /** Requests within the last minute before their failures count. */
  minimumRequests: number;
  /** Milliseconds during which an open breaker asks nothing. */
  pauseMs: number;
};

export type GuardedQuote = Quote | { kind: 'paused'; after: QuoteFailure };

export type GuardedProvider = {
  readonly name: string;
  /** As the provider's, but `paused` (with the failure that led to it) while the breaker is open. Never rejects. */
  quote(symbol: string, signal: AbortSignal): Promise<GuardedQuote>;
  close(): void;
};

class Failure extends Error {
  readonly reason: QuoteFailure;
  constructor(reason: QuoteFailure) {
    super(reason);
    this.reason = reason;
  }
}

// Failures are counted over a minute: long enough for the few requests a chat makes, short enough to forgive.
const windowMs = 60_000;

export function guardProvider(provider: QuoteProvider, { minimumRequests, pauseMs }: BreakerOptions): GuardedProvider {
  let last: QuoteFailure = 'broken';
  const breaker = new CircuitBreaker(
    async (symbol: string, signal: AbortSignal): Promise<Quote> => {
      const quote = await provider.quote(symbol, signal);
      if (quote.kind === 'failed') throw new Failure(quote.reason);
      return quote;
    },
    {
      // Each provider has its own deadline and aborts its request; opossum's would only stop waiting for it.
      timeout: false,
      resetTimeout: pauseMs,
      volumeThreshold: minimumRequests,
      errorThresholdPercentage: 50,
      rollingCountTimeout: windowMs,
      rollingPercentilesEnabled: false,
      errorFilter: (error: unknown) => error instanceof Failure && error.reason === 'stopped',
    },
  );
  return {
    name: provider.name,
    async quote(symbol, signal) {
      try {
        return await breaker.fire(symbol, signal);
      } catch (error) {
        if (error instanceof Error && CircuitBreaker.isOurError(error)) {
          return breaker.isShutdown ? { kind: 'failed', reason: 'stopped' } : { kind: 'paused', after: last };
        }
        const reason = error instanceof Failure ? error.reason : 'broken';
        if (reason !== 'stopped') last = reason;
        if (asksForPause(reason)) breaker.open();
        return { kind: 'failed', reason };
      }
    },
    close: () => breaker.shutdown(),
  };
}
