/** What every contestant is to the bench, whichever server it starts. */
import type { ChildProcess } from 'node:child_process';
import type { Helper, ServerNode, Wire } from './plan.ts';
import { stop } from './processes.ts';

/** `nodes`: one, unless it is a cluster. */
export type RunningServer = { nodes: ServerNode[]; stop(signal?: NodeJS.Signals): Promise<void> };

/** Options of Node for a server process; `node` counts those of a cluster. */
export type NodeFlags = (node: number) => readonly string[];

export type Contestant = {
  name: string;
  /** What the name stands for, in the report. */
  meaning: string;
  /** What the generator has to speak with it; undefined: the transport as finchat has it. */
  wire?: Wire;
  /** What it works with beside its own processes. */
  helpers?: Helper[];
  /** Where it stores, if it does: for scenarios that find something there. */
  database?: string;
  /** Whether `start` heeds Node's options. */
  isNode: boolean;
  /** `port`: finchat's first node listens there; others, and without it, wherever there is one free. */
  start(flags?: NodeFlags, port?: number): Promise<RunningServer>;
  /** Names of as many rooms, made on the running server where rooms must be made. The same ones each time. */
  rooms(count: number): Promise<string[]>;
  /** Tokens of as many accounts, made on the running server where it has accounts. The same ones each time. */
  tokens(server: RunningServer, count: number): Promise<string[]>;
};

/** For servers that know neither rooms nor accounts: whoever comes is let in. */
export const openDoors: Pick<Contestant, 'rooms' | 'tokens'> = {
  rooms: async (count) => roomNames(count),
  tokens: async (_server, count) => Array.from({ length: count }, (_, index) => `t${index}`),
};

export function roomNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `bench-${index}`);
}

export function running(child: ChildProcess, port: number): RunningServer {
  return { nodes: [{ port, pid: child.pid ?? 0 }], stop: (signal) => stop(child, signal) };
}
