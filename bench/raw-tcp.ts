/** A TCP connection to the measured server, read with the least work that Node allows. */
import { connect, type Socket } from 'node:net';

export const connectDeadlineMs = 10_000;

// One buffer for all: Node reads into it and calls back before the next read, of any socket.
const shared = Buffer.allocUnsafe(256 * 1024);

export type TcpEvents = {
  /** What arrived, valid only during the call. */
  onChunk(chunk: Buffer): void;
  /** Once, however the connection ends. `why` is the system's word for it, where it has one. */
  onEnd(why: string | undefined): void;
};

/** What is written before it is connected goes out then. */
export function openTcp(port: number, events: TcpEvents): Socket {
  let why: string | undefined;
  const socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: {
      buffer: shared,
      callback: (length) => {
        events.onChunk(shared.subarray(0, length));
        return true;
      },
    },
  });
  socket.on('error', (error) => {
    why = error.message;
  });
  socket.once('close', () => events.onEnd(why));
  return socket;
}
