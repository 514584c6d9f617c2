/** From single runs to medians, ratios and targets of a scenario, and tables that fit a terminal. Judges by the numbers alone. */
import type { Measured } from './measured.ts';
import type { RunResult } from './plan.ts';
import type { RatioTarget, Scenario, Target } from './scenarios.ts';

/** The runs of one contestant, in the order in which they were made. */
export type Runs = { name: string; meaning: string; runs: readonly Measured[] };

export type ContestantReport = {
  name: string;
  meaning: string;
  medians: Record<string, number | undefined>;
  counts: Record<string, number>;
  notes: string[];
  /** Undefined: a run that failed. */
  runs: (RunResult | undefined)[];
};

export type TargetReport = Target & { value: number | undefined; isReached: boolean };

export type ScenarioReport = {
  name: string;
  group: string | undefined;
  what: string;
  contestants: ContestantReport[];
  /** Of finchat to each of the others, by contestant and figure. */
  ratios: Record<string, Record<string, number>>;
  targets: TargetReport[];
  /** Who could not take part, and why. */
  leftOut: string[];
};

export function reportScenario(scenario: Scenario, all: readonly Runs[], leftOut: string[]): ScenarioReport {
  const find = (name: string): Runs | undefined => all.find((each) => each.name === name);
  const ratios: ScenarioReport['ratios'] = {};
  for (const own of all.filter(({ name }) => name.startsWith('finchat') || name.startsWith('cluster'))) {
    for (const other of all) {
      if (other === own) continue;
      ratios[`${own.name} / ${other.name}`] = Object.fromEntries(
        comparedFigures[scenario.kind].flatMap((figure) => {
          const value = compare(own, other, figure, (a, b) => a / b);
          return value === undefined ? [] : [[figure, value]];
        }),
      );
    }
  }
  const targets = scenario.targets.flatMap((target): TargetReport[] => {
    const own = find(target.of);
    if ('below' in target) {
      const value = own && median(own.runs.map(({ figures }) => figures[target.figure]));
      return own === undefined ? [] : [{ ...target, value, isReached: value !== undefined && value < target.below }];
    }
    const other = find(target.to);
    if (own === undefined || other === undefined) return [];
    const isRatio = !('atMostMore' in target);
    const value = compare(own, other, target.figure, (a, b) => (isRatio ? a / b : a - b));
    return [{ ...target, value, isReached: value !== undefined && isWithin(target, value) }];
  });
  const { name, what, group } = scenario;
  return { name, group, what, contestants: all.map(summarize), ratios, targets, leftOut };
}

/** What ratios are reckoned of. */
const comparedFigures: Readonly<Record<Scenario['kind'], readonly string[]>> = {
  load: ['deliveries/s', 'CPU s/million', 'p50 ms', 'p99 ms'],
  idle: ['connects/s', 'KB each', 'CPU µs/connect'],
  joins: ['told s', 'CPU s'],
  returns: ['p99 ms', 'CPU s'],
  history: ['join ms', 'page ms', 'old page ms', 'search ms'],
  start: [],
};

/**
 * The median over the rounds, each round's two runs compared with each other: they were made one soon after the other, so
 * a machine that changes its speed meanwhile spoils less.
 */
function compare(own: Runs, other: Runs, figure: string, how: (a: number, b: number) => number): number | undefined {
  const rounds = own.runs.map(({ figures }, round) => {
    const [a, b] = [figures[figure], other.runs[round]?.figures[figure]];
    return a === undefined || b === undefined ? undefined : how(a, b);
  });
  return median(rounds);
}

function isWithin(target: RatioTarget, value: number): boolean {
  if ('atLeast' in target) return value >= target.atLeast;
  return value <= ('atMost' in target ? target.atMost : target.atMostMore);
}

function summarize({ name, meaning, runs }: Runs): ContestantReport {
  const heads = [...new Set(runs.flatMap(({ figures }) => Object.keys(figures)))];
  const counts: Record<string, number> = {};
  for (const run of runs) {
    for (const [head, count] of Object.entries(run.counts)) counts[head] = (counts[head] ?? 0) + count;
  }
  return {
    name,
    meaning,
    medians: Object.fromEntries(heads.map((head) => [head, median(runs.map(({ figures }) => figures[head]))])),
    counts,
    notes: runs.flatMap(({ notes }, index) => notes.map((note) => `run ${index + 1}: ${note}`)),
    runs: runs.map(({ result }) => result),
  };
}

/** The one in the middle, of an even number the mean of the two; undefined where there is nothing to count. */
export function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

export function scenarioText({ name, what, contestants, ratios, targets, leftOut }: ScenarioReport): string {
  const heads = [...new Set(contestants.flatMap(({ medians }) => Object.keys(medians)))];
  const counts = [...new Set(contestants.flatMap((each) => Object.keys(each.counts)))];
  const rows = contestants.map((each) => [
    each.name,
    ...heads.map((head) => show(each.medians[head])),
    ...counts.map((head) => show(each.counts[head])),
  ]);
  const compared = [...new Set(Object.values(ratios).flatMap((each) => Object.keys(each)))];
  const ratioRows = Object.entries(ratios).map(([pair, each]) => [pair, ...compared.map((head) => show(each[head]))]);
  const lines = [
    ...targets.map(targetLine),
    ...contestants.flatMap((each) => each.notes.map((note) => `${each.name}, ${note}`)),
    ...leftOut.map((why) => `left out: ${why}`),
  ];
  const parts = [`${name}: ${what}`, align([['', ...heads, ...counts], ...rows])];
  if (ratioRows.length > 0) parts.push(align([['', ...compared], ...ratioRows]));
  if (lines.length > 0) parts.push(lines.join('\n'));
  return parts.join('\n\n');
}

/** Scenarios that are steps of one table: a line for each contestant and step. */
export function groupText(group: string, all: readonly ScenarioReport[]): string {
  const steps = all.filter((report) => report.group === group);
  const lines = steps.flatMap(({ name, contestants }) => contestants.map((each) => ({ step: name, ...each })));
  lines.sort((a, b) => a.name.localeCompare(b.name));
  const heads = [...new Set(lines.flatMap(({ medians }) => Object.keys(medians)))];
  const rows = lines.map(({ step, name, medians }) => [
    `${step}, ${name}`,
    ...heads.map((head) => show(medians[head])),
  ]);
  return align([[group, ...heads], ...rows]);
}

function targetLine({ value, isReached, ...target }: TargetReport): string {
  const { of, figure } = target;
  const found = `${show(value)}, ${isReached ? 'reached' : 'missed'}`;
  if ('below' in target) return `target: ${of}, ${figure}, below ${target.below}: ${found}`;
  const { to } = target;
  if ('atMostMore' in target) return `target: ${of}, ${figure}, at most ${target.atMostMore} more than ${to}: ${found}`;
  const bound = 'atLeast' in target ? `at least ${target.atLeast}` : `at most ${target.atMost}`;
  return `target: ${of}, ${figure}, ${bound} × ${to}: ${found}`;
}

export function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return rows.map(line).join('\n');
}

/** Three or more digits, no decimals that mean nothing. */
function show(value: number | undefined): string {
  if (value === undefined) return '-';
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}
