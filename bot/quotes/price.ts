/** Prices as people read them. */

/** At least two decimals; below 1 as many as four significant digits need, at most eight (a penny stock is not $0.00). No thousands separators. */
export function formatPrice(price: number): string {
  const size = Math.abs(price);
  if (size >= 1 || size === 0) return price.toFixed(2);
  const decimals = Math.min(8, 3 - Math.floor(Math.log10(size)));
  return price.toFixed(decimals).replace(/(\.\d{2,}?)0+$/, '$1');
}

/** Whether a source's number can be a price. Negative ones exist (oil futures in April 2020); beyond 10^12 it is a mistake. */
export function isPrice(value: number): boolean {
  return Number.isFinite(value) && Math.abs(value) < 1e12;
}
