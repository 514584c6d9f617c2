/** Runs scenarios one after the other, in each the contestants in turns, and prints what came of it. */
import { mkdir, open, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, type } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Contestant } from './contestant.ts';
import { type Contestants, createContestants, whyNot } from './contestants.ts';
import { measure, type Prepared, prepare, type Times } from './measure.ts';
import type { Measured } from './measured.ts';
import { databaseCore, isPinned, isStopped } from './processes.ts';
import { groupText, reportScenario, type ScenarioReport, scenarioText } from './report.ts';
import type { Scenario } from './scenarios.ts';
import { openWorld } from './world.ts';

export type SuiteOptions = Times & {
  scenarios: readonly Scenario[];
  repeat: number;
  /** A folder for CPU profiles of the servers that are measured. */
  profile: string | undefined;
  json: string | undefined;
};

/**
 * The tables go to standard error as they come, the JSON to standard output at the end. Resolves whether all runs went
 * well.
 */
export async function runSuite(options: SuiteOptions): Promise<boolean> {
  if (options.profile !== undefined) await mkdir(options.profile, { recursive: true });
  if (options.json !== undefined) await makeWritable(options.json);
  const machine = describeMachine();
  const line = machineLine(machine);
  console.error(`bench: ${line}`);
  const isCluster = options.scenarios.some(({ contestants }) =>
    contestants.some((name) => name.startsWith('cluster-')),
  );
  // The nodes of a cluster are on all cores already.
  const world = await openWorld(isCluster ? undefined : databaseCore);
  try {
    const all = { known: createContestants(world), prepared: new Map() };
    const reports: ScenarioReport[] = [];
    for (const scenario of options.scenarios) {
      const report = await runScenario(scenario, all, options);
      reports.push(report);
      console.error(`\n${scenarioText(report)}\n`);
    }
    const groups = new Set(reports.flatMap(({ group }) => (group === undefined ? [] : [group])));
    for (const group of groups) console.error(`${groupText(group, reports)}\n`);
    const json = JSON.stringify({ machine, options, scenarios: reports }, undefined, 2);
    console.log(json);
    if (options.json !== undefined) await writeFile(options.json, `${json}\n`);
    console.error(line);
    return reports.every(({ contestants }) => contestants.every(({ runs }) => !runs.includes(undefined)));
  } finally {
    await world.close();
  }
}

/** Half an hour later would be too late to hear that it is not. What is there stays until then. */
async function makeWritable(file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await (await open(file, 'a')).close();
  } catch (error) {
    throw new Error(`--json must name a file that can be written: ${(error as Error).message}.`, { cause: error });
  }
}

async function runScenario(
  scenario: Scenario,
  { known, prepared }: { known: Contestants; prepared: Prepared },
  options: SuiteOptions,
): Promise<ScenarioReport> {
  const missing = scenario.contestants.map((name) => [name, whyNot(name)] as const);
  const leftOut = missing.flatMap(([name, why]) => (why === undefined ? [] : [`${name}, ${why}`]));
  const runs = new Map<Contestant, Measured[]>();
  for (const [name, why] of missing) if (why === undefined) runs.set(await known.get(name), []);
  // In turns, so that a machine that grows slower or faster meanwhile treats all alike.
  for (let round = 1; round <= options.repeat; round += 1) {
    for (const [contestant, done] of runs) {
      console.error(`bench: ${scenario.name}, ${contestant.name}, run ${round} of ${options.repeat}`);
      const profile =
        options.profile && resolve(options.profile, `${scenario.name}-${contestant.name}-${round}.cpuprofile`);
      const measured = await attempt(async () => {
        await prepare(scenario, contestant, prepared);
        return measure(scenario, contestant, options, profile);
      });
      done.push(measured);
    }
  }
  const all = [...runs].map(([{ name, meaning }, done]) => ({ name, meaning, runs: done }));
  return reportScenario(scenario, all, leftOut);
}

/** One run that fails must not cost all the others. */
async function attempt(run: () => Promise<Measured>): Promise<Measured> {
  try {
    return await run();
  } catch (error) {
    if (isStopped()) throw error;
    const note = `failed: ${error instanceof Error ? error.message : String(error)}`;
    return { figures: {}, counts: {}, notes: [note], result: undefined };
  }
}

type Machine = { cpu: string; cores: number; system: string; node: string; pinned: boolean; load: number };

function describeMachine(): Machine {
  const all = cpus();
  const system = `${type()} ${release()}`;
  const load = loadavg()[0] ?? 0;
  return { cpu: all[0]?.model ?? '?', cores: all.length, system, node: process.version, pinned: isPinned, load };
}

function machineLine({ cpu, cores, system, node, pinned, load }: Machine): string {
  const where = pinned ? 'server and generator on cores of their own' : 'nobody pinned to a core';
  const busy = load > cores / 2 ? ' (busy: trust CPU and ratios only)' : '';
  return `${cpu}, ${cores} cores, ${system}, Node ${node}, ${where}, load before ${load.toFixed(1)}${busy}`;
}
