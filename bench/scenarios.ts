/**
 * What `npm run bench` measures: each scenario's load, who takes part, and the ratios that it is about. A kind of
 * scenario that is not here yet is a further member of `Scenario`, and a further case in `measure.ts`.
 */
import { growth } from './growth.ts';
import type { Transport } from './plan.ts';

/** One contestant's figure, a median, held against another's in the same scenario. Figures by the names of the table. */
export type RatioTarget = { of: string; to: string; figure: string } & (
  | { atLeast: number }
  | { atMost: number }
  /** A difference, not a ratio. */
  | { atMostMore: number }
);
/** The figure itself. */
export type BoundTarget = { of: string; figure: string; below: number };
export type Target = RatioTarget | BoundTarget;

type Shape = {
  name: string;
  what: string;
  transport: Transport;
  /** Of all rooms together, or idle connections. */
  members: number;
  contestants: readonly string[];
  targets: readonly Target[];
  /** Scenarios that are one table; they run only when they are named. */
  group?: string;
  /** Present: `--quick` runs it, with fewer contestants. */
  quick?: { contestants: readonly string[]; members?: number; what?: string };
};

export type LoadScenario = Shape & {
  kind: 'load';
  rooms: number;
  /** Messages in flight in each room. */
  window: number;
  /** Instead of the window: messages a second in all, on schedule. */
  rate?: number;
  /** So many of the members say something; left out: all. */
  senders?: number;
  /** Characters of a message. */
  size: number;
};
export type IdleScenario = Shape & { kind: 'idle' };
/** All of them join one room at once. */
export type JoinsScenario = Shape & { kind: 'joins'; rooms: 1; history: number };
/** Sessions that can be resumed come back: see `ReturnsPlan`. */
export type ReturnsScenario = Shape & {
  kind: 'returns';
  rooms: number;
  /** Messages a second in all. */
  rate: number;
  seconds: number;
  cutMs?: { from: number; to: number };
  /** Without `cutMs`: how the server is stopped before it starts again; politely, unless it says otherwise. */
  signal?: NodeJS.Signals;
};
/** One member joins, reads back and searches where so many messages are stored. */
export type HistoryScenario = Shape & { kind: 'history'; rooms: 1; messages: number };
/** From nothing to ready, on a database of its own. `messages`: stored before the last start. */
export type StartScenario = Shape & { kind: 'start'; messages: number };
export type Scenario = LoadScenario | IdleScenario | JoinsScenario | ReturnsScenario | HistoryScenario | StartScenario;

// With the fields around it a message is some 200 bytes.
export const usualSize = 64;
const load = { kind: 'load', transport: 'websocket', rooms: 1, window: 8, size: usualSize } as const;
const deliveries = { of: 'finchat', figure: 'deliveries/s' } as const;

const others = ['ws-joined', 'ws-stored', 'ws-broadcast', 'ws-send', 'socket.io', 'nchan'] as const;
const saturation: readonly Target[] = [
  { ...deliveries, to: 'ws-joined', atLeast: 0.8 },
  { ...deliveries, to: 'ws-broadcast', atLeast: 5 },
  { ...deliveries, to: 'socket.io', atLeast: 8 },
  { ...deliveries, to: 'nchan', atLeast: 5 },
  { ...deliveries, of: 'finchat-postgres', to: 'ws-joined', atLeast: 0.4 },
];

