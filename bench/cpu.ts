/** CPU of the processes that are measured, between two moments. */
import type { Helper, ServerNode } from './plan.ts';
import { cpuSeconds, treeCpuSeconds } from './process-stat.ts';

/** Seconds since each process began. `nodes` undefined: the system does not tell. */
export type Cpu = { nodes: number[] | undefined; helpers: Record<string, number> };

export function readCpu({ nodes, helpers }: { nodes: readonly ServerNode[]; helpers: readonly Helper[] }): Cpu {
  const each = nodes.map(({ pid }) => cpuSeconds(pid));
  return {
    nodes: each.every((seconds) => seconds !== undefined) ? each : undefined,
    helpers: Object.fromEntries(helpers.map(({ name, pid }) => [name, treeCpuSeconds(pid) ?? 0])),
  };
}

export function cpuBetween(before: Cpu, after: Cpu): Cpu {
  return {
    nodes: after.nodes?.map((seconds, index) => seconds - (before.nodes?.[index] ?? 0)),
    helpers: Object.fromEntries(
      Object.entries(after.helpers).map(([name, seconds]) => [name, seconds - (before.helpers[name] ?? 0)]),
    ),
  };
}

// Above this share of the time the generator's event loop is in the way.
const limitShare = 0.9;

/** Of this process, since the watch began. `wasLimit`: its event loop had no time left, whoever took it. */
export type Own = { seconds: number; wasLimit: boolean };

export function watchOwn(): () => Own {
  const cpu = process.cpuUsage();
  const loop = performance.eventLoopUtilization();
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    const wasLimit = performance.eventLoopUtilization(loop).utilization > limitShare;
    return { seconds: (user + system) / 1e6, wasLimit };
  };
}

/** Microseconds for each of `count`. */
export function perEach(seconds: Record<string, number>, count: number): Record<string, number> {
  return Object.fromEntries(Object.entries(seconds).map(([name, value]) => [name, (value / count) * 1e6]));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
