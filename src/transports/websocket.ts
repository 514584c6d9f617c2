/**
 * The WebSocket transport (RFC 6455, by `ws`): upgrades `GET /ws/chat`, hands frames to the session, writes and closes.
 * It decides nothing: who may chat, what a frame means and when a connection is too slow is the session layer's.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { readCredentials } from '../core/credentials.ts';
import { encode } from '../core/encode.ts';
import type { OpenConnection, OpenRequest } from '../core/sessions.ts';
import type { ConnectionEvents, EncodedFrame, Transport } from '../core/transport.ts';
import { type CloseName, closeCodes } from '../protocol/close-codes.ts';
import { closeAfter, type FatalCode } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { createJoinFrames, type JoinFrames } from './joined-frames.ts';

/** A peer that does not answer a close frame within this time is cut: it costs memory until then. */
const closeTimeoutMs = 2000;
/** RFC 6455 §7.1.5: the code of a close frame that had none. */
const noCode = 1005;

export type WebSocketOptions = {
  open: OpenConnection;
  /** Beyond it an upgrade is answered 503. */
  limit: ConnectionLimit;
  log: { debug(details: object, sentence: string): void; error(details: object, sentence: string): void };
};

export interface WebSocketDoor {
  /** For the `upgrade` event of an HTTP server. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Cuts what is still connected. */
  close(): void;
}

export function createWebSocketDoor(options: WebSocketOptions): WebSocketDoor {
  const { open, limit, log } = options;
  const connected = new Set<WebSocket>();
  const join = createJoinFrames();
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Compression costs eight times the time and 200 KB a connection; chat messages are short.
    perMessageDeflate: false,
    maxPayload: limits.clientMessageBytes,
    maxFragments: limits.messageFragments,
  });
  // Without a listener `ws` answers a broken handshake in HTML.
  server.on('wsClientError', (_error, socket, request) => refuseHandshake(socket, request));

  async function begin(ws: WebSocket, socket: Duplex, request: OpenRequest): Promise<void> {
    connected.add(ws);
    ws.on('close', () => connected.delete(ws));
    // A violation of the protocol closes the connection with its code; there is nothing else to do.
    ws.on('error', (error) => log.debug({ err: error }, 'A WebSocket ended with an error.'));
    // Nothing is read before the session is there to take it.
    ws.pause();
    const events = await open(createTransport(ws, socket, join), request);
    ws.resume();
    if (events !== undefined) listen(ws, socket, events);
  }

  return {
    handleUpgrade(request, socket, head) {
      const url = readUrl(request);
      if (url === undefined || !/^\/ws\/chat\/?$/.test(url.pathname)) return refuseUpgrade(socket, 404, 'Not found.');
      const leave = limit.enter();
      if (leave === undefined) return refuseUpgrade(socket, 503, 'The server has no room for another connection.');
      socket.once('close', leave);
      const opening = readRequest(request, url.searchParams);
      server.handleUpgrade(request, socket, head, (ws) => {
        begin(ws, socket, opening).catch((error: unknown) => {
          log.error({ err: error }, 'A WebSocket could not be opened.');
          ws.resume();
          ws.close(closeCodes.internalError.code);
        });
      });
    },
    close() {
      for (const ws of connected) ws.terminate();
    },
  };
}

function readRequest({ headers }: IncomingMessage, query: URLSearchParams): OpenRequest {
  const cursor = query.get('cursor') ?? '';
  return {
    credentials: readCredentials(headers.authorization, query.get('token') ?? undefined),
    takeover: query.get('takeover') === '1',
    // Whoever brings a cursor wants to come back again.
    resumable: query.get('resume') === '1' || cursor !== '',
    cursor: cursor === '' ? undefined : cursor,
  };
}

function createTransport(ws: WebSocket, socket: Duplex, join: JoinFrames): Transport {
  const transport: Transport = {
    kind: 'websocket',
    unwritten: () => socket.writableLength,
    write(frames: readonly EncodedFrame[]) {
      // Beside `ws`, which without compression keeps nothing back that could come in between.
      if (ws.readyState === WebSocket.OPEN) socket.write(join(frames));
    },
    refuse(code: FatalCode) {
      transport.write([encode({ type: 'fatal', code })]);
      transport.close(closeAfter(code));
    },
    close(name: CloseName) {
      if (ws.readyState === WebSocket.CLOSED) return;
      // What a flood still sends is not even read; of others the answering close frame is.
      if (name === 'flooding') ws.pause();
      else ws.resume();
      ws.close(closeCodes[name].code);
      setTimeout(() => ws.terminate(), closeTimeoutMs).unref();
    },
    ping() {
      if (ws.readyState === WebSocket.OPEN) ws.ping();
    },
  };
  return transport;
}

function listen(ws: WebSocket, socket: Duplex, events: ConnectionEvents): void {
  ws.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) events.receiveBinary(data.length);
    else events.receive(data.toString(), data.length);
  });
  ws.on('pong', (data: Buffer) => events.receiveControl(data.length));
  ws.on('ping', (data: Buffer) => events.receiveControl(data.length));
  socket.on('drain', () => events.onDrain());
  // A page that is left closes with 1001, and may come back.
  ws.on('close', (code: number) => events.onClose(code === closeCodes.normal.code || code === noCode));
  if (ws.readyState === WebSocket.CLOSED) events.onClose(false);
}

/** Undefined: the target is no URL. */
function readUrl(request: IncomingMessage): URL | undefined {
  const target = request.url ?? '';
  return target.startsWith('/') && URL.canParse(target, 'http://host') ? new URL(target, 'http://host') : undefined;
}

/** What RFC 6455 §4.2 asks of the request is missing. */
function refuseHandshake(socket: Duplex, request: IncomingMessage): void {
  if (request.method !== 'GET') {
    refuseUpgrade(socket, 405, `Method "${request.method}" not allowed.`, ['Allow: GET']);
    return;
  }
  // §4.4: the versions that the server speaks.
  refuseUpgrade(socket, 400, 'The WebSocket handshake is not well formed.', ['Sec-WebSocket-Version: 13, 8']);
}

/** Answers an upgrade over HTTP, and ends its connection. `headers`: lines besides the usual ones. */
export function refuseUpgrade(socket: Duplex, status: number, detail: string, headers: readonly string[] = []): void {
  const body = JSON.stringify({ detail });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    ...headers,
  ];
  socket.on('error', () => socket.destroy());
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  // After an upgrade no timeout of the HTTP server watches the socket, and a peer need never close its half.
  setTimeout(() => socket.destroy(), closeTimeoutMs).unref();
}
