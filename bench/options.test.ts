import test from 'ava';
import { readOptions } from './options.ts';
import type { Scenario } from './scenarios.ts';
import { scenarios } from './scenarios.ts';
import type { SuiteOptions } from './suite.ts';

function read(...args: string[]): SuiteOptions {
  const options = readOptions(args);
  if (options === 'help' || 'costs' in options) throw new Error('These are options of a suite.');
  return options;
}

const names = (all: readonly Scenario[]): string[] => all.map(({ name }) => name);

test('without options every scenario runs that stands alone, three times for each contestant', (t) => {
  const { scenarios: chosen, repeat } = read();
  t.deepEqual(names(chosen), names(scenarios.filter(({ group }) => group === undefined)));
  t.is(repeat, 3);
});

test('a quick run has the scenarios that say how they are quick, with fewer contestants', (t) => {
  const { scenarios: chosen, repeat } = read('--quick');
  t.deepEqual(names(chosen), names(scenarios.filter(({ quick }) => quick !== undefined)));
  t.is(repeat, 1);
  for (const { name, contestants, quick } of chosen) t.deepEqual(contestants, quick?.contestants, name);
  const idle = chosen.find(({ name }) => name === 'idle');
  t.is(idle?.what, `${idle?.members.toLocaleString('en-US')} connections that do nothing`);
});

test('scenarios are chosen by name, also such as are not in a quick run', (t) => {
  t.deepEqual(names(read('--scenario=room-1000,idle').scenarios), ['room-1000', 'idle']);
  t.deepEqual(names(read('--quick', '--scenario=room-1000').scenarios), ['room-1000']);
  t.throws(() => read('--scenario=room-1'), { message: /^--scenario must name/ });
});

test('the steps of a table are chosen together, one by one, and with the other tables', (t) => {
  const steps = names(read('--scenario=growth-members').scenarios);
  t.true(steps.length > 1 && steps.every((name) => name.startsWith('growth-members-')));
  t.deepEqual(names(read('--scenario=growth-members-10,idle').scenarios), ['idle', 'growth-members-10']);
  t.deepEqual(names(read('--scenario=growth').scenarios), names(scenarios.filter(({ group }) => group !== undefined)));
});

test('herds have the size that is asked for, and their rooms keep theirs', (t) => {
  const [joins, restart] = read('--scenario=joins-1000,restart-5000', '--herd=100').scenarios;
  t.like(joins, { members: 100, rooms: 1 });
  t.like(restart, { members: 100, rooms: 2 });
  t.regex(joins?.what ?? '', /; here 100$/);
});

test('contestants are chosen by name or its beginning, and scenarios without one are left out', (t) => {
  const { scenarios: chosen } = read('--only=sse,ws-j', '--scenario=sse-200,room-200,poll-200');
  t.deepEqual(
    chosen.map(({ name, contestants }) => [name, contestants]),
    [
      ['room-200', ['ws-joined']],
      ['sse-200', ['sse-joined', 'sse-broadcast']],
    ],
  );
  const [room] = read('--only=finchat', '--scenario=room-200').scenarios;
  t.deepEqual(room?.contestants, ['finchat']);
  t.throws(() => read('--only=nobody'), { message: /^--only must name/ });
});

test('a load of one’s own takes the place of the scenarios', (t) => {
  const [load, idle, ...others] = read('--transport=sse', '--members=60', '--rooms=3', '--idle=40').scenarios;
  t.like(load, { kind: 'load', transport: 'sse', members: 60, rooms: 3, window: 8 });
  t.deepEqual(load?.contestants, ['finchat', 'sse-broadcast', 'sse-joined', 'nchan-sse']);
  t.like(idle, { kind: 'idle', transport: 'sse', members: 40 });
  t.deepEqual(others, []);
  t.throws(() => read('--members=60', '--scenario=room-200'), { message: /^--scenario must not/ });
});

test('clusters run beside finchat alone, on PostgreSQL', (t) => {
  const [load] = read('--nodes=2', '--rate=300').scenarios;
  t.like(load, { rate: 300 });
  t.deepEqual(load?.contestants, ['finchat-postgres', 'cluster-1', 'cluster-2']);
  t.throws(() => read('--nodes=2', '--database=sqlite'), { message: /^--nodes must go with/ });
});

test('options out of bounds are refused with a sentence', (t) => {
  t.is(readOptions(['--help']), 'help');
  t.deepEqual(readOptions(['--costs', '--quick']), { costs: true });
  const wrong = [
    '--members=0',
    '--members=many',
    '--rooms=300',
    '--size=11',
    '--database=mysql',
    '--seconds=1e3',
    '--transport=smoke',
    '--nodes=0',
    '--nodes=17',
  ];
  for (const option of wrong) t.throws(() => readOptions([option]), { message: /^--.* must/ }, option);
  t.throws(() => readOptions(['--speed=9']));
  t.throws(() => readOptions(['--costs', '--json=x']), { message: /^--costs must not/ });
});
