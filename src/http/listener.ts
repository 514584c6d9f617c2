/**
 * The HTTP server's socket side: how long a client may take and how much it may send before it is cut, and what it
 * reads when its bytes are no HTTP. Requests themselves are server.ts's.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

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
  /**
   * Requests of one connection that wait for the answer to the one before (RFC 9112 §9.3.2); beyond them it is cut.
   * Browsers send none ahead, and what waits costs memory.
   */
  requestsAhead: 100,
  /** Milliseconds in which a peer takes the answer to something that is no HTTP, and closes its half. */
  refusalMs: 2_000,
};
type HttpBound =
  | 'headersTimeoutMs'
  | 'requestTimeoutMs'
  | 'checkIntervalMs'
  | 'keepAliveMs'
  | 'idleMs'
  | 'headerBytes'
  | 'headerCount'
  | 'requestsAhead'
  | 'refusalMs';
export type HttpBounds = Partial<Record<HttpBound, number>>;

export type HttpHandlers = {
  request: (request: IncomingMessage, response: ServerResponse) => void;
  /** Upgrades to WebSocket only. */
  upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
};

/** Why a server cannot listen, and what to do: `settings` are the names of those that say where. */
export function listenError(
  cause: NodeJS.ErrnoException,
  { host, port }: { host: string; port: number },
  settings: { host: string; port: string },
): Error {
  const noSuchAddress = `This machine has no such address: set ${settings.host} to one that it has, 127.0.0.1 or 0.0.0.0.`;
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: `The port is in use: stop the other program, or set ${settings.port}.`,
    EACCES: `This user may not use the port: set ${settings.port} to one above 1023.`,
    EADDRNOTAVAIL: noSuchAddress,
    ENOTFOUND: noSuchAddress,
  };
  return new Error(`Cannot listen on ${host}:${port}. ${hints[cause.code ?? ''] ?? cause.message}`, { cause });
}

/** A server that does not listen yet. `bounds` are for tests that cannot wait. */
export function createHttpServer(handle: HttpHandlers, bounds: HttpBounds = {}): Server {
  const { headersTimeoutMs, requestTimeoutMs, checkIntervalMs, keepAliveMs, idleMs, headerBytes, headerCount } = {
    ...httpBounds,
    ...bounds,
  };
  const { requestsAhead, refusalMs } = { ...httpBounds, ...bounds };
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: checkIntervalMs,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: headerBytes,
  });
  server.maxHeadersCount = headerCount;
  server.setTimeout(idleMs);
  const lines = new WeakMap<Duplex, Line>();
  server.on('request', (request, response) => {
    const { socket } = request;
    const line = lines.get(socket) ?? { last: undefined, waiting: 0 };
    lines.set(socket, line);
    line.last = response;
    if (response.socket !== null) {
      handle.request(request, response);
    } else if (line.waiting >= requestsAhead) {
      socket.destroy();
    } else {
      line.waiting += 1;
      // It is this one's turn. (The one before need not be the last that was handled here: Node answers some by itself.)
      response.once('socket', () => {
        line.waiting -= 1;
        if (!socket.destroyed) handle.request(request, response);
      });
    }
  });
  server.on('upgrade', (request, socket, head) => {
    const last = lines.get(socket)?.last;
    const isOffer = request.headers.upgrade?.trim().toLowerCase() !== 'websocket';
    // Node drops headers above the count: one of them may have said where the body ends and the next request begins.
    if (isOffer && request.rawHeaders.length >= 2 * headerCount) socket.destroy();
    else if (isOffer) readAgain(server, request, socket, head, last);
    else if (isOver(last)) handle.upgrade(request, socket, head);
    // An answer that is still to come would go out into the WebSocket.
    else socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // An answer that has begun cannot be taken back: another one in the middle of it would be read as its body.
    const { last, waiting } = lines.get(socket) ?? { last: undefined, waiting: 0 };
    const isFree = waiting === 0 && (isOver(last) || last?.headersSent === false);
    if (!socket.writable || !isFree || error.code === 'ECONNRESET') {
      socket.destroy(error);
      return;
    }
    socket.end(rawAnswer(error.code));
    setTimeout(() => socket.destroy(), refusalMs).unref();
  });
  return server;
}

/** The answers that one connection waits for. They are made one after the other, as they go out. */
type Line = { last: ServerResponse | undefined; waiting: number };

function isOver(response: ServerResponse | undefined): boolean {
  return response === undefined || response.closed || response.writableFinished;
}

/**
 * An offer of another protocol than WebSocket is ignored (RFC 9110 §7.8): common HTTP clients offer h2c with every
 * request. Node has stopped reading such a connection as HTTP, so it is begun again with the request without its offer.
 * `earlier`: the answer before, which goes out first.
 */
function readAgain(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  earlier: ServerResponse | undefined,
): void {
  // Node listens no more, and an error that nobody listens to ends the process.
  const ignore = (): void => {};
  socket.on('error', ignore);
  const begin = (): void => {
    // Its parser would be kept for ever: it is freed when the socket closes.
    if (socket.destroyed) return;
    socket.off('error', ignore);
    socket.unshift(Buffer.concat([Buffer.from(headWithoutOffer(request), 'latin1'), head]));
    server.emit('connection', socket);
  };
  if (isOver(earlier)) begin();
  else earlier?.once('close', begin);
}

/** The request's line and headers as they came, but for the offer and for the options that belong to it. */
function headWithoutOffer({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (/^(upgrade|http2-settings)$/i.test(name)) continue;
    if (name.toLowerCase() !== 'connection') lines.push(`${name}: ${value}`);
    else if (/\bclose\b/i.test(value)) lines.push('Connection: close');
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
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
