/** Plans and results of herds: many clients that do the same at one moment. Plain data: it travels as JSON. */
import type { Latency, ServerNode } from './plan.ts';

/** Everybody joins one room at once. */
export type JoinsPlan = {
  kind: 'joins';
  node: ServerNode;
  tokens: string[];
  room: string;
  /** Messages in the room before: each newcomer gets the newest of them. */
  history: number;
  /** After so long without a word, nothing more is expected. */
  stallMs: number;
};

export type JoinsResult = {
  kind: 'joins';
  /** Milliseconds from the first join sent until each was answered, and until everybody was told of everybody. */
  joinedMs: number;
  toldMs: number;
  cpuSeconds: number | undefined;
  generatorCpuSeconds: number;
  /** Its event loop had no time left: the server might do more. */
  generatorWasLimit: boolean;
  megabytes: number;
  /** Members that were not told of all the others, or not shown the history. */
  incomplete: number;
  failedConnections: number;
};

/** Milliseconds from the start of the process to its first ready answer, and its CPU until then. */
export type Start = { ms: number; cpuMs: number | undefined };
/** `fresh`: there is no database yet. `existing`: one without messages. `full`: one with many. */
export type StartResult = { kind: 'start'; fresh: Start; existing: Start; full: Start };

/** Sessions that can be resumed, in rooms where somebody speaks all the time, lose their connections and come back. */
export type ReturnsPlan = {
  kind: 'returns';
  node: ServerNode;
  members: { token: string; room: string }[];
  /** Messages a second in all. */
  rate: number;
  /** How long messages are sent. */
  seconds: number;
  /** Each connection is cut after a random time between these. Undefined: the server is restarted a third into the run. */
  cutMs: { from: number; to: number } | undefined;
  /** After so long without a delivery, nothing more is expected. */
  stallMs: number;
};

export type ReturnsResult = {
  kind: 'returns';
  sent: number;
  delivered: number;
  /** Messages that a member did not get in its place, or never got. */
  lost: number;
  /** Messages that a member got again. */
  repeated: number;
  /** Messages that the server stored twice, and such whose senders never learned of them. */
  storedTwice: number;
  unsettled: number;
  /** Members that were not in their room at the end. */
  missing: number;
  /** Connections lost, and how the sessions went on. */
  cuts: number;
  resumed: number;
  rejoined: number;
  /** From when a message was due to its arrival at each member. */
  latencyMs: Latency;
  /** After a restart: from when the server listened again to the member's being in its room. */
  back: { p50: number; p95: number; last: number; within5s: number } | undefined;
  /** Milliseconds without a server that listens. */
  downMs: number | undefined;
  /** Of the server that was left at the end. */
  cpuSeconds: number | undefined;
  generatorCpuSeconds: number;
  generatorWasLimit: boolean;
  errors: Record<string, number>;
  failedConnections: number;
};
