/**
 * What administrators do: the use cases behind the admin API and the command line, so that both check the same things
 * and each act is noted in the audit log, in the transaction that does it. Knows no HTTP, no terminal and no tables.
 */
import type { Actor, Room, Token, User } from './ports.ts';

/**
 * Every method rejects with `FieldErrors` for input that cannot be taken, `NotFound` for a room, user, token or message
 * that does not exist, `NotAllowed` for an act on oneself that would lock one out, and passes a `StoreError` through.
 * An act that changes nothing (a user who is muted until then already) succeeds and is noted all the same.
 */
export interface Administration {
  createRoom(by: Actor, room: { name: string; topic: string }): Promise<Room>;
  /** What is left out stays. Both changes are one transaction. */
  changeRoom(by: Actor, name: string, change: { name?: string; topic?: string }): Promise<Room>;
  /** Its messages go in the background, or with `Storage.rooms.purge`. */
  deleteRoom(by: Actor, name: string): Promise<Room>;
  deleteMessage(by: Actor, room: string, id: number): Promise<void>;
  createUser(
    by: Actor,
    user: { username: string; password: string; email: string; isSuperuser: boolean; skipPasswordRules?: boolean },
  ): Promise<User>;
  setActive(by: Actor, username: string, isActive: boolean): Promise<User>;
  setSuperuser(by: Actor, username: string, isSuperuser: boolean): Promise<User>;
  /** Applies the rules for strong passwords, unless told not to. Revokes the user's log-in tokens. */
  setPassword(by: Actor, username: string, password: string, options?: { skipPasswordRules?: boolean }): Promise<User>;
  /** Ends the user's session, wherever it is; nothing keeps the user from coming back. */
  kick(by: Actor, username: string): Promise<User>;
  /** Nothing the user says is taken for that many minutes, 1 to `limits.banMinutes`. */
  mute(by: Actor, username: string, minutes: number): Promise<User>;
  unmute(by: Actor, username: string): Promise<User>;
  /** Log-ins and tokens are refused and the session ends; `minutes` undefined: for good. `reason`: for administrators. */
  ban(by: Actor, username: string, ban: { minutes: number | undefined; reason: string }): Promise<User>;
  unban(by: Actor, username: string): Promise<User>;
  /** A long-lived token. `ttlDays` null: it never expires. */
  createToken(
    by: Actor,
    username: string,
    token: { label: string; ttlDays: number | null },
  ): Promise<{ token: string; record: Token; user: User }>;
  /** `username` undefined: whosever it is. */
  revokeToken(by: Actor, username: string | undefined, id: number): Promise<Token & { username: string }>;
}
