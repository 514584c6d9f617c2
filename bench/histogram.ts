/** Times in buckets that each are one per cent wide: bounded memory, quantiles exact to that one per cent. */
import type { Latency } from './plan.ts';

const width = Math.log(1.01);
// From one microsecond to about seven minutes.
const buckets = 2000;

export type Histogram = { add(ms: number): void; summary(): Latency };

export function createHistogram(): Histogram {
  const counts = new Uint32Array(buckets);
  let samples = 0;
  let max = 0;
  const quantile = (share: number): number => {
    let left = Math.ceil(samples * share);
    for (const [bucket, count] of counts.entries()) {
      left -= count;
      if (left <= 0) return Math.exp((bucket + 0.5) * width) / 1000;
    }
    return max;
  };
  return {
    add: (ms) => {
      samples += 1;
      if (ms > max) max = ms;
      const bucket = Math.floor(Math.log(Math.max(ms * 1000, 1)) / width);
      const index = Math.min(bucket, buckets - 1);
      counts[index] = (counts[index] ?? 0) + 1;
    },
    summary: () => ({ p50: samples === 0 ? 0 : quantile(0.5), p99: samples === 0 ? 0 : quantile(0.99), max, samples }),
  };
}
