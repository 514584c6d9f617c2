/**
 * The ports of the core: what it needs from a store, from the clock and from chance, without knowing tables or drivers.
 * Each method states its contract here; implementations (storage/) do not repeat it, and one contract suite
 * (test/contracts/) runs over all of them. Times are milliseconds since the epoch. Ids are safe integers from 1.
 */

import type { ActVia, AuditAct } from '../protocol/admin.ts';
import type { ClaimStore, NodeStore } from './cluster-ports.ts';

// ---- time and chance ----

/** Time as an argument, so that tests need not wait. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `run` once after `ms`; the returned function calls it off. A waiting timer does not keep the process alive. */
  after(ms: number, run: () => void): () => void;
  /** Runs `run` when the present turn of the event loop has handled its input: what happens in one turn is written once. */
  endOfTurn(run: () => void): void;
}

/** `bytes` random bytes as base64url. */
export type RandomText = (bytes: number) => string;

// ---- errors of a store ----

/**
 * Why a store's call failed. The funnel of each edge turns it into the contract's answer; `cause` is the driver's error.
 * - `conflict`: a unique name is taken; `field` says which.
 * - `busy`: nothing was done, the same call may be made again (a held write lock, a serialization failure, a deadlock).
 * - `unknown`: the connection broke, the call may or may not have been done.
 * - `unavailable`: nothing was done, the store cannot be reached.
 * - `rejected`: nothing was done, the same call would fail again.
 * - `fenced`: nothing was done, because the node in whose name it was asked was marked dead.
 */
export type StoreErrorKind = 'conflict' | 'busy' | 'unknown' | 'unavailable' | 'rejected' | 'fenced';

export class StoreError extends Error {
  readonly kind: StoreErrorKind;
  /** With `conflict`: the field whose value is taken. */
  readonly field: string | undefined;
  constructor(kind: StoreErrorKind, message: string, options: { cause?: unknown; field?: string } = {}) {
    super(message, { cause: options.cause });
    this.name = 'StoreError';
    this.kind = kind;
    this.field = options.field;
  }
}

// ---- who acts ----

/** Who does an administrative act. `userId` null: somebody on the command line, who is no user of the chat. */
export type Actor = { userId: number | null; name: string; via: ActVia };

export type AuditRecord = {
  id: number;
  createdAt: number;
  actor: string;
  via: ActVia;
  act: AuditAct;
  target: string;
  /** Never a secret. Times in it are texts, ISO 8601 in UTC, since nothing else tells them from numbers. */
  details: Record<string, string | number | boolean | null>;
};

/**
 * What administrators did. Methods of the other stores that take a `by` write here in the same transaction as the act,
 * also when it changed nothing; without `by` (nobody administers: a registration, a log-out) they write nothing.
 */
export interface AuditStore {
  /** Newest first, at most `limit`. `actor` and `target`: names without regard to case. `before`: only records with smaller ids. */
  list(options: {
    actor?: string;
    act?: AuditAct;
    target?: string;
    before?: number;
    limit: number;
  }): Promise<AuditRecord[]>;
}

// ---- accounts ----

/** `until` null: for good. `reason`: for administrators. */
export type Ban = { until: number | null; reason: string };

/** `ban` and `mutedUntil` as they are stored, also when their time is over: see permissions.ts. */
export type User = {
  id: number;
  username: string;
  email: string;
  isSuperuser: boolean;
  isActive: boolean;
  createdAt: number;
  lastLoginAt: number | null;
  ban: Ban | null;
  mutedUntil: number | null;
};
export type NewUser = {
  username: string;
  email: string;
  passwordHash: string;
  isSuperuser: boolean;
  createdAt: number;
};

/**
 * Each change of a row appends to `changes` in the same transaction, so that running servers act on it.
 * Methods that take an id resolve `false` (or undefined) when there is no such row. `by`: see AuditStore.
 */
