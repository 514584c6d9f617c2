/** The bench's command line: what it makes of it is a list of scenarios. */
import { parseArgs } from 'node:util';
import { namesFor, whyNot } from './contestants.ts';
import { transports } from './plan.ts';
import { type IdleScenario, type LoadScenario, type Scenario, scenarios, usualSize } from './scenarios.ts';
import type { SuiteOptions } from './suite.ts';

export const help: string = `Measures finchat beside others on this machine's loopback, each scenario with contestants in turns.

  npm run bench                           all scenarios, three runs of each contestant
  npm run bench -- --quick                the most telling ones, one short run of each: about a minute
  npm run bench -- --scenario A,B         some of them:
${scenarios
  .filter(({ group }) => group === undefined)
  .map(({ name, what }) => `                    ${name.padEnd(16)}${what}`)
  .join('\n')}
                    growth          how cost grows: with members, rooms, history and senders, also one by one
                                    (growth-members and so on); only when it is named
  npm run bench -- --costs                instead: what each thing costs that nodes of a cluster do for each other
                                          (with --quick: a look)

  --herd N        clients of the scenarios in which many do the same at once (theirs)
  --only A,B      contestants, by name or its beginning (all)
  --seconds N     measured time of one run (5; with --quick 2)
  --repeat N      runs of each contestant, in turns; medians count (3; with --quick or --profile 1)
  --json FILE     writes the result there too
  --profile DIR   Node's CPU profile of each measured server, as files for the developer tools of a browser.
                  It costs speed: such figures are for nothing else

One load of your own instead of the scenarios, by any of:

  --transport T   websocket, sse or poll (websocket)
  --members N     members of all rooms together (200)
  --rooms N       rooms they are spread over (1)
  --window N      messages in flight per room (8)
  --rate N        instead of the window: messages a second in all, on schedule
  --size N        characters of a message (${usualSize})
  --idle N        then so many idle connections, or waiting polls, to weigh (0)
  --database D    finchat on sqlite or postgres (sqlite)
  --nodes N       instead of the contestants: finchat alone and clusters of 1 and N nodes, on PostgreSQL;
                  members are spread over the nodes
`;

const scenarioNames = [...new Set(['growth', ...scenarios.map(({ name, group }) => group ?? name)])];

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const shapeOptions = {
  transport: text,
  members: text,
  rooms: text,
  window: text,
  rate: text,
  size: text,
  idle: text,
  database: text,
  nodes: text,
} as const;
type Given = { [K in keyof typeof shapeOptions]: string | undefined };

/** @throws Error with a sentence when an option has a fault. `costs`: whether a look is enough. */
export function readOptions(args: readonly string[]): SuiteOptions | { costs: boolean } | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...shapeOptions,
      scenario: text,
      herd: text,
      only: text,
      seconds: text,
      repeat: text,
      json: text,
      profile: text,
      costs: flag,
      quick: flag,
      help: { ...flag, short: 'h' },
    },
  });
  if (values.help) return 'help';
  const { quick, costs, profile, json } = values;
  if (costs) {
    const others = Object.entries(values).filter(([name, value]) => name !== 'costs' && name !== 'quick' && value);
    if (others.length > 0) throw new Error('--costs must not go with other options than --quick.');
    return { costs: quick };
  }
  const isCustom = Object.keys(shapeOptions).some((name) => values[name as keyof Given] !== undefined);
  if (isCustom && values.scenario !== undefined) throw new Error('--scenario must not go with a load of your own.');
  const all = isCustom ? customScenarios(values as Given) : chooseScenarios(values.scenario, quick);
  return {
    scenarios: chooseContestants(sizeHerds(all, values.herd), values.only),
    seconds: wholeNumber('seconds', values.seconds, { min: 1, max: 600, standard: quick ? 2 : 5 }),
    // Until the compiler is done with what is hot.
    warmUpMs: quick ? 1_000 : 2_000,
    settleMs: quick ? 1_000 : 2_000,
    repeat: wholeNumber('repeat', values.repeat, {
      min: 1,
      max: 20,
      standard: quick || profile !== undefined ? 1 : 3,
    }),
    profile,
    json,
  };
}

function chooseScenarios(names: string | undefined, quick: boolean): Scenario[] {
  const chosen = list(names);
  for (const wanted of chosen) {
    if (!scenarios.some(({ name, group }) => name === wanted || isOf(group, wanted)))
      throw new Error(`--scenario must name some of ${scenarioNames.join(', ')}.`);
  }
  const isChosen = ({ name, group }: Scenario): boolean =>
    chosen.length === 0 ? group === undefined : chosen.some((wanted) => name === wanted || isOf(group, wanted));
  const found = scenarios.filter(isChosen);
  if (!quick) return [...found];
  return found.flatMap((scenario) => {
    if (scenario.quick !== undefined) return [{ ...scenario, ...scenario.quick }];
    return chosen.length === 0 ? [] : [scenario];
  });
}

