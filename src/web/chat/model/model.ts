/**
 * What the chat page knows and can do, without a document: the view reads the signals and calls the actions. The
 * contract between model/ and view/; neither knows more of the other.
 */
import type { ReadonlySignal } from '@preact/signals';
import type { ConnectionState, TransportKind } from '../../../client/index.ts';

/** Why the page is at the log-in again; undefined at a first visit. */
export type SignedOutReason = 'logged-out' | 'signed-out' | 'kicked' | 'not-authenticated';

export type Phase =
  | { kind: 'signed-out'; reason: SignedOutReason | undefined }
  /** A stored token is being tried, or somebody just logged in. */
  | { kind: 'starting' }
  | { kind: 'chatting' }
  /** Chatting goes on in another window or device: `useHere` brings it here. */
  | { kind: 'elsewhere'; reason: 'already-chatting' | 'resumed-elsewhere' };

export type Link = {
  state: ConnectionState;
  transport: TransportKind | undefined;
  /** Milliseconds since the epoch at which the server said it comes back; undefined: it did not say. */
  backAt: number | undefined;
};

/** Sentences for a form: beside its fields, and for the form as a whole. */
export type FormFaults = { fields: Readonly<Record<string, readonly string[]>>; form: readonly string[] };

export type RoomListEntry = {
  name: string;
  topic: string;
  /** Users in it, as of the last refresh, or now where this page is in it. */
  users: number;
  isJoined: boolean;
  /** Messages after the last that was read; 0 in a room that is not joined. */
  unread: number;
  /** Whether one of them names this user. */
  isMentioned: boolean;
};

/** `key` is unique within the room, and stays when a pending item settles. `at`: milliseconds since the epoch. */
type ItemBase = { key: string; at: number; user: string; you: boolean };
/** `failed`: `why` is a sentence; it can be sent again. */
export type Delivery = { state: 'sent' } | { state: 'pending' } | { state: 'failed'; why: string };
export type MessageItem = ItemBase & {
  kind: 'message';
  /** Undefined until it is stored. */
  id: number | undefined;
  body: string;
  isMention: boolean;
  delivery: Delivery;
};
export type CommandItem = ItemBase & { kind: 'command'; command: string; payload: string; delivery: Delivery };
export type PresenceItem = ItemBase & { kind: 'joined' | 'parted' };
/** What stays of a message that an administrator deleted. */
export type DeletedItem = ItemBase & { kind: 'deleted'; id: number };
export type Item = MessageItem | CommandItem | PresenceItem | DeletedItem;

/** A joined room. Items are in the order in which they are shown. Arrays are replaced, never changed in place. */
export type OpenRoom = {
  readonly name: string;
  readonly items: ReadonlySignal<readonly Item[]>;
  /** Names, sorted, without regard to case. */
  readonly users: ReadonlySignal<readonly { name: string; you: boolean }[]>;
  /** Older messages can be had by `loadOlder`. */
  readonly hasOlder: ReadonlySignal<boolean>;
  readonly isLoadingOlder: ReadonlySignal<boolean>;
  /** The `key` of the first item that is new since the room was last read; undefined: none. */
  readonly newFrom: ReadonlySignal<string | undefined>;
  /** What is being typed: kept while another room is shown. */
  draft: string;
};

/** One line of "Server Logs". `code`: of the error or event, where it has one. */
export type LogEntry = {
  key: number;
  at: number;
  kind: 'connection' | 'error' | 'rooms' | 'notice';
  text: string;
  code: string | undefined;
};

/** What is shown in the middle: a room, or the log. */
export type Place = { kind: 'room'; name: string } | { kind: 'log' };

export interface ChatModel {
  readonly phase: ReadonlySignal<Phase>;
  readonly link: ReadonlySignal<Link>;
  readonly username: ReadonlySignal<string | undefined>;
  readonly isSuperuser: ReadonlySignal<boolean>;
  /** By name. */
  readonly rooms: ReadonlySignal<readonly RoomListEntry[]>;
  readonly isRefreshing: ReadonlySignal<boolean>;
  readonly place: ReadonlySignal<Place>;
  /** The joined room in `place`; undefined for the log and while a room is being joined. */
  readonly room: ReadonlySignal<OpenRoom | undefined>;
  readonly log: ReadonlySignal<readonly LogEntry[]>;
  /** Unread messages of all joined rooms. */
  readonly unread: ReadonlySignal<number>;
  /** Names of commands to offer, sorted: seen in the rooms, and the bot's. */
  readonly knownCommands: ReadonlySignal<readonly string[]>;
  /** Characters of a message at most. */
  readonly maxLength: ReadonlySignal<number>;

  /** Resolves undefined when it worked: the page is chatting then. */
  register(fields: { username: string; password: string; email: string }): Promise<FormFaults | undefined>;
  login(fields: { username: string; password: string }): Promise<FormFaults | undefined>;
  logout(): Promise<void>;
  /** From the phase `elsewhere`: chats here, and the other place is told. */
  useHere(): Promise<void>;
  refreshRooms(): Promise<void>;
  /** Shows a room, joining it first where it is not joined yet. What fails is in the log and in `notice`. */
  openRoom(name: string): Promise<void>;
  openLog(): void;
  leaveRoom(name: string): Promise<void>;
  loadOlder(name: string): Promise<void>;
  /** A message, or a command where the text looks like one (`/name=value`). Never rejects: the item says how it went. */
  send(name: string, text: string): void;
  /** A failed item, again: a message with the same ref, so that it is never stored twice. */
  resend(name: string, key: string): void;
  /** A failed item goes away. */
  discard(name: string, key: string): void;
  /**
   * Whether the end of the room that is shown is in sight. While it is, and the page is visible, what is there and what
   * comes counts as read. Opening a room sets it to false; the view says what it sees.
   */
  setAtEnd(isAtEnd: boolean): void;
  /** The reader wants the room that is shown to count as read, wherever it is scrolled to. */
  markRead(): void;
  /** The last thing that went wrong and is worth a word beside the page; the view lets it go. */
  readonly notice: ReadonlySignal<string | undefined>;
  dismissNotice(): void;

  /** Once, when the page is there: goes on from a stored token, or from what `suspend` left. */
  start(): void;
  /** The page goes away, perhaps for a reload (`pagehide`): leaves what the next one needs to go on as if nothing had been. */
  suspend(): void;
  /** The page did not go away after all (`pageshow` out of the back/forward cache). */
  unsuspend(): void;
  /** Another page of this browser logged in or out (the `storage` event): looks at the stored token again. */
  checkToken(): void;
  /** Ends everything. The page need not call it. */
  close(): Promise<void>;
}
