/** What a connection needs of the client around it, and what it tells it. */
import type { ServerFrame } from '../protocol/frames.ts';
import type { FatalError } from './errors.ts';
import type { Timers } from './platform.ts';
import type { OpenTransport, TransportKind } from './transports/transport.ts';

export type ConnectionState = 'idle' | 'connecting' | 'open' | 'waiting' | 'ended';

export type ConnectionDeps = {
  /** The transports that may be used, the best first; one at least. */
  transports: ReadonlyMap<TransportKind, OpenTransport>;
  /** Ends a session that no line is attached to; never rejects. */
  endSession: (session: string) => Promise<void>;
  token: () => string | undefined;
  timers: Timers;
  /** Milliseconds of a clock that does not jump. */
  now: () => number;
  random: () => number;
  onState: (state: ConnectionState, previous: ConnectionState) => void;
  /** The transport in use is another, or none. */
  onTransport: (kind: TransportKind | undefined) => void;
  /** A message came, which the cursor does not count yet. */
  onArrival: (frame: ServerFrame) => void;
  /** The same message, counted: all that it means is to be told. */
  onFrame: (frame: ServerFrame) => void;
  /** In the chat. `isResumed`: the session before goes on, and nothing of it was or will be missed. */
  onOpen: (isResumed: boolean) => void;
  /** An open line is gone; the next attempt is on its way. Called before the state is told. */
  onLost: () => void;
  /** The end has come: tidy up. Called before the state is told, whose listeners may connect anew. */
  onEnd: (error: FatalError) => void;
  /** All is tidy: tell. */
  onEnded: (error: FatalError) => void;
};
