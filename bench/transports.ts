/** The raw client of each wire. */
import type { Wire } from './plan.ts';
import type { OpenRawClient } from './raw-client.ts';
import { openNchanPoll, openNchanSocket, openNchanStream } from './raw-nchan.ts';
import { openRawPoll } from './raw-poll.ts';
import { openRawResumable, openRawSocket } from './raw-socket.ts';
import { openRawSocketIo } from './raw-socket-io.ts';
import { openRawStream } from './raw-stream.ts';

export const openRawClient: Readonly<Record<Wire, OpenRawClient>> = {
  websocket: openRawSocket,
  'websocket-resumable': openRawResumable,
  sse: openRawStream,
  poll: openRawPoll,
  'socket.io': openRawSocketIo,
  'nchan-websocket': openNchanSocket,
  'nchan-sse': openNchanStream,
  'nchan-poll': openNchanPoll,
};
