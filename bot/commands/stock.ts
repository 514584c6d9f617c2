/** `/stock=aapl.us`: the quote of a stock, or one sentence that says why there is none. */
import type { Handler } from '../command.ts';
import type { QuoteChain, Try } from '../quotes/chain.ts';
import { formatPrice } from '../quotes/price.ts';
import { quoteFailures } from '../quotes/provider.ts';
import { readSymbol } from '../quotes/symbol.ts';

export function createStockHandler(quotes: Pick<QuoteChain, 'quote'>): Handler {
  return async ({ payload }) => {
    const symbol = readSymbol(payload);
    // The payload is not repeated: it could say anything in the bot's name.
    if (symbol === undefined) {
      return 'That is no stock symbol. Symbols have up to 21 letters, digits and . - _ ^ = only: try /stock=aapl.us';
    }
    const answer = await quotes.quote(symbol);
    if (answer.kind === 'found') return `${symbol} quote is $${formatPrice(answer.price)} per share`;
    const tries = answer.tries;
    if (tries.every(({ outcome }) => outcome.kind === 'unknown-symbol')) {
      return `${symbol} is an unknown symbol: ${join(tries.map(({ provider }) => provider))} ${tries.length === 1 ? 'does' : 'do'} not know it.`;
    }
    return `No quote for ${symbol} can be had right now: ${join(tries.map(clause))}.`;
  };
}

function clause({ provider, outcome }: Try): string {
  if (outcome.kind === 'unknown-symbol') return `${provider} does not know the symbol`;
  if (outcome.kind === 'failed') return `${provider} ${quoteFailures[outcome.reason]}`;
  return `${provider} ${quoteFailures[outcome.after]} and is left alone for a moment`;
}

/** "a", "a and b", "a, b and c". */
function join(parts: readonly string[]): string {
  const last = parts.at(-1) ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} and ${last}`;
}
