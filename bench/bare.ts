/** The contestants that are bare of everything but fan-out, and Socket.IO: Node programs of the bench itself. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Contestant, type NodeFlags, openDoors, type RunningServer, running } from './contestant.ts';
import type { Transport, Wire } from './plan.ts';
import { serverCore, startNode, stop } from './processes.ts';

// From nothing to listening takes a tenth of a second, on a machine that has time.
const startDeadlineMs = 30_000;

export type BareName =
  | 'ws-send'
  | 'ws-broadcast'
  | 'ws-joined'
  | 'ws-stored'
  | 'socket.io'
  | 'sse-broadcast'
  | 'sse-joined'
  | 'poll-broadcast'
  | 'poll-joined';

type Bare = { transport: Transport; wire?: Wire; program: [string, ...string[]]; meaning: string };

const bare: Readonly<Record<BareName, Bare>> = {
  'ws-send': {
    transport: 'websocket',
    program: ['bare-websocket.js', 'send'],
    meaning: 'the ws library alone: client.send(text) for each socket and message',
  },
  'ws-broadcast': {
    transport: 'websocket',
    program: ['bare-websocket.js', 'broadcast'],
    meaning: 'the ws library alone: each message encoded once, one write for each socket and message',
  },
  'ws-joined': {
    transport: 'websocket',
    program: ['bare-websocket.js', 'joined'],
    meaning: 'the ws library alone: the messages of one turn joined, one write for each socket',
  },
  'ws-stored': {
    transport: 'websocket',
    program: ['bare-websocket.js', 'stored'],
    meaning: 'as ws-joined, after the messages of the turn were committed to SQLite, and nothing else',
  },
  'socket.io': {
    transport: 'websocket',
    wire: 'socket.io',
    program: ['bare-socket-io.js'],
    meaning: 'Socket.IO with its in-memory rooms: websocket only, no compression',
  },
  'sse-broadcast': {
    transport: 'sse',
    program: ['bare-http.js', 'sse', 'broadcast'],
    meaning: 'node:http alone: each event encoded once, without an id, one write for each stream and event',
  },
  'sse-joined': {
    transport: 'sse',
    program: ['bare-http.js', 'sse', 'joined'],
    meaning:
      'node:http alone: the events of one turn joined, one write for each stream, each event with an id of its own',
  },
  'poll-broadcast': {
    transport: 'poll',
    program: ['bare-http.js', 'poll', 'broadcast'],
    meaning: 'node:http alone: each message answers each poll that waits, with a cursor of its own',
  },
  'poll-joined': {
    transport: 'poll',
    program: ['bare-http.js', 'poll', 'joined'],
    meaning:
      'node:http alone: the messages of one turn joined, one answer for each waiting poll, with a cursor of its own',
  },
};

export function bareNames(transport: Transport): BareName[] {
  const names = Object.keys(bare) as BareName[];
  return names.filter((name) => bare[name].transport === transport);
}

export function isBare(name: string): name is BareName {
  return Object.hasOwn(bare, name);
}

export function createBare(name: BareName): Contestant {
  const { transport, wire = transport, meaning, program } = bare[name];
  const [file, ...args] = program;
  const script = fileURLToPath(new URL(file, import.meta.url));
  const start = async (flags?: NodeFlags): Promise<RunningServer> => {
    const child = startNode(serverCore, [...(flags?.(0) ?? []), script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { stdout } = child;
    if (stdout === null) throw new Error(`${name} has no output.`);
    const signal = AbortSignal.timeout(startDeadlineMs);
    try {
      const line = await Promise.race([
        once(createInterface(stdout), 'line', { signal }),
        once(child, 'exit', { signal }),
      ]);
      const port = Number(line[0]);
      if (!(port > 0) || child.exitCode !== null) throw new Error('it ended at once');
      return running(child, port);
    } catch (error) {
      await stop(child);
      throw new Error(`${name} did not start.`, { cause: error });
    }
  };
  return { name, meaning, wire, isNode: true, start, ...openDoors };
}
