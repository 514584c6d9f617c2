/** What a running server is made of, what tests put in place of it, and how it is closed. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { RedisConnection } from './bus/redis.ts';
import { closeEach, closeServer, within } from './closing.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Chat } from './core/chat.ts';
import type { Bus } from './core/cluster-ports.ts';
import type { Housekeeping } from './core/housekeeping.ts';
import type { AttemptCounter, Clock, Lock, RandomText, Storage } from './core/ports.ts';
import type { Rates } from './core/rates.ts';
import type { MetricsServer } from './http/metrics.ts';
import type { Problems } from './problems.ts';
import type { WebSocketDoor } from './transports/websocket.ts';

/** What tests put in place of the real thing. */
export type Overrides = {
  log?: Logger;
  clock?: Clock;
  random?: RandomText;
  /** What `log` notes warnings and errors in, where that is given. */
  problems?: Problems;
  /** Where the built pages are. */
  webFolder?: string;
  /** Stands between the server and its store. */
  wrapStorage?: (storage: Storage) => Storage;
};

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export type Parts = {
  server: Server;
  storage?: Storage;
  lock?: Lock;
  redis?: RedisConnection;
  attempts?: AttemptCounter;
  bus?: Bus;
  /** There is none on a server that is alone. */
  cluster?: Cluster;
  chat?: Chat;
  door?: WebSocketDoor;
  metricsServer?: MetricsServer;
  housekeeping?: Housekeeping;
  rates?: Rates;
  state: 'migrating' | 'ready' | 'draining';
};

/** Between two steps of the start: whoever stops the server waits for no more than the one under way. */
export function requireStarting(parts: Parts): void {
  if (parts.state === 'draining') throw new Error('The server was stopped before it was ready.');
}

/** For everything after the chat: the grace above, and connections of a database or Redis that does not answer. */
const restDeadlineMs = 5000;

export async function closeAll(parts: Parts, deadlineMs: number): Promise<void> {
  try {
    await parts.chat?.close(deadlineMs);
  } finally {
    const rest = closeEach([
      async () => parts.rates?.close(),
      () => parts.housekeeping?.close(),
      () => closeServer(parts.server, parts.door),
      () => parts.metricsServer?.close(),
      () => parts.cluster?.close(),
      () => parts.bus?.close(),
      () => parts.attempts?.close(),
      () => parts.redis?.close(),
      () => parts.lock?.release(),
      () => parts.storage?.close(),
    ]);
    await within(rest, restDeadlineMs);
  }
}
