/**
 * The chat protocol's JSON messages as types: unions by `type` and, for the server's, `code`.
 * Names on the wire are snake_case, as the first clients know them.
 */
import type { ErrorCode, FatalCode } from './errors.ts';

// ---- from the client ----

export type HelpFrame = { type: 'help'; ref?: string };
export type ListFrame = { type: 'list'; ref?: string };
export type JoinFrame = { type: 'join'; room_name: string; since?: number; epoch?: string; ref?: string };
export type PartFrame = { type: 'part'; room_name: string; ref?: string };
export type MessageFrame = { type: 'message'; room_name: string; body: string; ref?: string };
/** Also accepted as `{"type":"message"}` with `command` and `payload` in place of `body`; the codec makes it this form. */
export type CustomFrame = { type: 'custom'; room_name: string; command: string; payload: string; ref?: string };
export type HistoryFrame = { type: 'history'; room_name: string; before?: number; limit?: number; ref?: string };

export type ClientFrame = HelpFrame | ListFrame | JoinFrame | PartFrame | MessageFrame | CustomFrame | HistoryFrame;
export type ClientFrameType = ClientFrame['type'];

// ---- from the server ----

/** One entry of `status.messages` and of `history`. `stamp`: `YYYY-MM-DD HH:MM:SS`, UTC. */
export type HistoryEntry = { id: number; stamp: string; user: string; you: boolean; body: string };
export type RoomEntry = { name: string; joined: boolean };
export type UserEntry = { name: string; you: boolean };

export type RoomStatus = {
  users: UserEntry[];
  /** Newest first. */
  messages: HistoryEntry[];
  last_id: number;
  epoch: string;
  truncated?: true;
};

export type NotificationFrame =
  | { type: 'notification'; code: 'api-motd'; content: string }
  | { type: 'notification'; code: 'help'; help: string; ref?: string }
  | { type: 'notification'; code: 'list'; list: RoomEntry[]; ref?: string }
  | {
      type: 'notification';
      code: 'history';
      room_name: string;
      messages: HistoryEntry[];
      more: boolean;
      ref?: string;
    }
  | {
      type: 'notification';
      code: 'session';
      session: string;
      /** False: a new session. */
      resumed: boolean;
      /** Seconds that the session waits for its client after its connection is gone. */
      grace: number;
    }
  /** On event streams: the server asks for a sign of life, any POST. */
  | { type: 'notification'; code: 'ping' }
  | { type: 'notification'; code: 'logged-out' }
  | { type: 'notification'; code: 'server-closing'; reconnect_in: number };

export type RoomFrame =
  | {
      type: 'room:notification';
      code: 'joined';
      you: boolean;
      user: string;
      room_name: string;
      stamp: string;
      /** Present exactly when `you` is true. */
      status?: RoomStatus;
      ref?: string;
    }
  | {
      type: 'room:notification';
      code: 'parted';
      you: boolean;
      user: string;
      room_name: string;
      stamp: string;
      ref?: string;
    }
  | {
      type: 'room:notification';
      code: 'message';
      you: boolean;
      user: string;
      room_name: string;
      body: string;
      id: number;
      stamp: string;
      ref?: string;
      /** The message was stored before under the same ref: a direct answer, no new message. */
      repeat?: true;
    }
  | {
      type: 'room:notification';
      code: 'custom';
      you: boolean;
      user: string;
      room_name: string;
      command: string;
      payload: string;
      stamp: string;
      ref?: string;
    }
  /** An administrator deleted the message `id`. */
  | { type: 'room:notification'; code: 'deleted'; room_name: string; id: number };

export type ErrorFrame = { type: 'error'; code: ErrorCode; details?: ErrorDetails; ref?: string };
/** `until`: as a `stamp`. */
export type ErrorDetails = {
  name?: string;
  type?: unknown;
  max_length?: number;
  retry_after?: number;
  until?: string;
};
export type FatalFrame = { type: 'fatal'; code: FatalCode };

export type ServerFrame = NotificationFrame | RoomFrame | ErrorFrame | FatalFrame;
