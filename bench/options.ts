/** The bench's command line. */
import { parseArgs } from 'node:util';
import { type Transport, transports } from './plan.ts';

export type Options = {
  transport: Transport;
  members: number;
  rooms: number;
  window: number;
  rate: number | undefined;
  seconds: number;
  repeat: number;
  size: number;
  idle: number;
  /** Of a cluster, beside finchat alone; undefined: no cluster. */
  nodes: number | undefined;
  database: 'sqlite' | 'postgres';
  only: string[];
  /** Instead of loads: what nodes of a cluster cost each other. */
  costs: boolean;
  json: string | undefined;
  quick: boolean;
};

export const help = `Measures finchat beside what a bare server of the same transport can do, on this machine's loopback.

  npm run bench -- [options]

  --transport T   websocket, sse or poll (websocket)
  --members N     members of all rooms together (200)
  --rooms N       rooms they are spread over (1)
  --window N      messages in flight per room (8)
  --rate N        instead of the window: messages a second in all, on schedule
  --seconds N     measured time of one run (10)
  --repeat N      runs of each contestant, in turns; the middle one counts (3)
  --size N        characters of a message (64)
  --idle N        idle connections, or waiting polls, to weigh; 0 leaves it out (1000)
  --database D    sqlite or postgres (sqlite)
  --nodes N       the same load on finchat alone and on clusters of 1 and N nodes, on PostgreSQL;
                  members are spread over the nodes
  --only A,B      contestants (all): finchat, with --nodes cluster-1, cluster-2 and so on, and of the
                  transport's own ws-broadcast, ws-joined, sse-broadcast, sse-joined, poll-joined
  --json FILE     writes the result there too
  --quick         one short run: 50 members, 2 seconds, 200 idle connections
  --costs         instead: what each thing costs that nodes of a cluster do for each other (with --quick: a look)
`;

/** @throws Error with a sentence when an option has a fault. Undefined: help was asked for. */
export function readOptions(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      transport: text,
      members: text,
      rooms: text,
      window: text,
      rate: text,
      seconds: text,
      repeat: text,
      size: text,
      idle: text,
      database: text,
      nodes: text,
      only: text,
      json: text,
      costs: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { quick } = values;
  const number = (
    name: 'members' | 'rooms' | 'window' | 'rate' | 'seconds' | 'repeat' | 'size' | 'idle' | 'nodes',
    bounds: Bounds,
  ) => wholeNumber(name, values[name], bounds);
  const nodes = values.nodes === undefined ? undefined : number('nodes', { min: 1, max: 16, standard: 1 });
  const database = values.database ?? (nodes === undefined ? 'sqlite' : 'postgres');
  if (nodes !== undefined && database === 'sqlite') throw new Error('--nodes must go with --database postgres.');
  if (database !== 'sqlite' && database !== 'postgres') throw new Error('--database must be sqlite or postgres.');
  const transport = transports.find((known) => known === (values.transport ?? 'websocket'));
  if (transport === undefined) throw new Error(`--transport must be one of ${transports.join(', ')}.`);
  const options: Options = {
    transport,
    members: number('members', { min: 1, max: 10_000, standard: quick ? 50 : 200 }),
    rooms: number('rooms', { min: 1, max: 1000, standard: 1 }),
    window: number('window', { min: 1, max: 10_000, standard: 8 }),
    rate: values.rate === undefined ? undefined : number('rate', { min: 1, max: 100_000, standard: 1 }),
    seconds: number('seconds', { min: 1, max: 600, standard: quick ? 2 : 10 }),
    repeat: number('repeat', { min: 1, max: 20, standard: quick ? 1 : 3 }),
    // The first twelve characters of a body are its number.
    size: number('size', { min: 12, max: 4096, standard: 64 }),
    idle: number('idle', { min: 0, max: 20_000, standard: quick ? 200 : 1000 }),
    nodes,
    database,
    only: (values.only ?? '').split(',').filter((name) => name !== ''),
    json: values.json,
    quick,
    costs: values.costs,
  };
  if (options.rooms > options.members) throw new Error('--rooms must not be more than --members.');
  return options;
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
