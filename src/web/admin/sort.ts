/** The order of a table's rows, where all of them are at hand. */

export type SortValue = string | number;
export type Direction = 'ascending' | 'descending';

const words = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** A copy; what is equal keeps its order. An empty text is last whichever way: what has no value is of no interest. */
export function sorted<Item>(
  items: readonly Item[],
  valueOf: (item: Item) => SortValue,
  direction: Direction,
): readonly Item[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return items.toSorted((one, other) => {
    const [a, b] = [valueOf(one), valueOf(other)];
    if (a === '' || b === '') return Number(a === '') - Number(b === '');
    return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : words.compare(String(a), String(b)));
  });
}
