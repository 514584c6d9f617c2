/**
 * What finchat's event streams and polls are measured against: node:http with nothing around it. It accepts anybody,
 * checks and stores nothing, and shows each message to all of its room. Arguments: `sse broadcast` writes each message
 * to each stream, the same bytes for everybody; `poll broadcast` answers each waiting poll with each message; `sse joined`
 * and `poll joined` write the messages of one turn of the event loop as one. All but the first write ids or a cursor of
 * each receiver's own, as resuming needs them.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEventLayout } from '../src/transports/event-layout.ts';

type Client = {
  session: string;
  /** Messages so far: what a cursor counts. */
  count: number;
  room: Room | undefined;
  /** The stream, or the poll that waits. */
  response: ServerResponse | undefined;
  /** Messages that wait for the next poll, as JSON, with commas between them. */
  waiting: string;
};
type Room = { clients: Set<Client>; turn: string[] };
type Message = { type: string; room_name: string; body: string };

const isPolled = process.argv[2] === 'poll';
const isJoining = process.argv[3] === 'joined';
/** finchat's own: each event's bytes are laid out once, and only its ids are written for each receiver. */
const layout = createEventLayout();
const clients = new Map<string, Client>();
const rooms = new Map<string, Room>();
const stamp = '2020-09-26 12:12:13';
const motd = JSON.stringify({ type: 'notification', code: 'api-motd', content: 'Hello.' });
const streamHeaders = { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store, no-transform' };
let nextId = 1;

const server = createServer((request, response) => {
  const { url = '' } = request;
  const token = /[?&]token=([^&]*)/.exec(url)?.[1] ?? '';
  const known = clients.get(token);
  if (request.method === 'POST') receive(request, response, known);
  else if (known !== undefined && isPolled) poll(known, response);
  else open(token, request, response);
});
// A member that seldom speaks keeps its connection.
server.keepAliveTimeout = 120_000;
// Ended like this it still writes its CPU profile, where it has to.
process.once('SIGTERM', () => process.exit());
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));

function open(token: string, request: IncomingMessage, response: ServerResponse): void {
  const session = `s${String(clients.size).padStart(21, '0')}`;
  const client: Client = { session, count: 0, room: undefined, response, waiting: '' };
  clients.set(token, client);
  request.socket.on('close', () => {
    clients.delete(token);
    client.room?.clients.delete(client);
  });
  if (!isPolled) response.writeHead(200, streamHeaders).flushHeaders();
  tell(client, motd);
}

function poll(client: Client, response: ServerResponse): void {
  client.response = response;
  if (client.waiting !== '') answer(client, response);
}

function answer(client: Client, response: ServerResponse): void {
  const body = `{"cursor":"${client.session}.${client.count}","messages":[${client.waiting}]}`;
  client.waiting = '';
  client.response = undefined;
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }).end(body);
}

function receive(request: IncomingMessage, response: ServerResponse, client: Client | undefined): void {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (part: string) => {
    body += part;
  });
  request.on('end', () => {
    response.writeHead(client === undefined ? 409 : 202, { 'Content-Length': 0 }).end();
    if (client === undefined) return;
    const messages = JSON.parse(body) as Message | Message[];
    for (const message of Array.isArray(messages) ? messages : [messages]) handle(client, message);
  });
}

function handle(client: Client, message: Message): void {
  if (message.type !== 'join') {
    if (client.room !== undefined) show(client.room, message);
    return;
  }
  const { room_name } = message;
  const room = rooms.get(room_name) ?? { clients: new Set(), turn: [] };
  rooms.set(room_name, room);
  client.room = room;
  room.clients.add(client);
  const status = { users: [], messages: [], last_id: 0, epoch: '' };
  tell(client, notification({ code: 'joined', you: true, user: 'u', room_name, stamp, status }));
}

/** Something for one client alone: it does not happen often. */
function tell(client: Client, message: string): void {
  client.count += 1;
  if (!isPolled) {
    client.response?.socket?.write(chunk(`id: ${client.session}.${client.count}\ndata: ${message}\n\n`));
    return;
  }
  client.waiting += client.waiting === '' ? message : `,${message}`;
  if (client.response !== undefined) answer(client, client.response);
}

function notification(fields: object): string {
  return JSON.stringify({ type: 'room:notification', ...fields });
}

function show(room: Room, { room_name, body }: Message): void {
  const id = nextId++;
  const message = notification({ code: 'message', you: false, user: 'user-0001', room_name, body, id, stamp });
  if (!isJoining && isPolled) {
    showPolls(room, [message]);
    return;
  }
  if (!isJoining) {
    const event = Buffer.from(chunk(`data: ${message}\n\n`), 'utf8');
    for (const client of room.clients) client.response?.socket?.write(event);
    return;
  }
  if (room.turn.push(message) > 1) return;
  setImmediate(() => {
    const messages = room.turn;
    room.turn = [];
    if (isPolled) showPolls(room, messages);
    else showStreams(room, messages);
  });
}

function showStreams(room: Room, messages: readonly string[]): void {
  const frames = messages.map((message) => ({ bytes: Buffer.from(message) }));
  for (const client of room.clients) {
    const { session, count, response } = client;
    client.count += messages.length;
    response?.socket?.write(layout.chunkOf(frames, { session, n: count + 1 }));
    if (response !== undefined && response.writableLength > 0) layout.keep();
  }
}

/**
 * A chunk of the body (RFC 9112 §7.1), for the socket: `response.write` makes four pieces of it, which is a fifth fewer
 * deliveries a second.
 */
function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

function showPolls(room: Room, messages: readonly string[]): void {
  const joined = messages.join(',');
  for (const client of room.clients) {
    client.count += messages.length;
    client.waiting += client.waiting === '' ? joined : `,${joined}`;
    if (client.response !== undefined) answer(client, client.response);
  }
}