export interface UserStore {
  /** Rejects with `conflict` (`field: 'username'`) when the folded name is taken. */
  create(user: NewUser, by?: Actor): Promise<User>;
  /** By name, without regard to case. */
  findByName(username: string): Promise<(User & { passwordHash: string }) | undefined>;
  findById(id: number): Promise<User | undefined>;
  /** All users, by name. `search` keeps names and addresses that contain it, without regard to case. At most `limit` rows after the name `after`. */
  list(options?: { search?: string; after?: string; limit?: number }): Promise<User[]>;
  /** Also deletes the user's log-in tokens (those without a label) and appends one `token-revoked` change for each. */
  setPassword(id: number, passwordHash: string, by?: Actor): Promise<boolean>;
  /** Appends `user-deactivated` when it becomes inactive. The last active superuser can be deactivated too. */
  setActive(id: number, isActive: boolean, by?: Actor): Promise<boolean>;
  setSuperuser(id: number, isSuperuser: boolean, by?: Actor): Promise<boolean>;
  /** Appends `user-kicked`, and nothing else. */
  kick(id: number, by?: Actor): Promise<boolean>;
  /** Appends `user-muted`. `until` null: may speak again. */
  mute(id: number, until: number | null, by?: Actor): Promise<boolean>;
  /** Appends `user-kicked`, unless the ban is taken back (null). */
  ban(id: number, ban: Ban | null, by?: Actor): Promise<boolean>;
  /** Users whose mute ends after `now`. */
  muted(now: number): Promise<{ id: number; until: number }[]>;
  setLastLogin(id: number, at: number): Promise<void>;
}

export type Token = {
  id: number;
  userId: number;
  /** A long-lived token's purpose; null for a log-in's. */
  label: string | null;
  createdAt: number;
  lastUsedAt: number | null;
  /** Null: never. */
  expiresAt: number | null;
};

export interface TokenStore {
  /** `hash`: the token's SHA-256 in hex; the token itself is never stored. */
  create(
    token: {
      userId: number;
      hash: string;
      label: string | null;
      createdAt: number;
      expiresAt: number | null;
    },
    by?: Actor,
  ): Promise<Token>;
  /** The token and its user in one query. Expired tokens, inactive and banned users are returned: the caller decides. */
  findByHash(hash: string): Promise<{ token: Token; user: User } | undefined>;
  /** Records a use of each. `expiresAt`: of the log-in tokens among them; those with a label keep theirs. */
  touch(ids: readonly number[], at: number, expiresAt: number): Promise<void>;
  /** Deletes the token and appends `token-revoked`. False: there was none. */
  revoke(id: number, by?: Actor): Promise<boolean>;
  /** By user name, then id. `newest`: only so many, those with the largest ids. */
  list(userId?: number, newest?: number): Promise<(Token & { username: string })[]>;
  findById(id: number): Promise<(Token & { username: string }) | undefined>;
  /** Deletes tokens that expired before `now`; resolves their number. */
  deleteExpired(now: number): Promise<number>;
}

// ---- rooms ----

export type Room = {
  id: number;
  name: string;
  topic: string;
  /** Random; another one after the room's log was restored, copied or begun anew. */
  epoch: string;
  lastId: number;
  createdAt: number;
  updatedAt: number;
};

export type RoomActivity = { messages: number; lastMessageAt: number | null };

