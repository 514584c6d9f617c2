/** What one thing costs: the CPU that each process spent on it. */
import { cpuBetween, perEach, readCpu } from './cpu.ts';
import type { Helper, ServerNode } from './plan.ts';

/**
 * Microseconds of CPU for each `each`, by process; `ms`: how long one took from begin to end, `redisBytes`: what Redis was
 * given to carry, where that means something.
 */
export type Cost = { what: string; each: string; cpuUs: Record<string, number>; ms?: number; redisBytes?: number };

/** What all measurements work with. */
export type CostWorld = {
  databaseUrl: string;
  redisUrl: string;
  helpers: { postgres: Helper; redis: Helper };
  /** A working directory without an `.env`. */
  folder: string;
  /** Measures less of each: a look. */
  isQuick: boolean;
  note: (what: string) => void;
};

/** Processes by their names in the table. */
export type Watched = { nodes: readonly (ServerNode & { name: string })[]; helpers: readonly Helper[] };

/** CPU a second that passes by itself: ticks, leases, looks at the changes. */
export type Idle = Record<string, number>;

/** Runs `work`, which does `count` things, and reckons what each cost beyond what passes by itself. */
export async function costOf(
  watched: Watched,
  count: number,
  work: () => Promise<unknown>,
  idle: Idle = {},
): Promise<{ cpuUs: Record<string, number>; seconds: number }> {
  const before = readCpu(watched);
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const { nodes = [], helpers } = cpuBetween(before, readCpu(watched));
  const spent: Record<string, number> = { ...helpers };
  for (const [index, { name }] of watched.nodes.entries()) spent[name] = nodes[index] ?? 0;
  for (const [name, perSecond] of Object.entries(idle)) {
    if (spent[name] !== undefined) spent[name] = Math.max(0, spent[name] - perSecond * seconds);
  }
  return { cpuUs: perEach(spent, count), seconds };
}
