/**
 * A chat server that does what a test tells it, message by message, over real WebSockets: for the client SDK, where the
 * real server would never lose an answer, cut a line or truncate a status at the wanted moment. What it receives and
 * sends is held against docs/asyncapi.yaml.
 */
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
  close(code: number): void;
  /** Ends the line without a closing frame. */
  cut(): void;
  /** Resolves with the close code when the line is gone. */
  readonly closed: Promise<number>;
};

export type ScriptedServer = {
  readonly url: string;
  /** The next connection; rejects after a deadline. */
  accept(): Promise<Line>;
  /** Connections that came and that no `accept` has taken. */
  readonly waiting: number;
  close(): Promise<void>;
};

/** Milliseconds until a wait is a failure: far above what a loaded machine needs. */
const deadlineMs = 20_000;

export async function openScriptedServer(): Promise<ScriptedServer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => {
    server.once('listening', resolve);
  });
  const lines = createQueue<Line>('no connection came');
  server.on('connection', (socket, request) => lines.put(createLine(socket, request.url ?? '')));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accept: () => lines.take(),
    get waiting() {
      return lines.items.length;
    },
    close() {
      for (const socket of server.clients) socket.terminate();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
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
    greet: () => send({ type: 'notification', code: 'api-motd', content: 'Welcome.' }),
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

export function historyPage(room: string, ref: string, ids: readonly number[], more: boolean): ServerFrame {
  const messages = ids.map((id) => entry(id)).reverse();
  return { type: 'notification', code: 'history', room_name: room, messages, more, ref };
}
