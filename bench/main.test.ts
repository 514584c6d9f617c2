import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { makeFolder } from '../test/support/services.ts';
import type { ScenarioReport } from './report.ts';

const program = fileURLToPath(new URL('main.js', import.meta.url));
const run = promisify(execFile);

test('contestants take turns; tables have medians, ratios and the machine, and so has the JSON', async (t) => {
  const folder = await makeFolder('bench-test');
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'not', 'there', 'result.json');
  const load = ['--quick', '--seconds=1', '--repeat=2', '--members=6', '--only=finchat,ws-send'];
  const { stdout, stderr } = await run(process.execPath, [program, ...load, `--json=${file}`]);
  const runs = stderr.split('\n').filter((line) => line.startsWith('bench: custom'));
  t.deepEqual(runs, [
    'bench: custom, finchat, run 1 of 2',
    'bench: custom, ws-send, run 1 of 2',
    'bench: custom, finchat, run 2 of 2',
    'bench: custom, ws-send, run 2 of 2',
  ]);
  t.regex(stderr, /\nfinchat +[\d.,]+ /);
  t.regex(stderr, /\nfinchat \/ ws-send +[\d.]+ /);
  t.regex(stderr, /cores, .*, Node v.*, load before/);
  const { machine, scenarios } = JSON.parse(stdout) as { machine: { cores: number }; scenarios: ScenarioReport[] };
  t.true(machine.cores > 0);
  const [custom] = scenarios;
  t.deepEqual(
    custom?.contestants.map(({ name, runs }) => [name, runs.length]),
    [
      ['finchat', 2],
      ['ws-send', 2],
    ],
  );
  for (const { name, medians } of custom?.contestants ?? []) t.true((medians['deliveries/s'] ?? 0) > 0, name);
  t.true((custom?.ratios['finchat / ws-send']?.['deliveries/s'] ?? 0) > 0);
  t.deepEqual(JSON.parse(await readFile(file, 'utf8')), JSON.parse(stdout));
});

test('what cannot be measured is refused with a sentence, before anything is started', async (t) => {
  for (const [option, words] of [
    ['--only=nobody', '--only must name some of '],
    ['--json=/dev/null/result.json', '--json must name a file that can be written: '],
  ] as const) {
    const { code, stderr } = await t.throwsAsync<Error & { code: number; stderr: string }>(
      run(process.execPath, [program, option]),
    );
    t.is(code, 1);
    t.true(stderr.includes(`bench: ${words}`), stderr);
    t.false(stderr.includes('run 1 of'));
  }
});
