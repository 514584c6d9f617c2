/**
 * The composition root. Builds a server from its settings: listens first, so that its readiness can be asked, then
 * migrates and locks the database (opening.ts), loads the chat and opens the doors (doors.ts).
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { within } from './closing.ts';
import type { Config } from './config.ts';
import { openDoors } from './doors.ts';
import { createHttpServer, listenError } from './http/listener.ts';
import { createLog } from './log.ts';
import { openStore } from './opening.ts';
import { closeAll, type Handler, type Overrides, type Parts, requireStarting } from './parts.ts';
import { createProblems } from './problems.ts';
import { refuseUpgrade } from './transports/websocket.ts';

export type { Overrides } from './parts.ts';

export type Listening = { url: string; port: number; metricsPort?: number };

export interface App {
  /**
   * To be called once. Resolves when the server is ready. Rejects with a sentence when it cannot start, or was closed
   * meanwhile; what was opened is closed then.
   */
  listen(): Promise<Listening>;
  /**
   * Stops as a deploy wants it: nothing that was sent is lost. Safe to call twice, and while `listen` is under way.
   * Rejects when a part failed to close, or did not within the deadlines; the others are closed all the same.
   */
  close(): Promise<void>;
  /** Resolves with a sentence when the server must stop by itself. */
  readonly failed: Promise<string>;
}

/** A server that has opened nothing yet: `listen` does. */
export function createApp(config: Config, overrides: Overrides = {}): App {
  const problems = overrides.problems ?? createProblems();
  const log = overrides.log ?? createLog({ level: config.logLevel, format: config.logFormat, problems });
  let handle: Handler = answerWhileStarting;
  const parts: Parts = {
    server: createHttpServer({
      request: (request, response) => handle(request, response),
      upgrade(request, socket, head) {
        if (parts.door === undefined) refuseUpgrade(socket, 503, startingDetail);
        // A balancer may try the next node; on an open connection it could not.
        else if (isLeaving(parts)) refuseUpgrade(socket, 503, leavingDetail);
        else parts.door.handleUpgrade(request, socket, head);
      },
    }),
    state: 'migrating',
  };
  let opening: Promise<Listening> | undefined;
  let closing: Promise<void> | undefined;
  let fail: (reason: string) => void = () => {};
  const failed = new Promise<string>((resolve) => {
    fail = resolve;
  });

  async function open(): Promise<Listening> {
    await listenOn(parts.server, config.host, config.port, log);
    const storage = await openStore(config, overrides, parts, log);
    void parts.lock?.lost.then(fail);
    handle = await openDoors(config, { ...overrides, problems }, parts, storage, log);
    requireStarting(parts);
    parts.state = 'ready';
    return announce(config, parts, log);
  }

  async function listen(): Promise<Listening> {
    opening = open();
    try {
      return await opening;
    } catch (error: unknown) {
      await close().catch((fault: unknown) => log.error({ err: fault }, 'What was opened could not be closed.'));
      throw error;
    }
  }

  async function stop(): Promise<void> {
    parts.state = 'draining';
    const deadlineMs = config.shutdownSeconds * 1000;
    // What is being opened is closed with the rest, once it is open. How the start ended is for `listen` to say.
    if (opening !== undefined) await within(opening, deadlineMs).catch(() => {});
    await closeAll(parts, deadlineMs);
  }

  function close(): Promise<void> {
    closing ??= stop();
    return closing;
  }

  return { listen, close, failed };
}

async function announce(config: Config, parts: Parts, log: Logger): Promise<Listening> {
  const { port } = parts.server.address() as AddressInfo;
  const host = config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const metricsPort = parts.metricsServer?.port;
  const { cluster } = parts;
  if (cluster !== undefined) {
    const others = cluster.living - 1;
    const sentence = `This server is a node: all on this database with REDIS_URL are one chat (${others === 1 ? '1 other now' : `${others} others now`}).`;
    log.info({ node: cluster.node }, sentence);
  }
  log.info({ url, port, ...(metricsPort === undefined ? {} : { metricsPort }) }, `finchat is listening at ${url}`);
  const users = await parts.storage?.users.list({ limit: 1 });
  if (users?.length === 0) {
    log.info(
      `Next: open ${url} in a browser, register and chat. "npx finchat createsuperuser" makes an administrator, for ${url}/admin.`,
    );
  }
  return { url, port, ...(metricsPort === undefined ? {} : { metricsPort }) };
}

function listenOn(server: Server, host: string, port: number, log: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void =>
      reject(listenError(error, { host, port }, { host: 'HOST', port: 'PORT' }));
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      // One connection that could not be accepted: the others go on.
      server.on('error', (error) => log.error({ err: error }, 'A connection could not be accepted.'));
      resolve();
    });
  });
}

/** A node that stops, or was marked dead, takes nobody who could go to another one. */
function isLeaving({ state, cluster }: Parts): boolean {
  return cluster !== undefined && (state === 'draining' || !cluster.isServing);
}

const leavingDetail = 'This node takes no connections now; try another one.';
const startingDetail = 'The server is starting: the database is being migrated.';

/** Before the database is ready: alive, but not ready. */
function answerWhileStarting(request: IncomingMessage, response: ServerResponse): void {
  const isHealth = /^\/healthz\/?(\?|$)/.test(request.url ?? '');
  response.writeHead(isHealth ? 200 : 503, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(isHealth ? { status: 'ok' } : { detail: startingDetail }));
}
