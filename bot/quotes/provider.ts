/**
 * What a quote provider is. Outcomes are data, not exceptions, because the chain has to tell people why there is no
 * quote. A provider knows one source and nothing of caches, breakers, other providers or the chat.
 */

export interface QuoteProvider {
  /** Lower case, as in FINBOT_QUOTES; shown to people. */
  readonly name: string;
  /**
   * Asks the source once. `symbol` has passed `readSymbol`. Never rejects, keeps its own deadline, and stops early
   * when `signal` aborts (`stopped`).
   */
  quote(symbol: string, signal: AbortSignal): Promise<Quote>;
}

export type Quote =
  /** `price` is finite; its currency is whatever the source quotes the symbol in. */
  { kind: 'found'; price: number } | { kind: 'unknown-symbol' } | { kind: 'failed'; reason: QuoteFailure };

/** Every way in which a source can fail, as the clause that people read after the provider's name. */
export const quoteFailures = {
  'daily-limit': 'has reached its daily limit',
  challenge: 'answered with a page that only a browser can pass',
  throttled: 'asked for fewer requests',
  refused: 'refused the request',
  gone: 'no longer answers at this address',
  'server-error': 'has trouble of its own',
  redirected: 'sent us elsewhere',
  timeout: 'did not answer in time',
  unreachable: 'could not be reached',
  'cut-off': 'broke off in the middle of its answer',
  'too-large': 'sent far too much',
  garbled: 'sent an answer that makes no sense',
  unreadable: 'has a file that cannot be read',
  stopped: 'was not waited for, because the bot is stopping',
  broken: 'failed in an unexpected way',
} as const;
export type QuoteFailure = keyof typeof quoteFailures;

/** Failures that will not pass within seconds and that the source asks us to respect: it is left alone at once. */
export function asksForPause(reason: QuoteFailure): boolean {
  return reason === 'daily-limit' || reason === 'challenge' || reason === 'throttled';
}
