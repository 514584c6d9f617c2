/**
 * Socket.IO at its best, doing what the bare servers do: websocket only, no compression, its in-memory adapter, which
 * encodes each message once for all of a room.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Server } from 'socket.io';

type Message = { type: string; room_name: string; body: string };

const stamp = '2020-09-26 12:12:13';
let nextId = 1;

const server = createServer();
const io = new Server(server, {
  transports: ['websocket'],
  perMessageDeflate: false,
  httpCompression: false,
  serveClient: false,
});
// As its manual advises where nobody asks for it: the first request of each session would be kept as long as that.
io.engine.on('connection', (rawSocket: object) => Object.assign(rawSocket, { request: null }));
io.on('connection', (socket) => {
  socket.emit('m', { type: 'notification', code: 'api-motd', content: 'Hello.' });
  socket.on('m', (message: Message) => {
    const { type, room_name, body } = message;
    if (type === 'join') {
      void socket.join(room_name);
      const status = { users: [], messages: [], last_id: 0, epoch: '' };
      socket.emit('m', { type: 'room:notification', code: 'joined', you: true, user: 'u', room_name, stamp, status });
      return;
    }
    const shown = { code: 'message', you: false, user: 'user-0001', room_name, body, id: nextId++, stamp };
    io.to(room_name).emit('m', { type: 'room:notification', ...shown });
  });
});
// Ended like this it still writes its CPU profile, where it has to.
process.once('SIGTERM', () => process.exit());
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
