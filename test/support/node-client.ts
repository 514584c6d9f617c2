/**
 * A client of a chat in the same process, which is its own transport: it counts what it gets, and throws when anything
 * comes twice, is missing, or breaks a rule of its rooms.
 */
import type { Chat } from '../../src/core/chat.ts';
import type { ConnectionEvents, Transport, TransportKind } from '../../src/core/transport.ts';
import { createRoomLog, type RoomLog } from '../fuzz/room-log.ts';
import type { RawFrame } from './raw-client.ts';

export type NodeClient = {
  readonly name: string;
  /** The messages that it got, of all its connections. */
  readonly frames: RawFrame[];
  /** How its connections ended, oldest first. */
  readonly ended: string[];
  /** What it was told of rooms that broke a rule, or of numbers that did. */
  readonly faults: string[];
  /** Whether its latest connection went on with its session; undefined: it was refused, or has not begun. */
  readonly isResumed: boolean | undefined;
  readonly session: string;
  /** So many messages of the session it has. */
  n: number;
  /** What is written to it is lost on the way. */
  isDeaf: boolean;
  room(name: string): RoomLog;
  /** Where its latest connection tells what happens on it. */
  line(): ConnectionEvents | undefined;
  /** Another client of the same user, with the same token. */
  twin(): NodeClient;
  /** Opens a connection, with its cursor where it has one. Resolves whether it is open. */
  come(
    chat: Chat,
    options?: { kind?: TransportKind; resumable?: boolean; cursor?: string | undefined; takeover?: boolean },
  ): Promise<boolean>;
  send(frame: object): void;
  /** The connection is gone, and the server knows. */
  cut(isGoodbye?: boolean): void;
};

export function createNodeClient(name: string, token: string): NodeClient {
  const rooms = new Map<string, RoomLog>();
  let line: { events: ConnectionEvents | undefined; isOver: boolean } | undefined;
  let isResumed: boolean | undefined;
  let session = '';

  function room(roomName: string): RoomLog {
    const log = rooms.get(roomName) ?? createRoomLog(roomName, name);
    rooms.set(roomName, log);
    return log;
  }

  function begin(frame: RawFrame): void {
    isResumed = frame['resumed'] === true;
    if (isResumed) return;
    session = String(frame['session']);
    client.n = 0;
    for (const log of rooms.values()) log.lose();
  }

  function take(bytes: Buffer, n: number | undefined): void {
    const frame = JSON.parse(bytes.toString()) as RawFrame;
    if (n === undefined) {
      if (frame.code === 'session') begin(frame);
      return;
    }
    if (n !== client.n + 1) client.faults.push(`${name}: ${n} after ${client.n}`);
    client.n = n;
    client.frames.push(frame);
    const roomName = frame.room_name;
    if (roomName === undefined || frame['repeat'] === true || frame.code === 'deleted') return;
    try {
      room(roomName).take(frame);
    } catch (error) {
      client.faults.push(`${name} in ${roomName}: ${String(error)}`);
    }
  }

  const client: NodeClient = {
    name,
    frames: [],
    ended: [],
    faults: [],
    get isResumed() {
      return isResumed;
    },
    get session() {
      return session;
    },
    n: 0,
    isDeaf: false,
    room,
    line: () => line?.events,
    twin: () => createNodeClient(name, token),
    async come(chat, { kind = 'websocket', takeover = false, resumable = true, ...options } = {}) {
      const own: NonNullable<typeof line> = { events: undefined, isOver: false };
      line = own;
      isResumed = undefined;
      client.isDeaf = false;
      const end = (how: string): void => {
        if (own.isOver) return;
        own.isOver = true;
        client.ended.push(how);
      };
      const transport: Transport = {
        kind,
        unwritten: () => 0,
        write(frames, first) {
          if (own.isOver || client.isDeaf || line !== own) return;
          for (const [index, { bytes }] of frames.entries()) take(bytes, first && first.n + index);
        },
        refuse: end,
        close: end,
        ping: () => setImmediate(() => own.events?.onAlive()),
      };
      const known = session === '' ? undefined : `${session}.${client.n}`;
      const cursor = 'cursor' in options ? options.cursor : known;
      const credentials = { kind: 'token', token } as const;
      own.events = await chat.open(transport, { credentials, takeover, resumable, cursor });
      if (kind === 'poll') isResumed = own.events !== undefined;
      return own.events !== undefined && !own.isOver;
    },
    send(frame) {
      const text = JSON.stringify(frame);
      line?.events?.receive(text, Buffer.byteLength(text));
    },
    cut(isGoodbye = false) {
      if (line !== undefined) line.isOver = true;
      line?.events?.onClose(isGoodbye);
    },
  };
  return client;
}
