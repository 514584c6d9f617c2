import test from 'ava';
import type { Measured } from './measured.ts';
import { groupText, median, reportScenario, scenarioText } from './report.ts';
import { type IdleScenario, scenarios } from './scenarios.ts';

const scenario: IdleScenario = {
  kind: 'idle',
  name: 'resting',
  what: 'nothing happens',
  transport: 'websocket',
  members: 10,
  contestants: ['finchat', 'bare', 'absent'],
  targets: [
    { of: 'finchat', to: 'bare', figure: 'connects/s', atLeast: 0.6 },
    { of: 'finchat', to: 'bare', figure: 'KB each', atMost: 1.2 },
    { of: 'finchat', to: 'bare', figure: 'KB each', atMostMore: 3 },
    { of: 'finchat', to: 'absent', figure: 'KB each', atMost: 1 },
  ],
};

function run(connects: number, kb: number | undefined, failed = 0, notes: string[] = []): Measured {
  const result = {
    kind: 'idle',
    connections: 10,
    failedConnections: failed,
    connectsPerSecond: connects,
    serverCpuPerConnectUs: undefined,
    helperCpuPerConnectUs: {},
    generatorCpuPerConnectUs: undefined,
    generatorWasLimit: false,
    rssPerConnectionKb: kb,
  } as const;
  return { figures: { 'connects/s': connects, 'KB each': kb }, counts: { failed }, notes, result };
}

const finchat = { name: 'finchat', meaning: '', runs: [run(50, 14), run(300, 12), run(90, 13, 2, ['a note'])] };
const bare = { name: 'bare', meaning: '', runs: [run(100, 10), run(200, 10), run(100, 10)] };

test('the median of an even number is the mean of the two in the middle, of nothing it is nothing', (t) => {
  t.is(median([5, 1, undefined, 3]), 3);
  t.is(median([4, 1, 2, 9]), 3);
  t.is(median([undefined]), undefined);
});

test('figures are medians, counts are sums', (t) => {
  const [own] = reportScenario(scenario, [finchat, bare], []).contestants;
  t.deepEqual(own?.medians, { 'connects/s': 90, 'KB each': 13 });
  t.deepEqual(own?.counts, { failed: 2 });
  t.deepEqual(own?.notes, ['run 3: a note']);
});

test('a ratio is the median of the rounds, each within itself', (t) => {
  const { ratios } = reportScenario(scenario, [finchat, bare], []);
  t.deepEqual(ratios, { 'finchat / bare': { 'connects/s': 0.9, 'KB each': 1.3 } });
});

test('targets say whether they are reached, and are left out with their contestants', (t) => {
  const { targets } = reportScenario(scenario, [finchat, bare], []);
  t.deepEqual(
    targets.map(({ value, isReached }) => [value, isReached]),
    [
      [0.9, true],
      [1.3, false],
      [3, true],
    ],
  );
});

test('a target whose figure the system does not tell is not reached', (t) => {
  const blind = { ...finchat, runs: [run(100, undefined)] };
  const { targets } = reportScenario(scenario, [blind, bare], []);
  t.deepEqual(
    targets.map(({ isReached }) => isReached),
    [true, false, false],
  );
});

test('a run that failed takes nothing from the others', (t) => {
  const failed: Measured = { figures: {}, counts: {}, notes: ['failed: it did not start'], result: undefined };
  const { contestants, ratios } = reportScenario(scenario, [{ ...finchat, runs: [failed, run(80, 20)] }, bare], []);
  t.deepEqual(contestants[0]?.medians, { 'connects/s': 80, 'KB each': 20 });
  t.deepEqual(ratios, { 'finchat / bare': { 'connects/s': 0.4, 'KB each': 2 } });
});

test('the text has every figure, note, target and absence', (t) => {
  const text = scenarioText(reportScenario(scenario, [finchat, bare], ['absent, not installed']));
  t.regex(text, /^resting: nothing happens\n/);
  t.regex(text, /finchat +90 +13 +2\n/);
  t.regex(text, /finchat, run 3: a note/);
  t.regex(text, /target: finchat, KB each, at most 1.2 × bare: 1.30, missed/);
  t.regex(text, /target: finchat, KB each, at most 3 more than bare: 3, reached/);
  t.regex(text, /left out: absent, not installed/);
});

test('the steps of a table are its lines', (t) => {
  const step = (name: string): ReturnType<typeof reportScenario> =>
    reportScenario({ ...scenario, name, group: 'growing' }, [finchat], []);
  const alone = reportScenario(scenario, [bare], []);
  const lines = groupText('growing', [step('growing-1'), alone, step('growing-10')]).split('\n');
  t.regex(lines[0] ?? '', /^growing +connects\/s +KB each$/);
  t.regex(lines[1] ?? '', /^growing-1, finchat +90 +13$/);
  t.regex(lines[2] ?? '', /^growing-10, finchat +90 +13$/);
  t.is(lines.length, 3);
});

test('every target of the scenarios is about contestants that take part', (t) => {
  for (const { name, contestants, targets, quick } of scenarios) {
    for (const target of targets) {
      t.true(contestants.includes(target.of), name);
      if ('to' in target) t.true(contestants.includes(target.to), name);
    }
    for (const each of quick?.contestants ?? []) t.true(contestants.includes(each), name);
  }
});
