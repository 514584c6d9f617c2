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
import type { Cost, CostWorld } from './cost.ts';
import { measureBus } from './costs-bus.ts';
import { measureCluster } from './costs-cluster.ts';
import { measureStore } from './costs-store.ts';
import { isPinned } from './processes.ts';
import { align } from './report.ts';

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
  const rows = costs.map(({ what, each, cpuUs, ms, redisBytes }) => [
    what,
    each,
    ...names.map((name) => (cpuUs[name] === undefined ? '' : cpuUs[name].toFixed(cpuUs[name] < 20 ? 1 : 0))),
    ms === undefined ? '' : ms.toFixed(1),
    redisBytes === undefined ? '' : redisBytes.toFixed(0),
  ]);
  return align([['', 'each', ...names, 'ms', 'bytes to Redis'], ...rows]);
}
