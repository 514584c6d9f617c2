/** A member of every room on a line that nobody touches: it sees each event of each room, once, in the order that holds. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { RawFrame } from '../support/raw-client.ts';
import { createRoomLog, type RoomLog } from './room-log.ts';

export type Watcher = {
  readonly logs: ReadonlyMap<string, RoomLog>;
  /** Resolves when everything that the server wrote before has been read. */
  settle(): Promise<void>;
  close(): Promise<void>;
};

export async function openWatcher(options: {
  name: string;
  token: string;
  url: string;
  rooms: readonly string[];
  fail: (what: string) => void;
}): Promise<Watcher> {
  const { name, token, rooms, fail } = options;
  const logs = new Map(rooms.map((room) => [room, createRoomLog(room, name)]));
  const address = new URL('/ws/chat', options.url.replace(/^http/, 'ws'));
  address.searchParams.set('token', token);
  const socket = new WebSocket(address);
  let isClosing = false;
  socket.on('error', (error) => fail(`watcher: ${error.message}`));
  socket.on('close', (code) => {
    if (!isClosing) fail(`watcher: its line was closed with ${code}`);
  });
  socket.on('message', (data) => {
    const frame = JSON.parse((data as Buffer).toString()) as RawFrame;
    if (frame.type !== 'room:notification') return;
    try {
      logs.get(frame.room_name ?? '')?.take(frame);
    } catch (error) {
      fail(`watcher: ${frame.room_name}: ${String(error)}`);
    }
  });
  await once(socket, 'open');
  const settle = async (): Promise<void> => {
    const pong = once(socket, 'pong');
    socket.ping();
    await pong;
  };
  for (const room of rooms) socket.send(JSON.stringify({ type: 'join', room_name: room }));
  while (Array.from(logs.values()).some((log) => !log.isMember)) await settle();
  return {
    logs,
    settle,
    async close() {
      isClosing = true;
      socket.close(1000);
      await once(socket, 'close');
    },
  };
}
