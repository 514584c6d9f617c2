/** What the bench and its load generator, a process of its own, say to each other. Plain data: it travels as JSON. */
import type { JoinsPlan, JoinsResult, ReturnsPlan, ReturnsResult, StartResult } from './herd-plan.ts';
import type { HistoryResult } from './history.ts';

export const transports = ['websocket', 'sse', 'poll'] as const;
export type Transport = (typeof transports)[number];

/** What the generator's clients speak: a transport as finchat has it, or another server's own way. */
export type Wire = Transport | 'websocket-resumable' | 'socket.io' | 'nchan-websocket' | 'nchan-sse' | 'nchan-poll';

/** `node`: to which of the nodes the member connects. `isListener`: it sends nothing. */
export type Member = { token: string; room: string; node: number; isListener?: boolean };

/** A server process that clients connect to. */
export type ServerNode = { port: number; pid: number };
/** What the servers work with: its CPU is measured, with that of its children. */
export type Helper = { name: string; pid: number };

export type LoadPlan = {
  kind: 'load';
  transport: Wire;
  nodes: ServerNode[];
  helpers: Helper[];
  members: Member[];
  /** Closed loop: messages in flight per room; a message is in flight until its sender has it. */
  window: number;
  /** Open loop instead: messages a second in all, sent on schedule whatever comes back. */
  rate: number | undefined;
  /** Characters of a message's body. */
  size: number;
  warmUpMs: number;
  measureMs: number;
  /** After so long without a delivery, nothing more is expected. */
  stallMs: number;
};

export type IdlePlan = {
  kind: 'idle';
  transport: Wire;
  nodes: ServerNode[];
  helpers: Helper[];
  /** The first is opened on the first node, the next on the next, and so on. */
  tokens: string[];
  settleMs: number;
  /** Whether the nodes collect their garbage on SIGUSR2, which is done before their memory is read. */
  collects: boolean;
};

export type Plan = LoadPlan | IdlePlan | JoinsPlan | ReturnsPlan;

export type Latency = { p50: number; p99: number; max: number; samples: number };

export type LoadResult = {
  kind: 'load';
  /** Seconds that were measured. */
  seconds: number;
  messagesPerSecond: number;
  deliveriesPerSecond: number;
  /** Milliseconds: from the scheduled send (open loop) or the send (closed loop) to the arrival at a sample of the members. */
  latencyMs: Latency;
  /** Of all nodes together. Undefined where the system does not tell (no /proc). */
  serverCpuShare: number | undefined;
  serverCpuPerMillion: number | undefined;
  serverRssMb: number | undefined;
  /** Microseconds of CPU for each message that its sender saw: of each node, and of each helper by its name. */
  nodeCpuPerMessageUs: number[] | undefined;
  helperCpuPerMessageUs: Record<string, number>;
  generatorCpuShare: number;
  generatorCpuPerMillion: number | undefined;
  /** Its event loop had no time left, whoever took it: the server might do more. */
  generatorWasLimit: boolean;
  /** Over the whole run, warm-up included. */
  sent: number;
  delivered: number;
  /** Deliveries that were due and never came; below zero: there were more than were due. */
  lost: number;
  /** Error messages by code. */
  errors: Record<string, number>;
  failedConnections: number;
  /** Why the run ended before its time. */
  fault: string | undefined;
};

export type IdleResult = {
  kind: 'idle';
  connections: number;
  failedConnections: number;
  connectsPerSecond: number;
  /** Microseconds of CPU for each connect: of all nodes together, and of each helper by its name. */
  serverCpuPerConnectUs: number | undefined;
  helperCpuPerConnectUs: Record<string, number>;
  generatorCpuPerConnectUs: number | undefined;
  /** As in a load: the server might take more connects. */
  generatorWasLimit: boolean;
  /** Kilobytes of the server's resident memory for each. */
  rssPerConnectionKb: number | undefined;
};

export type Result = LoadResult | IdleResult | JoinsResult | ReturnsResult;
/** What the bench keeps of a run, whoever has measured it. */
export type RunResult = Result | StartResult | HistoryResult;
/** `ask`: the generator goes on when the server was stopped and started again, and it was told of it as a `ServerNode`. */
export type Answer = { result: Result } | { failure: string } | { ask: 'restart' };
