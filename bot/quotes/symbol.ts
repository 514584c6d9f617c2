/** Stock symbols, as people type them. Nothing else ever becomes part of a provider's URL. */

// Longer than any symbol of stooq or Yahoo (options and futures included), short enough for a sentence.
const maxLength = 21;
// Letters and digits of ASCII, ^ for indices (^SPX), . for markets, - for share classes, = for currencies (EURUSD=X).
const form = /^[A-Za-z0-9^][A-Za-z0-9^.=_-]*$/;

/** The symbol trimmed and in upper case, or undefined when the text is none. Checked before raising: some letters grow into ASCII. */
export function readSymbol(text: string): string | undefined {
  const symbol = text.trim();
  return symbol.length <= maxLength && form.test(symbol) ? symbol.toUpperCase() : undefined;
}
