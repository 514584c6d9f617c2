/**
 * Raw clients for tests, one for each transport and with one interface, so that a scenario is written once: they use
 * nothing of the project's own client, nor of its server.
 */
import type { ExecutionContext } from 'ava';
import type { RawClientOptions, TransportName } from './raw-collector.ts';
import { openRawPoll, type RawPollClient, type RawPollOptions } from './raw-poll.ts';
import { openRawSse, type RawSseClient, type RawSseOptions } from './raw-sse.ts';
import { openRawWebSocket, type RawWebSocketClient } from './raw-websocket.ts';

export type { RawClient, RawClientOptions, RawEnd, RawFrame, TransportName } from './raw-collector.ts';
export type { RawPollClient } from './raw-poll.ts';
export type { RawSseClient } from './raw-sse.ts';
export type { RawWebSocketClient } from './raw-websocket.ts';

/** The client of each transport. */
export type RawClientOf = { websocket: RawWebSocketClient; sse: RawSseClient; poll: RawPollClient };
export type RawOptionsOf = { websocket: RawClientOptions; sse: RawSseOptions; poll: RawPollOptions };

const openers = { websocket: openRawWebSocket, sse: openRawSse, poll: openRawPoll } as const;

/**
 * Connects to `url` (`http://host:port`) and resolves once the connection is open, or was refused with a `fatal`.
 * Rejects with the HTTP status on any other refusal. Cut when the test ends.
 */
export function openRawClient<Name extends TransportName = 'websocket'>(
  t: ExecutionContext,
  url: string,
  options: RawOptionsOf[Name] & { transport?: Name } = {},
): Promise<RawClientOf[Name]> {
  const name: TransportName = options.transport ?? 'websocket';
  return openers[name](t, url, options) as Promise<RawClientOf[Name]>;
}
