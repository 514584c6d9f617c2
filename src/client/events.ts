/** What a client tells its listeners, and in which words. Server messages in camelCase, with `room` for `room_name`. */
import type { HistoryEntry, RoomStatus, ServerFrame } from '../protocol/frames.ts';
import type { ConnectionState } from './connection-deps.ts';
import type { ChatError, EndReason, FatalError } from './errors.ts';
import type { TransportKind } from './transports/transport.ts';

/** A stored message. `id` ascends within a room (and its `epoch`); `stamp`: `YYYY-MM-DD HH:MM:SS`, UTC. */
export type ChatMessage = HistoryEntry & { room: string };

export type JoinedEvent = {
  room: string;
  user: string;
  you: boolean;
  stamp: string;
  /** Present exactly when `you` is true. */
  status?: RoomStatus;
};
export type PartedEvent = { room: string; user: string; you: boolean; stamp: string };
export type CommandEvent = PartedEvent & { command: string; payload: string };
export type DeletedEvent = { room: string; id: number };

export type ClientEvents = {
  /**
   * A message of a room the client is in, one's own included: each exactly once, by ascending id, whether it came live
   * or was caught up with after a reconnect. Messages before the first `join` are in its status, not here.
   */
  message: ChatMessage;
  /** Somebody joined; with `you`, this client did, by `join()`. */
  joined: JoinedEvent;
  /** Somebody left; with `you`, this client did, by `part()` or because the room is gone. */
  parted: PartedEvent;
  /** A command. Not stored: those sent while this client was away are not seen. */
  custom: CommandEvent;
  /**
   * An administrator deleted a message of a room the client is in: it is to be shown no more. Follows its `message`, where
   * there was one; may name a message that was never told. Not told of the time in which the client had no session.
   */
  deleted: DeletedEvent;
  /** The greeting of a new session. */
  motd: { content: string };
  /**
   * The client is in the room again, in a new session; the missed messages follow as `message`. `status.users` is who is
   * there now. `gap`: what was missed cannot be known, because the room's log is another one (restored, or the room made
   * anew): take what you show from `status.messages`.
   */
  rejoined: { room: string; status: RoomStatus; gap: boolean };
  /** The room could not be joined again after a reconnect, and is not tried again. */
  left: { room: string; error: ChatError };
  /** An error of the server that no waiting request accounts for. */
  error: ChatError;
  /** The server is about to restart; the client comes back by itself after that many milliseconds. */
  'server-closing': { reconnectInMs: number };
  /** The token was logged out; `end` follows. */
  'logged-out': Record<string, never>;
  state: { state: ConnectionState; previous: ConnectionState };
  /** The transport in use is another one, or none while the client is away. */
  transport: { transport: TransportKind | undefined };
  /**
   * In the chat, over a connection of its own. `resumed`: the session goes on, and what was missed follows as if nothing
   * had been; otherwise it is a new one, and the rooms are joined again.
   */
  session: { resumed: boolean };
  /** The client ended and does not come back by itself, also after `close()`. */
  end: { reason: EndReason; error: FatalError };
  /** Every server message as it came, before anything else is told of it. */
  frame: ServerFrame;
};
