/**
 * npm run bench -- --costs: what each thing costs that nodes of a cluster do for each other, in CPU of the nodes, of
 * PostgreSQL and of Redis. docs/SCALING.md reckons with these figures.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../test/support/postgres.ts';
import { startRedis } from '../test/support/redis.ts';
import type { Service } from '../test/support/services.ts';
import { measureBus } from './costs-bus.ts';
import { measureCluster } from './costs-cluster.ts';
import { measureStore } from './costs-store.ts';
import { cpuBetween, perEach, readCpu } from './cpu.ts';
import type { Helper, ServerNode } from './plan.ts';
import { isPinned } from './processes.ts';
import { align } from './report.ts';

/** Microseconds of CPU for each `each`, by process; `ms`: how long one took from begin to end, where that means something. */
export type Cost = { what: string; each: string; cpuUs: Record<string, number>; ms?: number };

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

/** Measures everything; about three minutes, or one. */
export async function runCosts(isQuick: boolean): Promise<void> {
  const load = loadavg()[0] ?? 0;
  const folder = await mkdtemp(join(tmpdir(), 'finchat-bench-'));
  const started: Service[] = [];
  try {
    const postgres = await startPostgres(['fsync=on']);
    started.push(postgres);
    const redis = await startRedis();
    started.push(redis);
    const world: CostWorld = {
      databaseUrl: postgres.url,
      redisUrl: redis.url,
      helpers: { postgres: { name: 'PostgreSQL', pid: postgres.pid }, redis: { name: 'Redis', pid: redis.pid } },
      folder,
      isQuick,
      note: (what) => console.error(`bench: ${what}`),
    };
    const costs = [...(await measureBus(world)), ...(await measureCluster(world)), ...(await measureStore(world))];
    const cores = cpus().length;
    const machine = { node: process.version, cpu: cpus()[0]?.model ?? '?', cores, pinned: isPinned, load };
    console.log(JSON.stringify({ machine, costs }, undefined, 2));
    console.error(`\n${costTable(costs)}`);
    console.error(`\nMicroseconds of CPU for each. Load before: ${load.toFixed(1)} on ${cores} cores.`);
  } finally {
    for (const service of started) await service.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function costTable(costs: readonly Cost[]): string {
  const names = [...new Set(costs.flatMap(({ cpuUs }) => Object.keys(cpuUs)))];
  const rows = costs.map(({ what, each, cpuUs, ms }) => [
    what,
    each,
    ...names.map((name) => (cpuUs[name] === undefined ? '' : cpuUs[name].toFixed(cpuUs[name] < 20 ? 1 : 0))),
    ms === undefined ? '' : ms.toFixed(1),
  ]);
  return align([['', 'each', ...names, 'ms'], ...rows]);
}
