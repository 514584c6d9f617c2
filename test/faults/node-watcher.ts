/**
 * A member of every room that clings to one node, over a plain WebSocket and past proxies and balancer: it shows what
 * that node tells its own members. When the node is away it tries again until it is back, and rejoins with `since`.
 */
import { WebSocket } from 'ws';
import { createRoomLog, type RoomLog } from '../fuzz/room-log.ts';
import type { RawFrame } from '../support/raw-client.ts';

/** What it saw and when, by `performance.now()`. */
export type Sighting = { at: number; room: string; frame: RawFrame };

export type NodeWatcher = {
  readonly name: string;
  readonly logs: ReadonlyMap<string, RoomLog>;
  /** Sessions that it has begun. */
  readonly sessions: number;
  /** Every joined, parted and custom of its rooms, oldest first. */
  readonly sightings: readonly Sighting[];
  /** Why it is not done: undefined once it is in all rooms, and has read them up to `lastIds`. */
  unfinished(lastIds: ReadonlyMap<string, number>): string | undefined;
  close(): Promise<void>;
};

export type NodeWatcherOptions = {
  name: string;
  token: string;
  /** The node's own. */
  url: string;
  rooms: readonly string[];
  /** A broken promise. */
  fail: (what: string) => void;
};

/** Between two tries, and two looks at what is missing. */
const retryMs = 200;
const handshakeMs = 4000;
const codes = new Set(['joined', 'parted', 'custom']);
/** What ends its sessions for good is never right: nobody logs it out or takes it over. */
const wrongFatals = new Set(['not-authenticated', 'kicked', 'logged-out', 'already-chatting', 'resumed-elsewhere']);

export function openNodeWatcher(options: NodeWatcherOptions): NodeWatcher {
  const { name, token, rooms } = options;
  const logs = new Map(rooms.map((room) => [room, createRoomLog(room, name)]));
  const sightings: Sighting[] = [];
  /** Rooms about which a question waits for its answer. */
  const asked = new Set<string>();
  let socket: WebSocket | undefined;
  let sessions = 0;
  let isClosing = false;
  let timer: NodeJS.Timeout | undefined;
  const fail = (what: string): void => options.fail(`${name}: ${what}`);
  const address = new URL('/ws/chat', options.url.replace(/^http/, 'ws'));
  address.searchParams.set('token', token);

  function connect(): void {
    const opened = new WebSocket(address, { handshakeTimeout: handshakeMs });
    socket = opened;
    opened.on('error', () => {});
    opened.on('open', () => {
      asked.clear();
      lookAround();
    });
    opened.on('message', (data) => take(JSON.parse((data as Buffer).toString()) as RawFrame));
    opened.on('close', () => {
      for (const log of logs.values()) log.lose();
      if (!isClosing) timer = setTimeout(connect, retryMs);
    });
  }

  function take(frame: RawFrame): void {
    const { type, code = '', room_name: room = '' } = frame;
    if (type === 'fatal' && wrongFatals.has(code)) fail(`fatal ${code}`);
    if (code === 'api-motd') sessions += 1;
    if (type === 'error' && code !== 'unavailable') fail(`error ${code} ${JSON.stringify(frame['details'])}`);
    if (frame.ref !== undefined) asked.delete(frame.ref);
    if (type !== 'room:notification' && code !== 'history') return;
    if (codes.has(code)) sightings.push({ at: performance.now(), room, frame });
    try {
      logs.get(room)?.take(frame);
    } catch (error) {
      fail(`${room}: ${String(error)}`);
    }
  }

  /** Asks for what it lacks, as often as it takes. */
  function lookAround(): void {
    if (isClosing || socket?.readyState !== WebSocket.OPEN) return;
    timer = setTimeout(lookAround, retryMs);
    for (const log of logs.values()) {
      const { name: room, isMember, first, contiguous, epoch } = log;
      if (asked.has(room)) continue;
      const since = first === undefined ? {} : { since: contiguous, epoch };
      const before = log.missingBefore();
      if (!isMember) ask({ type: 'join', room_name: room, ...since });
      else if (before !== undefined) ask({ type: 'history', room_name: room, before, limit: 200 });
    }
  }
  function ask(frame: { room_name: string; [key: string]: unknown }): void {
    asked.add(frame.room_name);
    socket?.send(JSON.stringify({ ...frame, ref: frame.room_name }));
  }

  connect();
  return {
    name,
    logs,
    get sessions() {
      return sessions;
    },
    sightings,
    unfinished(lastIds) {
      for (const { name: room, isMember, contiguous } of logs.values()) {
        if (!isMember) return `not in ${room}`;
        if (contiguous !== lastIds.get(room)) return `${room} read up to ${contiguous} of ${lastIds.get(room)}`;
      }
      return undefined;
    },
    async close() {
      isClosing = true;
      clearTimeout(timer);
      const open = socket;
      if (open === undefined || open.readyState === WebSocket.CLOSED) return;
      const closed = new Promise((resolve) => open.once('close', resolve));
      if (open.readyState === WebSocket.OPEN) open.close(1000);
      else open.terminate();
      await closed;
    },
  };
}
