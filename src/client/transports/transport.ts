/**
 * The seam for ways to reach the server. A transport carries messages and says when it ended; it does not read them,
 * reconnect or decide anything.
 */

export type TransportKind = 'websocket' | 'sse' | 'poll';

/** Why a transport ends, as WebSocket close codes say it (src/protocol/close-codes.ts); these it makes itself. */
export const ownCloseCodes = {
  /** What came back is not the answer of a finchat server: a proxy's page, for example. */
  strange: 1002,
  /** The line broke, or there was none. */
  broken: 1006,
  /** The client ends the transport and means to come back to the session. Any code but 1000 does. */
  suspended: 3000,
} as const;

export type TransportEvents = {
  /** The session that the messages are of, where no message says so. */
  onSession(session: string, isResumed: boolean): void;
  /**
   * One server message, parsed; undefined where it is no JSON. `n`: its place in the session, where the transport knows
   * it. Never called after `onClosed`.
   */
  onMessage(message: unknown, n?: number): void;
  /** Something came, no message. */
  onAlive(): void;
  /** The transport ended by itself. `waitMs`: how long the server wants to be left alone. Called once, never after `close`. */
  onClosed(code: number, waitMs?: number): void;
};

export type OpenOptions = {
  token: string | undefined;
  /** Where to go on, as `<session>.<n>`. */
  cursor: string | undefined;
  /** Take the place of the user's present connection, without asking whether it lives. */
  takeover: boolean;
  /** The session's id, once it is known. */
  session: () => string | undefined;
};

export type Transport = {
  /** Takes one client message. What is sent before the session is known, or after the end, may be lost. */
  send(text: string): void;
  /** Shows the server that this side lives, where sending does not go over the same line as receiving. */
  proveLife?(): void;
  /** While held, what has begun goes on, and nothing new is begun that would tell the server a later cursor. */
  hold?(isHeld: boolean): void;
  /**
   * Ends the transport: nothing is called afterwards. `leave` ends the session too, `keep` leaves it to its grace.
   * Resolves when the other side has agreed, or after a moment.
   */
  close(how: 'leave' | 'keep'): Promise<void>;
};

/** Begins to open a transport and returns at once. Throws when the platform refuses to try. */
export type OpenTransport = (options: OpenOptions, events: TransportEvents) => Transport;

/** Milliseconds that `close` waits for the other side to agree: a line that is dead never does. */
export const closeWaitMs = 1_000;

export function parseMessage(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
