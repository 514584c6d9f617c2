import type { RunResult } from './plan.ts';

/** What one run says. The names of figures and counts are the heads of the table. */
export type Measured = {
  /** Of several runs the median counts. */
  figures: Record<string, number | undefined>;
  /** Of several runs the sum counts. */
  counts: Record<string, number>;
  /** What must be known to read them. */
  notes: string[];
  /** Undefined: the run failed, and a note says why. */
  result: RunResult | undefined;
};
