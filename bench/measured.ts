/** What is kept of a run, and what is said of the generator's part in it. */
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

/** CPU of both for the same work, in the same unit; what the system does not tell is not judged. */
export function generatorNotes(wasLimit: boolean, own: number | undefined, server: number | undefined): string[] {
  if (wasLimit) return ['the generator had no time left: the server might do more'];
  if (own === undefined || server === undefined || own <= server) return [];
  return ['the generator cost more than the server'];
}
