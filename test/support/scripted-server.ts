/**
 * A chat server that does what a test tells it, message by message, over real WebSockets and HTTP: for the client SDK,
 * where the real server would never lose an answer, cut a line or truncate a status at the wanted moment. What it
 * receives and sends is held against docs/asyncapi.yaml.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ClientFrame, ClientFrameType, HistoryEntry, RoomStatus, ServerFrame } from '../../src/protocol/frames.ts';
import { assertClientFrame, assertServerFrame } from './asyncapi.ts';

/** One connection of a client. */
export type Line = {
  /** Path and query of the request. */
  readonly url: string;
  /** The next client message, of type `type` where one is given; rejects after a deadline. */
  next<Type extends ClientFrameType>(type: Type): Promise<Extract<ClientFrame, { type: Type }> & { ref: string }>;
  /** Answers every client message of type `type` from now on, in place of `next`. */
  answer<Type extends ClientFrameType>(
    type: Type,
    reply: (frame: Extract<ClientFrame, { type: Type }> & { ref: string }) => void,
  ): void;
  /** Client messages that came and that no `next` has taken. */
  readonly unread: readonly ClientFrame[];
  send(frame: ServerFrame): void;
  /** Sends text that need not be a message of the protocol. */
  sendText(text: string): void;
  /** Greets: the client is in the chat then. */
  greet(): void;
  /** Says which session it is, and greets when it is a new one. */
  begin(session: string, resumed?: 'resumed'): void;
  close(code: number): void;
  /** Ends the line without a closing frame. */
  cut(): void;
  /** Resolves with the close code when the line is gone. */
  readonly closed: Promise<number>;
};

/** One HTTP request, to be answered. */
export type Exchange = {
  /** Method, path and query: `GET /sse/chat?cursor=s.1`. */
  readonly what: string;
  readonly headers: IncomingHttpHeaders;
  /** The client messages of a POST. */
  readonly frames: (ClientFrame & { ref: string })[];
  answer(status: number, body?: unknown, headers?: Record<string, string>): void;
  /** Answers with an event stream. */
  stream(): EventStream;
  /** Answers a poll. */
  messages(cursor: string, frames: readonly ServerFrame[]): void;
  /** Ends the connection without an answer, or in the midst of it. */
  cut(): void;
  /** Resolves when the client no longer waits for the answer. */
  readonly closed: Promise<void>;
};

export type EventStream = {
  send(frame: ServerFrame, id?: string): void;
  /** Sends bytes that need not be an event. */
  write(bytes: string | Buffer): void;
  begin(session: string, resumed?: 'resumed'): void;
  end(): void;
};

export type ScriptedServer = {
  readonly url: string;
  /** The next HTTP request; rejects after a deadline. */
  request(): Promise<Exchange>;
  /** HTTP requests that came and that no `request` has taken. */
  readonly requests: readonly Exchange[];
  /** From now on WebSockets are refused, as by a proxy that does not know them, or never answered. */
  blockWebSockets(how: 'refuse' | 'hang'): void;
  /** WebSockets are taken again. */
  allowWebSockets(): void;
  /** WebSockets that were refused or are never answered. */
  readonly blocked: number;
  /** The next connection; rejects after a deadline. */
  accept(): Promise<Line>;
  /** Connections that came and that no `accept` has taken. */
  readonly waiting: number;
  close(): Promise<void>;
};

/** Milliseconds until a wait is a failure: far above what a loaded machine needs. */
const deadlineMs = 20_000;

export async function openScriptedServer(): Promise<ScriptedServer> {
  const exchanges = createQueue<Exchange>('no request came');
  const http = createServer((request, response) => {
    void createExchange(request, response).then((exchange) => exchanges.put(exchange));
  });
  const server = new WebSocketServer({ noServer: true });
  let blocking: 'refuse' | 'hang' | undefined;
  let blocked = 0;
  http.on('upgrade', (request, socket, head) => {
    if (blocking === undefined) {
      server.handleUpgrade(request, socket, head, (line) => server.emit('connection', line, request));
      return;
    }
    blocked += 1;
    socket.on('error', () => {});
    if (blocking === 'refuse') socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  http.listen(0, '127.0.0.1');
  await new Promise((resolve) => {
    http.once('listening', resolve);
  });
  const lines = createQueue<Line>('no connection came');
  server.on('connection', (socket, request) => lines.put(createLine(socket, request.url ?? '')));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    accept: () => lines.take(),
    get waiting() {
      return lines.items.length;
    },
    request: () => exchanges.take(),
    requests: exchanges.items,
    blockWebSockets(how) {
      blocking = how;
    },
    allowWebSockets() {
      blocking = undefined;
    },
    get blocked() {
      return blocked;
    },
    close() {
      for (const socket of server.clients) socket.terminate();
      return new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      });
    },
  };
}

async function createExchange(request: IncomingMessage, response: ServerResponse): Promise<Exchange> {
  const chunks: Buffer[] = [];
  const closed = new Promise<void>((resolve) => {
    response.once('close', () => resolve());
  });
  request.on('error', () => {});
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const body: unknown = text === '' ? [] : JSON.parse(text);
  const frames = (Array.isArray(body) ? body : [body]) as (ClientFrame & { ref: string })[];
  for (const frame of frames) assertClientFrame(frame);
  const answer: Exchange['answer'] = (status, content, headers = {}) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(content === undefined ? undefined : JSON.stringify(content));
  };
  return {
    what: `${request.method} ${request.url}`,
    headers: request.headers,
    frames,
    answer,
    stream() {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      response.flushHeaders();
      return createStream(response);
    },
    messages(cursor, sent) {
      for (const frame of sent) assertServerFrame(frame);
      answer(200, { cursor, messages: sent });
    },
    cut: () => request.socket.destroy(),
    closed,
  };
}

