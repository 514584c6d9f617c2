/** From single runs to one figure each, and a table that fits a terminal. */
import type { IdleResult, LoadResult } from './plan.ts';

export type ContestantReport = {
  name: string;
  meaning: string;
  /** The run in the middle, by deliveries a second. */
  middle: LoadResult;
  runs: LoadResult[];
  idle: IdleResult | undefined;
  /** By baseline of the same session: deliveries a second, and CPU for each delivery, as multiples of its. */
  ratios: Record<string, { deliveries: number; cpu: number | undefined }>;
};

export function middleRun(runs: readonly LoadResult[]): LoadResult {
  const sorted = [...runs].sort((a, b) => a.deliveriesPerSecond - b.deliveriesPerSecond);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error('There are no runs to report.');
  return middle;
}

export function addRatios(reports: readonly ContestantReport[]): void {
  for (const report of reports) {
    for (const other of reports) {
      if (other === report || other.name === 'finchat') continue;
      const [own, base] = [report.middle, other.middle];
      report.ratios[other.name] = {
        deliveries: own.deliveriesPerSecond / base.deliveriesPerSecond,
        cpu: own.serverCpuPerMillion && base.serverCpuPerMillion && own.serverCpuPerMillion / base.serverCpuPerMillion,
      };
    }
  }
}

export function table(reports: readonly ContestantReport[]): string {
  const head = [
    '',
    'deliveries/s',
    'messages/s',
    'p50 ms',
    'p99 ms',
    'CPU s/million',
    'server CPU',
    'generator CPU',
    'lost',
  ];
  const rows = reports.map(({ name, middle }) => [
    name,
    whole(middle.deliveriesPerSecond),
    whole(middle.messagesPerSecond),
    middle.latencyMs.p50.toFixed(2),
    middle.latencyMs.p99.toFixed(2),
    middle.serverCpuPerMillion?.toFixed(2) ?? '-',
    percent(middle.serverCpuShare),
    `${percent(middle.generatorCpuShare)}${middle.generatorWasLimit ? ' (limit)' : ''}`,
    whole(middle.lost),
  ]);
  const helpers = [...new Set(reports.flatMap(({ middle }) => Object.keys(middle.helperCpuPerMessageUs)))];
  const costRows = reports.map(({ name, middle, idle }) => [
    name,
    (middle.nodeCpuPerMessageUs ?? []).map(whole).join(' + '),
    ...helpers.map((helper) => whole(middle.helperCpuPerMessageUs[helper] ?? 0)),
    ...(idle === undefined ? [] : [whole(idle.serverCpuPerConnectUs ?? 0)]),
    ...(idle === undefined ? [] : helpers.map((helper) => whole(idle.helperCpuPerConnectUs[helper] ?? 0))),
  ]);
  const idleRows = reports.flatMap(({ name, idle }) =>
    idle === undefined
      ? []
      : [[name, whole(idle.connections), whole(idle.connectsPerSecond), idle.rssPerConnectionKb?.toFixed(1) ?? '-']],
  );
  const parts = [align([head, ...rows])];
  if (idleRows.length > 0) parts.push(align([['', 'idle', 'connects/s', 'KB each'], ...idleRows]));
  if (helpers.length > 0) {
    const connects = reports.some(({ idle }) => idle !== undefined) ? ['nodes', ...helpers] : [];
    const costHead = ['CPU µs', ...['nodes', ...helpers].map((each) => `${each}/message`)];
    parts.push(align([[...costHead, ...connects.map((each) => `${each}/connect`)], ...costRows]));
  }
  const lines = reports.flatMap(notes);
  if (lines.length > 0) parts.push(lines.join('\n'));
  return parts.join('\n\n');
}

function notes({ name, runs, ratios }: ContestantReport): string[] {
  const lines: string[] = [];
  for (const [other, { deliveries, cpu }] of Object.entries(ratios)) {
    const cost = cpu === undefined ? '' : `, ${cpu.toFixed(2)} × its CPU for each`;
    lines.push(`${name}: ${deliveries.toFixed(2)} × the deliveries of ${other}${cost}`);
  }
  for (const [index, run] of runs.entries()) {
    const errors = Object.entries(run.errors).map(([code, count]) => `${count} × ${code}`);
    if (run.fault !== undefined) lines.push(`${name}, run ${index + 1}: ended early, ${run.fault}`);
    if (errors.length > 0) lines.push(`${name}, run ${index + 1}: ${errors.join(', ')}`);
  }
  return lines;
}

export function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return rows.map(line).join('\n');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${Math.round(share * 100)} %`;
}
