/**
 * npm run bench: starts each contestant in turn, has the generator drive it, prints a table and one JSON object.
 * It measures and judges nothing: figures of one machine and one session are compared with each other only.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../test/support/postgres.ts';
import { startRedis } from '../test/support/redis.ts';
import type { Service } from '../test/support/services.ts';
import { baselinesOf, type Contestant, createBaseline, createFinchat, type RunningServer } from './contestants.ts';
import { runCosts } from './costs.ts';
import { help, type Options, readOptions } from './options.ts';
import type { Answer, Helper, IdleResult, LoadResult, Plan, Result } from './plan.ts';
import { generatorCore, isPinned, startNode, stopAll } from './processes.ts';
import { addRatios, type ContestantReport, middleRun, table } from './report.ts';

const warmUpMs = 2_000;
const settleMs = 2_000;
const stallMs = 5_000;
// Beside the measured time: opening, joining, draining, each with deadlines of its own.
const patienceMs = 120_000;

function startGenerator(plan: Plan, deadlineMs: number): Promise<Result> {
  const script = fileURLToPath(new URL('./generator.js', import.meta.url));
  const child = startNode(generatorCore, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise<Result>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`The generator was not done within ${deadlineMs} ms.`));
      child.kill('SIGKILL');
    }, deadlineMs);
    child.once('message', (answer: Answer) => {
      if ('result' in answer) resolve(answer.result);
      else reject(new Error(answer.failure));
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`The generator ended with ${code} and no result.`));
    });
    child.send(plan);
  });
}

async function withServer<T>(contestant: Contestant, use: (server: RunningServer) => Promise<T>): Promise<T> {
  const server = await contestant.start();
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

async function measureLoad(contestant: Contestant, options: Options, helpers: Helper[]): Promise<LoadResult> {
  const { transport, members, rooms, window, rate, size, seconds } = options;
  return withServer(contestant, async (server) => {
    const tokens = await contestant.tokens(server, members);
    const names = await contestant.rooms(rooms);
    const result = await startGenerator(
      {
        kind: 'load',
        transport,
        nodes: server.nodes,
        helpers,
        // Each room's members are on all nodes.
        members: tokens.map((token, index) => ({
          token,
          room: names[index % names.length] ?? '',
          node: Math.floor(index / names.length) % server.nodes.length,
        })),
        window,
        rate,
        size,
        warmUpMs,
        measureMs: seconds * 1000,
        stallMs,
      },
      warmUpMs + seconds * 1000 + patienceMs,
    );
    return result as LoadResult;
  });
}

async function measureIdle(contestant: Contestant, options: Options, helpers: Helper[]): Promise<IdleResult> {
  // Accounts are made on another run of the server: what making them costs in memory is not a connection's.
  await withServer(contestant, (server) => contestant.tokens(server, options.idle));
  return withServer(contestant, async (server) => {
    const tokens = await contestant.tokens(server, options.idle);
    const { transport } = options;
    const plan: Plan = { kind: 'idle', transport, nodes: server.nodes, helpers, tokens, settleMs };
    return (await startGenerator(plan, patienceMs)) as IdleResult;
  });
}

async function measureAll(
  contestants: readonly Contestant[],
  options: Options,
  helpers: Helper[],
): Promise<ContestantReport[]> {
  const runs = new Map<Contestant, LoadResult[]>(contestants.map((contestant) => [contestant, []]));
  // In turns, so that a machine that grows slower or faster meanwhile treats all alike.
  for (let round = 1; round <= options.repeat; round += 1) {
    for (const [contestant, results] of runs) {
      console.error(`bench: ${contestant.name}, run ${round} of ${options.repeat}`);
      results.push(await measureLoad(contestant, options, helpers));
    }
  }
  const reports: ContestantReport[] = [];
  for (const [contestant, results] of runs) {
    if (options.idle > 0) console.error(`bench: ${contestant.name}, ${options.idle} idle connections`);
    const idle = options.idle > 0 ? await measureIdle(contestant, options, helpers) : undefined;
    const { name, meaning } = contestant;
    reports.push({ name, meaning, middle: middleRun(results), runs: results, idle, ratios: {} });
  }
  addRatios(reports);
  return reports;
}

/** Starts what they need, and adds it to `started`. */
async function findContestants(
  options: Options,
  folder: string,
  started: Service[],
): Promise<{ all: Contestant[]; helpers: Helper[] }> {
  const helpers: Helper[] = [];
  let databaseUrl = `sqlite://${folder}/bench.sqlite`;
  if (options.database === 'postgres') {
    // Commits wait for the disk, as a real server's do; for tests they need not.
    const postgres = await startPostgres(['fsync=on']);
    started.push(postgres);
    helpers.push({ name: 'PostgreSQL', pid: postgres.pid });
    databaseUrl = postgres.url;
  }
  const alone = createFinchat(databaseUrl, folder);
  if (options.nodes === undefined)
    return { all: [...baselinesOf(options.transport).map(createBaseline), alone], helpers };
  const redis = await startRedis();
  started.push(redis);
  helpers.push({ name: 'Redis', pid: redis.pid });
  const sizes = [...new Set([1, options.nodes])];
  const clusters = sizes.map((nodes) => createFinchat(databaseUrl, folder, { nodes, redisUrl: redis.url }));
  return { all: [alone, ...clusters], helpers };
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(help);
    return;
  }
  if (options.costs) {
    await runCosts(options.quick);
    return;
  }
  const load = loadavg()[0] ?? 0;
  const folder = await mkdtemp(join(tmpdir(), 'finchat-bench-'));
  const started: Service[] = [];
  try {
    const { all, helpers } = await findContestants(options, folder, started);
    const chosen = all.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
    if (chosen.length === 0) throw new Error(`--only must name some of ${all.map(({ name }) => name).join(', ')}.`);
    const contestants = await measureAll(chosen, options, helpers);
    const cores = cpus().length;
    const machine = { node: process.version, cpu: cpus()[0]?.model ?? '?', cores, pinned: isPinned, load };
    const json = JSON.stringify({ machine, options, contestants }, undefined, 2);
    if (options.json !== undefined) await writeFile(options.json, `${json}\n`);
    console.log(json);
    console.error(`\n${table(contestants)}`);
    if (load > cores / 2) {
      console.error(
        `\nThe machine was busy before the start (load ${load.toFixed(1)} on ${cores} cores): trust CPU s/million only.`,
      );
    }
  } finally {
    for (const service of started) await service.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

// What waits for a child fails then, and cleans up on its way out.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopAll);

try {
  await main();
} catch (error) {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