function createStream(response: ServerResponse): EventStream {
  const send: EventStream['send'] = (frame, id) => {
    assertServerFrame(frame);
    response.write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(frame)}\n\n`);
  };
  return {
    send,
    write: (bytes) => response.write(bytes),
    begin(id, resumed) {
      send(session(id, resumed));
      if (resumed === undefined) send(motd, `${id}.1`);
    },
    end: () => response.end(),
  };
}

function createLine(socket: WebSocket, url: string): Line {
  const frames = createQueue<ClientFrame>('no client message came');
  const replies = new Map<ClientFrameType, (frame: never) => void>();
  socket.on('message', (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as ClientFrame;
    assertClientFrame(frame);
    const reply = replies.get(frame.type);
    if (reply === undefined) frames.put(frame);
    else reply(frame as never);
  });
  const send = (frame: ServerFrame): void => {
    assertServerFrame(frame);
    socket.send(JSON.stringify(frame));
  };
  return {
    url,
    unread: frames.items,
    async next<Type extends ClientFrameType>(type: Type) {
      const frame = await frames.take();
      if (frame.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(frame)}`);
      return frame as Extract<ClientFrame, { type: Type }> & { ref: string };
    },
    answer(type, reply) {
      replies.set(type, reply);
    },
    send,
    sendText: (text) => socket.send(text),
    greet: () => send(motd),
    begin(id, resumed) {
      send(session(id, resumed));
      if (resumed === undefined) send(motd);
    },
    close: (code) => socket.close(code),
    cut: () => socket.terminate(),
    closed: new Promise((resolve) => {
      socket.once('close', resolve);
    }),
  };
}

type Queue<Item> = { readonly items: Item[]; put(item: Item): void; take(): Promise<Item> };

function createQueue<Item>(sentence: string): Queue<Item> {
  const items: Item[] = [];
  const takers: ((item: Item) => void)[] = [];
  return {
    items,
    put(item) {
      const taker = takers.shift();
      if (taker === undefined) items.push(item);
      else taker(item);
    },
    take() {
      if (items.length > 0) return Promise.resolve(items.shift() as Item);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${sentence} within ${deadlineMs} ms`)), deadlineMs);
        takers.push((item) => {
          clearTimeout(timer);
          resolve(item);
        });
      });
    },
  };
}

/** What every new session begins with. */
export const motd: ServerFrame = { type: 'notification', code: 'api-motd', content: 'Welcome.' };

/** What every event stream, and every WebSocket that asks for it, begins with. */
export function session(id: string, resumed?: 'resumed'): ServerFrame {
  return { type: 'notification', code: 'session', session: id, resumed: resumed !== undefined, grace: 30 };
}

const stamp = '2020-09-26 12:12:13';

/** A history entry of user `ann`, seen by `bob`. */
export function entry(id: number, body = `message ${id}`): HistoryEntry {
  return { id, stamp, user: 'ann', you: false, body };
}

/** A status with the messages `ids`, given oldest first. */
export function status(ids: readonly number[], rest: Partial<RoomStatus> = {}): RoomStatus {
  const messages = ids.map((id) => entry(id)).reverse();
  return { users: [{ name: 'bob', you: true }], messages, last_id: ids.at(-1) ?? 0, epoch: 'e1', ...rest };
}

/** The answer to a join of `bob`. */
export function joined(room: string, ref: string, state: RoomStatus): ServerFrame {
  return {
    type: 'room:notification',
    code: 'joined',
    you: true,
    user: 'bob',
    room_name: room,
    stamp,
    status: state,
    ref,
  };
}

/** A message by `ann`, or `bob`'s own with the `ref` that it answers. */
export function message(room: string, id: number, own?: { ref: string; body?: string; repeat?: true }): ServerFrame {
  const about = own === undefined ? { user: 'ann', you: false } : { user: 'bob', you: true, ref: own.ref };
  const repeat = own?.repeat === true ? { repeat: true as const } : {};
  const body = own?.body ?? `message ${id}`;
  return { type: 'room:notification', code: 'message', room_name: room, id, stamp, body, ...about, ...repeat };
}

/** A command by `ann`, or `bob`'s own. */
export function custom(room: string, command: string, payload: string, ref?: string): ServerFrame {
  const about = ref === undefined ? { user: 'ann', you: false } : { user: 'bob', you: true, ref };
  return { type: 'room:notification', code: 'custom', room_name: room, command, payload, stamp, ...about };
}

/** `ann`, or `bob` himself, left. */
export function parted(room: string, you: boolean, ref?: string): ServerFrame {
  const about = { you, user: you ? 'bob' : 'ann', ...(ref === undefined ? {} : { ref }) };
  return { type: 'room:notification', code: 'parted', room_name: room, stamp, ...about };
}

/** An administrator deleted a message. */
export function deleted(room: string, id: number): ServerFrame {
  return { type: 'room:notification', code: 'deleted', room_name: room, id };
}

export function historyPage(room: string, ref: string, ids: readonly number[], more: boolean): ServerFrame {
  const messages = ids.map((id) => entry(id)).reverse();
  return { type: 'notification', code: 'history', room_name: room, messages, more, ref };
}
