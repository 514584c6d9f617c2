/**
 * The HTTP server's socket side: how long a client may take and how much it may send before it is cut, and what it
 * reads when its bytes are no HTTP. Requests themselves are server.ts's.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export const httpBounds: Readonly<Record<HttpBound, number>> = {
  /** Milliseconds for the headers: they are one packet or a few. */
  headersTimeoutMs: 10_000,
  /** Milliseconds for a whole request: 64 KiB arrive in this time on any line; whoever drips them is cut (408). */
  requestTimeoutMs: 20_000,
  /** Milliseconds between looks at the two above. */
  checkIntervalMs: 2_000,
  /** Milliseconds an idle connection is kept: longer than the 60 s of common balancers, so that they close first and meet no reset. */
  keepAliveMs: 65_000,
  /**
   * Milliseconds in which not one byte goes either way: a client that does not read its answer is cut. Above the 55 s that
   * a poll may wait; WebSockets have their own heartbeat.
   */
  idleMs: 120_000,
  /** Bytes of all headers together (Node's default, written down): a token and cookies of other sites on the host fit. */
  headerBytes: 16_384,
  /** Headers of one request: browsers behind proxies send some thirty. */
  headerCount: 100,
};
type HttpBound =
  | 'headersTimeoutMs'
  | 'requestTimeoutMs'
  | 'checkIntervalMs'
  | 'keepAliveMs'
  | 'idleMs'
  | 'headerBytes'
  | 'headerCount';
export type HttpBounds = Partial<Record<HttpBound, number>>;

/** A server that does not listen yet. `bounds` are for tests that cannot wait. */
export function createHttpServer(
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  bounds: HttpBounds = {},
): Server {
  const { headersTimeoutMs, requestTimeoutMs, checkIntervalMs, keepAliveMs, idleMs, headerBytes, headerCount } = {
    ...httpBounds,
    ...bounds,
  };
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: checkIntervalMs,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: headerBytes,
  });
  server.maxHeadersCount = headerCount;
  server.setTimeout(idleMs);
  const answering = new WeakMap<Socket, ServerResponse>();
  server.on('request', (request, response) => {
    answering.set(request.socket, response);
    handle(request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // An answer that has begun cannot be taken back: another one in the middle of it would be read as its body.
    const response = answering.get(socket as Socket);
    const isFree = response === undefined || response.writableFinished || !response.headersSent;
    if (!socket.writable || !isFree || error.code === 'ECONNRESET') socket.destroy(error);
    else socket.end(rawAnswer(error.code));
  });
  return server;
}

function rawAnswer(code: string | undefined): string {
  const [status, detail] = clientErrors[code ?? ''] ?? ['400 Bad Request', 'The request is not well-formed HTTP.'];
  const body = JSON.stringify({ detail });
  return [
    `HTTP/1.1 ${status}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

const clientErrors: Readonly<Record<string, readonly [status: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long to arrive.'],
};
