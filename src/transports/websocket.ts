/**
 * The WebSocket transport (RFC 6455, by `ws`): upgrades `GET /ws/chat`, hands frames to the session, writes and closes.
 * It decides nothing: who may chat, what a frame means and when a connection is too slow is the session layer's.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { readCredentials } from '../core/credentials.ts';
import { encode } from '../core/encode.ts';
import type { ConnectionEvents, EncodedFrame, OpenConnection, OpenRequest, Transport } from '../core/transport.ts';
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

/**
 * A client's WebSocket. What listens to it is shared by all of them, and finds here where to tell: with closures of its
 * own each connection would hold a kilobyte more, a third of what `ws` itself takes.
 */
class ClientSocket extends WebSocket {
  /** Undefined: there is no session yet, or it was refused. */
  events: ConnectionEvents | undefined = undefined;
}

export function createWebSocketDoor(options: WebSocketOptions): WebSocketDoor {
  const { open, limit, log } = options;
  const connected = new Set<WebSocket>();
  const join = createJoinFrames();
  const server = new WebSocketServer<typeof ClientSocket>({
    noServer: true,
    WebSocket: ClientSocket,
    clientTracking: false,
    // Compression costs eight times the time and 200 KB a connection; chat messages are short.
    perMessageDeflate: false,
    maxPayload: limits.clientMessageBytes,
    maxFragments: limits.messageFragments,
  });
  // Without a listener `ws` answers a broken handshake in HTML.
  server.on('wsClientError', (_error, socket, request) => refuseHandshake(socket, request));

  // A violation of the protocol closes the connection with its code; there is nothing else to do.
  const onError = (error: Error): void => log.debug({ err: error }, 'A WebSocket ended with an error.');
  function onClose(this: WebSocket, code: number): void {
    connected.delete(this);
    // A page that is left closes with 1001, and may come back.
    eventsOf(this)?.onClose(code === closeCodes.normal.code || code === noCode);
  }

  async function begin(ws: ClientSocket, socket: Duplex, request: OpenRequest): Promise<void> {
    connected.add(ws);
    ws.on('close', onClose).on('error', onError);
    // Nothing is read before the session is there to take it.
    ws.pause();
    const events = await open(new WebSocketTransport(ws, socket, join), request);
    ws.resume();
    if (events === undefined) return;
    ws.events = events;
    ws.on('message', onMessage).on('pong', onControl).on('ping', onControl);
    socket.on('drain', () => events.onDrain());
    if (ws.readyState === WebSocket.CLOSED) events.onClose(false);
  }

  return {
    handleUpgrade(request, socket, head) {
      const target = chatTarget.exec(request.url ?? '');
      if (target === null) return refuseUpgrade(socket, 404, 'Not found.');
      if (!limit.enter()) return refuseUpgrade(socket, 503, 'The server has no room for another connection.');
      socket.on('close', limit.leave);
      const opening = readRequest(request, new URLSearchParams(target[1]));
      joinFirstWrites(socket);
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

/** The target of a request for the chat, with its query. */
const chatTarget = /^\/ws\/chat\/?(?:\?(.*))?$/;

/**
 * What a session says at once leaves with the answer to the upgrade: one system call less, a tenth of what a connect
 * costs. The answer waits for nobody: it leaves when the next turn of the event loop ends, whatever has been said by then.
 */
function joinFirstWrites(socket: Duplex): void {
  socket.cork();
  setImmediate(() => setImmediate(() => socket.uncork()));
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

class WebSocketTransport implements Transport {
  readonly kind = 'websocket';
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #join: JoinFrames;

  constructor(ws: WebSocket, socket: Duplex, join: JoinFrames) {
    this.#ws = ws;
    this.#socket = socket;
    this.#join = join;
  }

  unwritten(): number {
    return this.#socket.writableLength;
  }

  write(frames: readonly EncodedFrame[]): void {
    // Beside `ws`, which without compression keeps nothing back that could come in between.
    if (this.#ws.readyState === WebSocket.OPEN) this.#socket.write(this.#join(frames));
  }

  refuse(code: FatalCode): void {
    this.write([encode({ type: 'fatal', code })]);
    this.close(closeAfter(code));
  }

  close(name: CloseName): void {
    const ws = this.#ws;
    if (ws.readyState === WebSocket.CLOSED) return;
    // What a flood still sends is not even read; of others the answering close frame is.
    if (name === 'flooding') ws.pause();
    else ws.resume();
    ws.close(closeCodes[name].code);
    setTimeout(() => ws.terminate(), closeTimeoutMs).unref();
  }

  ping(): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.ping();
  }
}

function eventsOf(ws: WebSocket): ConnectionEvents | undefined {
  return ws instanceof ClientSocket ? ws.events : undefined;
}

function onMessage(this: WebSocket, data: Buffer, isBinary: boolean): void {
  if (isBinary) eventsOf(this)?.receiveBinary(data.length);
  else eventsOf(this)?.receive(data.toString(), data.length);
}

/** A ping or a pong. */
function onControl(this: WebSocket, data: Buffer): void {
  eventsOf(this)?.receiveControl(data.length);
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