export interface RoomStore {
  /** All rooms, by folded name. */
  list(): Promise<Room[]>;
  /** By name, matched exactly. */
  findByName(name: string): Promise<Room | undefined>;
  /** Those of these ids that exist, in any order. */
  findByIds(ids: readonly number[]): Promise<Room[]>;
  /** Rejects with `conflict` (`field: 'name'`) when the folded name is taken. Appends `room-created`. */
  create(room: { name: string; topic: string; createdAt: number }, by?: Actor): Promise<Room>;
  /** Creates these rooms if the database has never had a room; resolves those it created. Safe to run in two processes at once. */
  seed(rooms: readonly { name: string; topic: string }[], createdAt: number): Promise<Room[]>;
  /**
   * What is left out stays, and so do id and epoch. Rejects with `conflict`; appends `room-changed`; notes a rename and a
   * new topic each where it differs from what was there. Undefined: no such room.
   */
  change(id: number, change: { name?: string; topic?: string }, at: number, by?: Actor): Promise<Room | undefined>;
  /** Deletes the row and appends `room-deleted`; the messages are noted for `purge`. From then on nothing can be appended to the room. */
  delete(id: number, by?: Actor): Promise<boolean>;
  /**
   * By room id: how many messages there are, deleted ones apart, and when the newest of them was said. Costs the same
   * for rooms with few messages and with many. Rooms that do not exist are absent.
   */
  activity(roomIds: readonly number[]): Promise<Map<number, RoomActivity>>;
  /** Deletes messages of deleted rooms, in chunks that each hold the write lock for less than 50 ms; resolves their number. May be broken off and run again. */
  purge(signal?: AbortSignal): Promise<number>;
}

// ---- messages ----

export type StoredMessage = { id: number; userId: number; username: string; body: string; createdAt: number };

export type NewMessage = {
  roomId: number;
  userId: number;
  body: string;
  /** The idempotency key; the message log makes one where the client gave none. */
  ref: string;
  createdAt: number;
};

export type AppendOutcome =
  /** Stored now, under the room's next id. */
  | { status: 'stored'; id: number }
  /** Known before under this user, room and ref, with the same body or deleted since: that message's id and time. */
  | { status: 'repeat'; id: number; createdAt: number; isDeleted?: true }
  /** Known before with another body. */
  | { status: 'ref-reused' }
  /** The room was deleted. */
  | { status: 'room-gone' };

export type FoundMessage = StoredMessage & { roomId: number };

export type MessageSearch = {
  /**
   * Each word of this text must be in the message, whole or as the beginning of one of its words. A word is letters and
   * digits without regard to case; all else only separates. A blank text asks for nothing, another one without words
   * finds nothing.
   */
  words?: string;
  userId?: number;
  roomId?: number;
  /** `from` <= time < `to`. */
  from?: number;
  to?: number;
  /** The `next` of the page before. */
  after?: string;
  limit: number;
};

/** Deleted messages are in no answer of a reading method. */
export interface MessageStore {
  /**
   * Stores a batch in one transaction: all of it or nothing; resolves after the commit, one outcome an entry, in order.
   * Ids of a room are dense from 1 and ascend in the order of the batch; commit order is id order on any number of
   * writers. The same user, room and ref twice in one batch counts as sent again: the first wins.
   * Rejects with StoreError `busy`, `unknown`, `unavailable` or `rejected`; with `fenced` when `node` is given and was
   * marked dead: whoever marks it dead sees everything that it has stored.
   */
  append(batch: readonly NewMessage[], node?: string): Promise<AppendOutcome[]>;
  /** `lastId` and the newest `limit` messages, newest first, read in one statement. Undefined: no such room. */
  snapshot(roomId: number, limit: number): Promise<{ lastId: number; messages: StoredMessage[] } | undefined>;
  /**
   * Messages newest first, at most `limit` and at most `maxBytes` of bodies (UTF-8; one message at least): with `before`
   * those with smaller ids, with `after` those with larger ids (the newest of them when there are more than fit).
   * `more`: there are others within the same bounds that did not fit.
   */
  page(
    roomId: number,
    options: { before?: number; after?: number; limit: number; maxBytes: number },
  ): Promise<{ messages: StoredMessage[]; more: boolean }>;
  /** The messages with `from` <= id <= `to`, ascending, at most `limit`. */
  range(roomId: number, from: number, to: number, limit: number): Promise<StoredMessage[]>;
  /** `last_id` by room id; rooms that do not exist are absent. */
  lastIds(roomIds: readonly number[]): Promise<Map<number, number>>;
  /**
   * Empties the body and marks the row, whose ref stays known; appends `message-deleted`. False: there is no such message,
   * or it was deleted before; then nothing is noted.
   */
  delete(roomId: number, id: number, by?: Actor): Promise<boolean>;
  /**
   * Messages of rooms that exist, newest first. What was there when the first page was read is on one page and no other,
   * whatever arrives or is deleted meanwhile. An `after` that this store did not make counts as the end.
   */
  search(search: MessageSearch): Promise<{ messages: FoundMessage[]; next: string | null }>;
}

