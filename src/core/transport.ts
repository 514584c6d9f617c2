/**
 * The port between a session and the way its frames travel at the moment. A transport says what it is, writes and
 * closes; it does not read frames, know rooms or decide anything. For implementers:
 * - hand every text frame to `receive`, in order, and say `onAlive` when the peer gave any sign of life;
 * - say `onDrain` when `unwritten` has come down to nothing after a write that the peer did not take at once;
 * - say `onClose` exactly once, whoever ended the connection;
 * - `write` never throws and never waits: what the peer does not take is counted by `unwritten`.
 *
 * A poll is a transport of one answer: it takes frames until it has answered, and nothing afterwards.
 */
import type { CloseName } from '../protocol/close-codes.ts';
import type { FatalCode } from '../protocol/errors.ts';
import type { Credentials } from './credentials.ts';
import type { Cursor } from './cursor.ts';

export type TransportKind = 'websocket' | 'sse' | 'poll';

/** One server message, encoded once for all its receivers. */
export type EncodedFrame = {
  readonly bytes: Buffer;
  /** See `latin1Of`. */
  latin1?: string;
};

/**
 * The bytes as a string with one character for each, made once for all receivers: a poll's answer is joined from such, and
 * written as `latin1` that is the same bytes again.
 */
export function latin1Of(frame: EncodedFrame): string {
  frame.latin1 ??= frame.bytes.toString('latin1');
  return frame.latin1;
}

export interface Transport {
  readonly kind: TransportKind;
  /** Bytes written that the operating system has not taken yet; `Infinity` when nothing more is taken at all. */
  unwritten(): number;
  /**
   * Writes frames in order, with one system call where it can. A list is given to many, found again by what it is, and so
   * never changed. `first`: the cursor after the first of them; left out for frames that are not counted. After `close` and
   * `refuse` it does nothing.
   */
  write(frames: readonly EncodedFrame[], first?: Cursor): void;
  /** Says the fatal, after what was written, and ends the connection. */
  refuse(code: FatalCode): void;
  /** Ends the connection after what was written; a peer that does not answer is cut. */
  close(name: CloseName): void;
  /** Asks the peer for a sign of life, or keeps proxies on the way from taking the line for dead. */
  ping(): void;
}

/** What a transport tells the session layer about its connection. */
export interface ConnectionEvents {
  /** A text frame, as it came. `bytes`: its size on the wire. */
  receive(text: string, bytes: number): void;
  /** A frame that is no text. */
  receiveBinary(bytes: number): void;
  /** A ping or a pong: a sign of life that counts against the raw cap. */
  receiveControl(bytes: number): void;
  onAlive(): void;
  onDrain(): void;
  /** `isGoodbye`: the client said that it leaves. */
  onClose(isGoodbye: boolean): void;
}

/** How a connection wants to chat. */
export type OpenRequest = {
  credentials: Credentials;
  /** End an older session without asking it for a proof. */
  takeover: boolean;
  /** Whether the session shall outlive the connection. */
  resumable: boolean;
  /** What the client says that it has, as it came. */
  cursor: string | undefined;
};

/** Decides whether a connection may chat: where to tell what happens on it, or undefined after it was refused and closed. */
export type OpenConnection = (transport: Transport, request: OpenRequest) => Promise<ConnectionEvents | undefined>;
