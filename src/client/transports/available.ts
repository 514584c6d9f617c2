/** Which transports this platform has, the best first, and how each is opened. */
import type { FetchLike, Timers, WebSocketConstructor } from '../platform.ts';
import { createPollTransport } from './poll.ts';
import { createSseTransport } from './sse.ts';
import type { OpenTransport, TransportKind } from './transport.ts';
import { createWebSocketTransport } from './websocket.ts';

/** `auto`: the best that works at the moment. */
export type TransportWish = TransportKind | 'auto';

export const transportWishes: readonly TransportWish[] = ['auto', 'websocket', 'sse', 'poll'];

export type Platform = {
  base: string;
  WebSocket: WebSocketConstructor | undefined;
  fetch: FetchLike;
  timers: Timers;
  now: () => number;
};

export function availableTransports(
  wish: TransportWish,
  { base, WebSocket, fetch, timers, now }: Platform,
): ReadonlyMap<TransportKind, OpenTransport> {
  const missing: OpenTransport = () => {
    throw new TypeError('No WebSocket here: pass one to createClient, or let it choose another transport.');
  };
  const all: readonly (readonly [TransportKind, OpenTransport])[] = [
    ['websocket', WebSocket === undefined ? missing : createWebSocketTransport(base, WebSocket, timers)],
    ['sse', createSseTransport(base, fetch, timers)],
    ['poll', createPollTransport(base, fetch, timers, now)],
  ];
  const isWanted = (kind: TransportKind): boolean =>
    wish === kind || (wish === 'auto' && (kind !== 'websocket' || WebSocket !== undefined));
  return new Map(all.filter(([kind]) => isWanted(kind)));
}
