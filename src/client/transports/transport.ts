/**
 * The seam for ways to reach the server. A transport carries text and says when it ended; it does not read messages,
 * reconnect or decide anything.
 */

export type TransportEvents = {
  /** One server message, as it came. Never called after `onClosed`. */
  onText(text: string): void;
  /** The transport ended by itself, with a close code; 1006 when there was none. Called once, and never after `close`. */
  onClosed(code: number): void;
};

export type Transport = {
  /** Takes one client message. Text sent before the transport is open, or after it ended, may be lost. */
  send(text: string): void;
  /** Ends the transport: nothing is called afterwards. Resolves when the other side has agreed, or after a moment. */
  close(): Promise<void>;
};

/** Begins to open a transport and returns at once. Throws when the platform refuses to try. */
export type OpenTransport = (token: string | undefined, events: TransportEvents) => Transport;