export const scenarios: readonly Scenario[] = [
  {
    ...load,
    name: 'room-200',
    what: '1 room of 200, 8 messages in flight',
    members: 200,
    contestants: ['finchat', 'finchat-postgres', ...others],
    targets: saturation,
    quick: { contestants: ['finchat', 'ws-joined', 'ws-broadcast', 'socket.io'] },
  },
  {
    ...load,
    name: 'room-200-deep',
    what: '1 room of 200, 64 messages in flight',
    members: 200,
    window: 64,
    contestants: ['finchat', 'ws-joined', 'ws-broadcast', 'socket.io', 'nchan'],
    // uWebSockets is not in the npm registry. Where it could be measured it reached 0.45 of ws-joined.
    targets: [{ ...deliveries, to: 'ws-joined', atLeast: 0.46 }],
  },
  {
    ...load,
    name: 'room-1000',
    what: '1 room of 1,000, 8 messages in flight',
    members: 1_000,
    contestants: ['finchat', 'finchat-postgres', ...others],
    targets: saturation,
  },
  {
    ...load,
    name: 'rooms-100x10',
    what: '100 rooms of 10, 1 message in flight in each',
    members: 1_000,
    rooms: 100,
    // More would let a room's messages share a turn: here each delivery is to be a system call of its own.
    window: 1,
    contestants: ['finchat', ...others],
    targets: [
      { ...deliveries, to: 'ws-broadcast', atLeast: 0.85 },
      { ...deliveries, to: 'socket.io', atLeast: 1.5 },
    ],
    quick: { contestants: ['finchat', 'ws-broadcast', 'socket.io'] },
  },
  {
    ...load,
    name: 'steady-1000',
    what: '1 room of 1,000, 50 messages a second on schedule',
    members: 1_000,
    rate: 50,
    contestants: ['finchat', ...others],
    targets: [
      { of: 'finchat', to: 'ws-broadcast', figure: 'CPU s/million', atMost: 1.1 },
      { of: 'finchat', to: 'ws-broadcast', figure: 'p99 ms', atMost: 1.25 },
    ],
    quick: { contestants: ['finchat', 'ws-broadcast'] },
  },
  {
    ...load,
    name: 'sse-200',
    what: 'event streams: 1 room of 200, 8 messages in flight',
    transport: 'sse',
    members: 200,
    contestants: ['finchat', 'sse-joined', 'sse-broadcast', 'nchan-sse'],
    targets: [
      { ...deliveries, to: 'sse-joined', atLeast: 0.8 },
      { ...deliveries, to: 'nchan-sse', atLeast: 4 },
    ],
    quick: { contestants: ['finchat', 'sse-joined'] },
  },
  {
    ...load,
    name: 'poll-200',
    what: 'long-poll: 1 room of 200, 8 messages in flight',
    transport: 'poll',
    members: 200,
    contestants: ['finchat', 'poll-joined', 'poll-broadcast', 'nchan-poll'],
    targets: [
      { ...deliveries, to: 'poll-joined', atLeast: 0.8 },
      { ...deliveries, to: 'nchan-poll', atLeast: 2 },
    ],
    quick: { contestants: ['finchat', 'poll-joined'] },
  },
  {
    kind: 'idle',
    name: 'idle',
    what: '10,000 connections that do nothing',
    transport: 'websocket',
    members: 10_000,
    contestants: ['finchat', 'finchat-resumable', 'ws-send', 'socket.io', 'nchan'],
    targets: [
      { of: 'finchat', to: 'ws-send', figure: 'KB each', atMost: 1.2 },
      { of: 'finchat', to: 'ws-send', figure: 'connects/s', atLeast: 0.6 },
      { of: 'finchat-resumable', to: 'finchat', figure: 'KB each', atMostMore: 2 },
    ],
    quick: { contestants: ['finchat', 'ws-send'], members: 1_000, what: '1,000 connections that do nothing' },
  },
  {
    kind: 'joins',
    name: 'joins-1000',
    what: '1,000 members join one room at once, with 50 messages of history',
    transport: 'websocket',
    members: 1_000,
    rooms: 1,
    history: 50,
    contestants: ['finchat', 'finchat-postgres'],
    targets: [],
  },
  {
    kind: 'returns',
    name: 'restart-5000',
    what: 'a restart under 5,000 sessions in rooms of 50, 100 messages a second in all',
    transport: 'websocket',
    members: 5_000,
    rooms: 100,
    rate: 100,
    seconds: 15,
    contestants: ['finchat', 'finchat-postgres'],
    targets: [{ of: 'finchat', figure: 'back p95 s', below: 5 }],
  },
  {
    kind: 'returns',
    name: 'killed-5000',
    what: 'the same, killed without a chance to say goodbye',
    transport: 'websocket',
    members: 5_000,
    rooms: 100,
    rate: 100,
    seconds: 15,
    signal: 'SIGKILL',
    contestants: ['finchat', 'finchat-postgres'],
    targets: [{ of: 'finchat', figure: 'back p95 s', below: 5 }],
  },
  {
    kind: 'returns',
    name: 'cuts-10000',
    what: '10,000 sessions in rooms of 50, each cut every 2 to 20 s for a minute, 200 messages a second in all',
    transport: 'websocket',
    members: 10_000,
    rooms: 200,
    rate: 200,
    seconds: 60,
    cutMs: { from: 2_000, to: 20_000 },
    contestants: ['finchat'],
    targets: [{ of: 'finchat', figure: 'p99 ms', below: 4_000 }],
  },
  {
    kind: 'start',
    name: 'start',
    what: 'from the start of the process until it is ready; full: with 100,000 stored messages',
    messages: 100_000,
    transport: 'websocket',
    members: 0,
    contestants: ['finchat'],
    targets: [
      { of: 'finchat', figure: 'fresh ms', below: 1_000 },
      { of: 'finchat', figure: 'full ms', below: 1_000 },
    ],
    quick: { contestants: ['finchat'] },
  },
  ...growth,
];
