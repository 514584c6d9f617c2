/**
 * A load balancer as plain as they come: each HTTP request and each upgrade goes to the next server in turn that says
 * that it is ready. No stickiness, no second try of anything that a server may have seen. It knows nothing of the chat.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';

export type Balancer = {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** The servers that get requests now. */
  ready(): string[];
  /** How many requests and upgrades each server was given so far, in the order of the targets. */
  readonly given: readonly number[];
  close(): Promise<void>;
};

/** Between two looks at a server's readiness, and how long its answer may take: far shorter than real ones, for tests. */
const lookMs = 150;
const lookPatienceMs = 1500;

type Target = { url: URL; isReady: boolean };
type InTurn = () => Iterable<Target>;

/**
 * `targets`: `http://host:port`, answering or not. Closed in teardown. `patienceMs`: for servers in the test's own
 * process, which a busy machine may keep from answering.
 */
export async function startBalancer(
  t: Pick<ExecutionContext, 'teardown'>,
  targets: readonly string[],
  { patienceMs = lookPatienceMs }: { patienceMs?: number } = {},
): Promise<Balancer> {
  const all: Target[] = targets.map((url) => ({ url: new URL(url), isReady: false }));
  const given = targets.map(() => 0);
  const stop = new AbortController();
  const upgraded = new Set<Duplex>();
  let turn = 0;
  /** Those that are ready, from the next in turn on. */
  function* inTurn(): Iterable<Target> {
    const first = turn++;
    for (let n = 0; n < all.length; n++) {
      const at = (first + n) % all.length;
      const target = all[at];
      if (target?.isReady !== true) continue;
      given[at] = (given[at] ?? 0) + 1;
      yield target;
    }
  }
  const server = createServer((asked, answer) => void passRequest(inTurn, asked, answer));
  server.on('upgrade', (asked: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => upgraded.delete(socket));
    passUpgrade(inTurn()[Symbol.iterator](), asked, socket, head);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const watching = all.map((target) => watch(target, patienceMs, stop.signal));
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    stop.abort();
    for (const socket of upgraded) socket.destroy();
    server.closeAllConnections();
    server.close();
    await Promise.all([once(server, 'close'), ...watching]);
  };
  t.teardown(close);
  return {
    url: `http://127.0.0.1:${port}`,
    ready: () => all.filter(({ isReady }) => isReady).map(({ url }) => url.origin),
    given,
    close,
  };
}

async function watch(target: Target, patienceMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    target.isReady = await isReady(target.url, patienceMs, signal);
    await delay(lookMs, undefined, { signal }).catch(() => {});
  }
}

async function isReady(url: URL, patienceMs: number, signal: AbortSignal): Promise<boolean> {
  const patience = AbortSignal.timeout(patienceMs);
  try {
    const response = await fetch(new URL('/readyz', url), {
      headers: { connection: 'close' },
      signal: AbortSignal.any([signal, patience]),
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

async function passRequest(inTurn: InTurn, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of asked) chunks.push(chunk as Buffer);
  } catch {
    return;
  }
  const body = Buffer.concat(chunks);
  for (const target of inTurn()) {
    if (answer.destroyed || (await passTo(target, asked, body, answer))) return;
  }
  refuse(answer, 503, 'No server is ready.');
}

/** Resolves false where the server could not be reached: then it has seen nothing, and another one may be asked. */
function passTo({ url }: Target, asked: IncomingMessage, body: Buffer, answer: ServerResponse): Promise<boolean> {
  const { method, headers, url: path } = asked;
  return new Promise((resolve) => {
    const passing = request({ host: url.hostname, port: url.port, method, path, headers, agent: false });
    const onClose = (): void => void passing.destroy();
    answer.once('close', onClose);
    passing.on('error', (error: NodeJS.ErrnoException) => {
      answer.off('close', onClose);
      if (error.code === 'ECONNREFUSED') return resolve(false);
      if (answer.headersSent) answer.destroy();
      else refuse(answer, 502, 'The server broke off.');
      resolve(true);
    });
    passing.on('response', (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      // An event stream shows its head at once.
      answer.flushHeaders();
      got.on('error', () => answer.destroy());
      got.on('close', () => {
        if (!got.complete) answer.destroy();
      });
      got.pipe(answer);
      resolve(true);
    });
    passing.end(body);
  });
}

function refuse(answer: ServerResponse, status: number, sentence: string): void {
  if (answer.destroyed) return;
  answer.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ detail: sentence }));
}

/** The request as it came, then bytes in both directions. */
function passUpgrade(targets: Iterator<Target>, asked: IncomingMessage, socket: Duplex, head: Buffer): void {
  if (socket.destroyed) return;
  const next = targets.next();
  if (next.done === true) {
    socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    return;
  }
  const { url } = next.value;
  const upstream = connect(Number(url.port), url.hostname);
  const lines = [`GET ${asked.url} HTTP/1.1`];
  for (let at = 0; at < asked.rawHeaders.length; at += 2) {
    lines.push(`${asked.rawHeaders[at]}: ${asked.rawHeaders[at + 1]}`);
  }
  const onRefused = (): void => passUpgrade(targets, asked, socket, head);
  upstream.once('error', onRefused);
  const onGone = (): void => void upstream.destroy();
  socket.once('close', onGone);
  upstream.once('connect', () => {
    upstream.off('error', onRefused);
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => socket.destroy());
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    socket.pipe(upstream).pipe(socket);
  });
}
