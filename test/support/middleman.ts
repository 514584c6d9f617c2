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

/** `path`: such as `/chat`. Closed in teardown. */
export async function startMiddleman(
  t: Pick<ExecutionContext, 'teardown'>,
  targetUrl: string,
  path = '',
): Promise<Middleman> {
  const target = new URL(targetUrl);
  const upgraded = new Set<Duplex>();
  const streams = new Set<ServerResponse>();
  let isRefusing = false;
  let isHolding = false;

  const onward = (url: string | undefined): string | undefined => {
    if (url === undefined || !url.startsWith(`${path}/`)) return undefined;
    return url.slice(path.length);
  };
  const handle = (asked: IncomingMessage, answer: ServerResponse): void => {
    const to = onward(asked.url);
    if (to === undefined) {
      answer.writeHead(404).end();
      return;
    }
    const isStream = asked.method === 'GET' && to.startsWith('/sse/');
    const { method, headers } = asked;
    const passing = request({ host: target.hostname, port: target.port, method, path: to, headers, agent: false });
    passing.on('error', () => answer.destroy());
    answer.on('close', () => passing.destroy());
    if (isStream) {
      streams.add(answer);
      answer.on('close', () => streams.delete(answer));
    }
    passing.on('response', (got) => {
      if (isStream && isHolding) {
        got.resume();
        return;
      }
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.pipe(answer);
      got.on('error', () => answer.destroy());
    });
    asked.pipe(passing);
  };
  const server = createServer(handle);
  server.on('upgrade', (asked, socket, head) => {
    socket.on('error', () => socket.destroy());
    const to = onward(asked.url);
    if (isRefusing || to === undefined) {
      socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    upgraded.add(socket);
    const upstream = connect(Number(target.port), target.hostname);
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => {
      upgraded.delete(socket);
      upstream.destroy();
    });
    upstream.on('close', () => socket.destroy());
    const lines: string[] = [];
    for (let at = 0; at < asked.rawHeaders.length; at += 2) {
      lines.push(`${asked.rawHeaders[at]}: ${asked.rawHeaders[at + 1]}`);
    }
    upstream.write(`GET ${to} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
    upstream.write(head);
    socket.pipe(upstream).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    for (const socket of upgraded) socket.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${path}`,
    refuseUpgrades() {
      isRefusing = true;
      for (const socket of upgraded) socket.destroy();
    },
    holdStreams() {
      isHolding = true;
      for (const answer of streams) answer.destroy();
    },
    passAll() {
      isRefusing = false;
      isHolding = false;
    },
  };
}
