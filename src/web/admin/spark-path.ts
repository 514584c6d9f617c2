/** A line through the values, oldest on the left, in a box of 100 by 24 with a little air above and below. */
export function sparkPath(values: readonly number[]): string {
  const least = Math.min(...values);
  const span = Math.max(...values) - least;
  const step = values.length > 1 ? 100 / (values.length - 1) : 0;
  const points = values.map((value, at) => {
    const y = span === 0 ? 22 : 22 - (20 * (value - least)) / span;
    return `${(at * step).toFixed(2)} ${y.toFixed(2)}`;
  });
  return `M${points.join('L')}`;
}
