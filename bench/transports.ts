/** The raw client of each transport. */
import type { Transport } from './plan.ts';
import type { OpenRawClient } from './raw-client.ts';
import { openRawPoll } from './raw-poll.ts';
import { openRawSocket } from './raw-socket.ts';
import { openRawStream } from './raw-stream.ts';

export const openRawClient: Readonly<Record<Transport, OpenRawClient>> = {
  websocket: openRawSocket,
  sse: openRawStream,
  poll: openRawPoll,
};
