/**
 * An HTTP proxy as people are sometimes behind: one that passes no upgrades, or keeps streams to itself until they end.
 * It can be given a path of its own, which the server behind it does not know.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ExecutionContext } from 'ava';

export type Middleman = {
  /** With the path, where there is one; without a slash at its end. */
  readonly url: string;
  /** Upgrades are answered 502 from now on, and those that are open are cut. */
  refuseUpgrades(): void;
  /** Event streams begin, and nothing of them arrives from now on; those that are open are cut. */
  holdStreams(): void;
  /** Passes everything on again. */
  passAll(): void;
};

type Way = {
  target: URL;
  isRefusing: boolean;
  isHolding: boolean;
  upgraded: Set<Duplex>;
  streams: Set<ServerResponse>;
};

/** `path`: such as `/chat`. Closed in teardown. */
export async function startMiddleman(
  t: Pick<ExecutionContext, 'teardown'>,
  targetUrl: string,
  path = '',
): Promise<Middleman> {
  const way: Way = {
    target: new URL(targetUrl),
    isRefusing: false,
    isHolding: false,
    upgraded: new Set(),
    streams: new Set(),
  };
  /** The address as the server knows it; undefined: it is not the server's. */
  const onward = (url = ''): string | undefined => (url.startsWith(`${path}/`) ? url.slice(path.length) : undefined);
  const server = createServer((asked, answer) => {
    const to = onward(asked.url);
    if (to === undefined) answer.writeHead(404).end();
    else passRequest(way, asked, answer, to);
  });
  server.on('upgrade', (asked: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const to = onward(asked.url);
    if (!way.isRefusing && to !== undefined) passUpgrade(way, asked, socket, head, to);
    else socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    for (const socket of way.upgraded) socket.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${path}`,
    refuseUpgrades() {
      way.isRefusing = true;
      for (const socket of way.upgraded) socket.destroy();
    },
    holdStreams() {
      way.isHolding = true;
      for (const answer of way.streams) answer.destroy();
    },
    passAll() {
      way.isRefusing = false;
      way.isHolding = false;
    },
  };
}

function passRequest(way: Way, asked: IncomingMessage, answer: ServerResponse, to: string): void {
  const { method, headers } = asked;
  const { hostname, port } = way.target;
  const passing = request({ host: hostname, port, method, path: to, headers, agent: false });
  passing.on('error', () => answer.destroy());
  answer.on('close', () => passing.destroy());
  const isStream = method === 'GET' && to.startsWith('/sse/');
  if (isStream) {
    way.streams.add(answer);
    answer.on('close', () => way.streams.delete(answer));
  }
  passing.on('response', (got) => {
    if (isStream && way.isHolding) {
      got.resume();
      return;
    }
    answer.writeHead(got.statusCode ?? 502, got.headers);
    got.pipe(answer);
    got.on('error', () => answer.destroy());
  });
  asked.pipe(passing);
}

/** The request as it came, but for its path; then bytes in both directions. */
function passUpgrade(way: Way, asked: IncomingMessage, socket: Duplex, head: Buffer, to: string): void {
  way.upgraded.add(socket);
  const upstream = connect(Number(way.target.port), way.target.hostname);
  upstream.on('error', () => socket.destroy());
  upstream.on('close', () => socket.destroy());
  socket.on('close', () => {
    way.upgraded.delete(socket);
    upstream.destroy();
  });
  const lines = [`GET ${to} HTTP/1.1`];
  for (let at = 0; at < asked.rawHeaders.length; at += 2) {
    lines.push(`${asked.rawHeaders[at]}: ${asked.rawHeaders[at + 1]}`);
  }
  upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
  upstream.write(head);
  socket.pipe(upstream).pipe(socket);
}