// ---- changes ----

/** What another process, or another part of this one, changed. */
export type Change =
  | { kind: 'room-created' | 'room-changed'; room: { id: number; name: string; topic: string; epoch: string } }
  | { kind: 'room-deleted'; room: { id: number } }
  | { kind: 'message-deleted'; room: { id: number }; message: { id: number } }
  | { kind: 'user-deactivated' | 'user-kicked'; user: { id: number } }
  | { kind: 'user-muted'; user: { id: number }; until: number | null }
  | { kind: 'token-revoked'; token: { id: number; userId: number } }
  /** A newcomer on another node wants the place of this session, and the bus is away. `at`: by the asker's clock. */
  | { kind: 'session-asked'; user: { id: number }; session: string; takeover: boolean; at: number };

export interface ChangeStore {
  /** The newest change's id; 0 before the first. */
  latestId(): Promise<number>;
  /**
   * Changes after `id`, ascending, at most `limit`. Ids are dense and commit order is id order: a reader never skips one
   * that commits late. `lost`: rows after `id` have been pruned, so the reader must load everything anew.
   */
  readAfter(id: number, limit: number): Promise<{ changes: { id: number; change: Change }[]; lost: boolean }>;
  /** Says something to the other nodes that belongs to no row. */
  append(change: Change): Promise<void>;
  /** Deletes rows older than `before`. */
  prune(before: number): Promise<number>;
}

// ---- the store as a whole ----

export interface Lock {
  /** Resolves with a sentence when the lock is lost (another process holds it, or the database went away for good). Never resolves otherwise. */
  readonly lost: Promise<string>;
  release(): Promise<void>;
}

export interface Storage {
  /** Kind and version of the database, as when it was opened: `SQLite 3.50.1`. */
  readonly database: string;
  readonly users: UserStore;
  readonly tokens: TokenStore;
  readonly rooms: RoomStore;
  readonly messages: MessageStore;
  readonly changes: ChangeStore;
  readonly audit: AuditStore;
  readonly nodes: NodeStore;
  readonly claims: ClaimStore;
  /** Random, and the same for all who ask on this database: by it two clusters can share what is no database. */
  clusterId(): Promise<string>;
  /** Resolves when the database answers; rejects with `unavailable`. */
  ping(): Promise<void>;
  /**
   * The lock of the one server of this database, or with `shared` (PostgreSQL only) of one of several nodes: either kind
   * keeps the other away. Undefined: another process holds it. The operating system or PostgreSQL releases it when its
   * holder dies.
   */
  lockServer(options?: { shared?: boolean }): Promise<Lock | undefined>;
  close(): Promise<void>;
}

// ---- attempts (throttles) ----

/** Counts attempts in windows of time: log-ins, registrations. Embedded in memory; in Redis when several servers share it. */
export interface AttemptCounter {
  /**
   * Counts one attempt under each key. `allowed` false: at least one key is over its limit; `retryAfterMs` says when to come back.
   * A store that cannot be reached never locks anybody out: it counts in memory instead.
   */
  count(
    keys: readonly { key: string; limit: number; windowMs: number }[],
  ): Promise<{ allowed: boolean; retryAfterMs: number }>;
  /** Forgets a key: the attempt turned out well. */
  forget(keys: readonly string[]): Promise<void>;
  close(): Promise<void>;
}
