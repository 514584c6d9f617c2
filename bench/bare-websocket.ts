/**
 * What finchat is measured against: the `ws` library with nothing around it. It accepts anybody, joins at once, checks
 * nothing, and shows each message to all of its room. Arguments: `send` gives each message to each client's
 * `send`; `broadcast` builds its frame once and writes it to each socket; `joined` writes the frames of one turn of the
 * event loop as one; `stored` does the same once they are committed to SQLite.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { type BareRow, openBareStore } from './bare-store.ts';

type Room = { clients: Set<WebSocket>; sockets: Set<Duplex>; waiting: Buffer[] };
type Message = { type: string; room_name: string; body: string };

const way = process.argv[2];
const store = way === 'stored' ? openBareStore() : undefined;
const rooms = new Map<string, Room>();
/** What this turn of the event loop has brought, and the rooms that wait for its end. */
let rows: BareRow[] = [];
let due: Room[] = [];
const user = 'user-0001';
const stamp = '2020-09-26 12:12:13';
const motd = JSON.stringify({ type: 'notification', code: 'api-motd', content: 'Hello.' });
let nextId = 1;

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false, maxPayload: 65_536 });
sockets.on('connection', (webSocket, request) => {
  const { socket } = request;
  let room: Room | undefined;
  webSocket.send(motd);
  webSocket.on('message', (data) => {
    if (!Buffer.isBuffer(data)) return;
    const message = JSON.parse(data.toString('utf8')) as Message;
    if (message.type === 'join') {
      room = roomOf(message.room_name);
      room.clients.add(webSocket);
      room.sockets.add(socket);
      const status = { users: [], messages: [], last_id: 0, epoch: '' };
      webSocket.send(
        notification({ code: 'joined', you: true, user: 'u', room_name: message.room_name, stamp, status }),
      );
    } else if (room !== undefined) show(room, message);
  });
  webSocket.on('close', () => {
    room?.clients.delete(webSocket);
    room?.sockets.delete(socket);
  });
});
// Ended like this it still writes its CPU profile, where it has to.
process.once('SIGTERM', () => process.exit());
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));

function roomOf(name: string): Room {
  const room = rooms.get(name) ?? { clients: new Set(), sockets: new Set(), waiting: [] };
  rooms.set(name, room);
  return room;
}

function notification(fields: object): string {
  return JSON.stringify({ type: 'room:notification', ...fields });
}

function show(room: Room, { room_name, body }: Message): void {
  const id = nextId++;
  const text = notification({ code: 'message', you: false, user, room_name, body, id, stamp });
  if (way === 'send') {
    for (const client of room.clients) client.send(text);
    return;
  }
  const frame = encode(text);
  if (way === 'broadcast') {
    for (const socket of room.sockets) socket.write(frame);
    return;
  }
  if (store !== undefined) rows.push({ room: room_name, user, body });
  if (room.waiting.push(frame) === 1 && due.push(room) === 1) setImmediate(endTurn);
}

function endTurn(): void {
  store?.(rows);
  const turnRooms = due;
  rows = [];
  due = [];
  for (const room of turnRooms) {
    const frames = Buffer.concat(room.waiting);
    room.waiting = [];
    for (const socket of room.sockets) socket.write(frames);
  }
}

/** A server's text frame (RFC 6455 §5.2): built once, the same bytes for everybody. */
function encode(text: string): Buffer {
  const payload = Buffer.from(text, 'utf8');
  const wide = payload.length > 125;
  const head = Buffer.alloc(wide ? 4 : 2);
  head[0] = 0x81;
  head[1] = wide ? 126 : payload.length;
  if (wide) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