/** `growth` means all groups that begin so. */
function isOf(group: string | undefined, wanted: string): boolean {
  return group === wanted || group?.startsWith(`${wanted}-`) === true;
}

/** Rooms keep their size. */
function sizeHerds(all: readonly Scenario[], given: string | undefined): Scenario[] {
  if (given === undefined) return [...all];
  const members = wholeNumber('herd', given, { min: 2, max: 20_000, standard: 0 });
  return all.map((scenario) => {
    const sized = { members, what: `${scenario.what}; here ${members}` };
    if (scenario.kind === 'joins') return { ...scenario, ...sized };
    if (scenario.kind !== 'returns') return scenario;
    return { ...scenario, ...sized, rooms: Math.ceil((scenario.rooms * members) / scenario.members) };
  });
}

function chooseContestants(all: readonly Scenario[], only: string | undefined): Scenario[] {
  const chosen = list(only);
  if (chosen.length === 0) return [...all];
  const known = [...new Set(all.flatMap(({ contestants }) => contestants))];
  // A whole name means that one alone, the beginning of some all of them.
  const isChosen = (name: string): boolean =>
    chosen.some((each) => (known.includes(each) ? name === each : name.startsWith(each)));
  const names = known.filter(isChosen);
  if (names.length === 0) throw new Error(`--only must name some of ${known.join(', ')}.`);
  const missing = names.find((name) => whyNot(name) !== undefined);
  if (missing !== undefined) throw new Error(`${missing} cannot run: ${whyNot(missing)}.`);
  return all
    .map((scenario) => ({ ...scenario, contestants: scenario.contestants.filter(isChosen) }))
    .filter(({ contestants }) => contestants.length > 0);
}

/** One load, and idle connections where some were asked for. */
function customScenarios(given: Given): Scenario[] {
  const number = (name: 'members' | 'rooms' | 'window' | 'rate' | 'size' | 'idle' | 'nodes', bounds: Bounds): number =>
    wholeNumber(name, given[name], bounds);
  const transport = transports.find((known) => known === (given.transport ?? 'websocket'));
  if (transport === undefined) throw new Error(`--transport must be one of ${transports.join(', ')}.`);
  const members = number('members', { min: 1, max: 10_000, standard: 200 });
  const rooms = number('rooms', { min: 1, max: 1000, standard: 1 });
  if (rooms > members) throw new Error('--rooms must not be more than --members.');
  const contestants = customContestants(given, namesFor(transport));
  const load: LoadScenario = {
    kind: 'load',
    name: 'custom',
    what: 'a load of your own',
    transport,
    members,
    rooms,
    window: number('window', { min: 1, max: 10_000, standard: 8 }),
    ...(given.rate !== undefined && { rate: number('rate', { min: 1, max: 100_000, standard: 1 }) }),
    // The first twelve characters of a body are its number.
    size: number('size', { min: 12, max: 4096, standard: usualSize }),
    contestants,
    targets: [],
  };
  const connections = number('idle', { min: 0, max: 20_000, standard: 0 });
  if (connections === 0) return [load];
  const what = `${connections} connections that do nothing`;
  const idle: IdleScenario = {
    kind: 'idle',
    name: 'custom-idle',
    what,
    transport,
    members: connections,
    contestants,
    targets: [],
  };
  return [load, idle];
}

function customContestants({ database, nodes }: Given, names: readonly string[]): string[] {
  const known = database ?? (nodes === undefined ? 'sqlite' : 'postgres');
  if (known !== 'sqlite' && known !== 'postgres') throw new Error('--database must be sqlite or postgres.');
  if (nodes !== undefined) {
    if (known === 'sqlite') throw new Error('--nodes must go with --database postgres.');
    const most = wholeNumber('nodes', nodes, { min: 1, max: 16, standard: 1 });
    return ['finchat-postgres', ...new Set(['cluster-1', `cluster-${most}`])];
  }
  const finchat = known === 'sqlite' ? 'finchat' : 'finchat-postgres';
  return names.filter((name) => !name.startsWith('finchat') || name === finchat);
}

function list(names: string | undefined): string[] {
  return (names ?? '').split(',').filter((name) => name !== '');
}

type Bounds = { min: number; max: number; standard: number };

function wholeNumber(name: string, given: string | undefined, { min, max, standard }: Bounds): number {
  if (given === undefined) return standard;
  const value = Number(given);
  if (!/^\d+$/.test(given) || value < min || value > max) {
    throw new Error(`--${name} must be a whole number from ${min} to ${max}.`);
  }
  return value;
}
