/**
 * What administrators do: the use cases behind the admin API and the command line, so that both check the same things
 * and each act is noted in the audit log, in the transaction that does it. Knows no HTTP, no terminal and no tables.
 */
import { limits } from '../protocol/limits.ts';
import { roomNameFault } from '../protocol/names.ts';
import type { Accounts } from './accounts.ts';
import { FieldErrors, type FieldFaults, NotAllowed, NotFound } from './errors.ts';
import { fieldSentences, gatherFaults, lineFault } from './fields.ts';
import { findRoom, findUser } from './named.ts';
import {
  type Actor,
  type Ban,
  type Clock,
  type Room,
  type Storage,
  StoreError,
  type Token,
  type User,
} from './ports.ts';

/**
 * Every method rejects with `FieldErrors` for input that cannot be taken, `NotFound` for a room, user, token or message
 * that does not exist, `NotAllowed` for an act on oneself that would lock one out, and passes a `StoreError` through.
 * An act that changes nothing (a user who is muted until then already) succeeds and is noted all the same, but for a
 * room's name or topic that stays as it was.
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

export type AdministrationOptions = {
  storage: Pick<Storage, 'users' | 'tokens' | 'rooms' | 'messages'>;
  accounts: Accounts;
  clock: Clock;
};

export function createAdministration(options: AdministrationOptions): Administration {
  return {
    ...roomActs(options),
    ...accountActs(options),
    ...moderationActs(options),
    ...tokenActs(options),
  };
}

// ---- rooms and messages ----

type RoomAct = 'createRoom' | 'changeRoom' | 'deleteRoom' | 'deleteMessage';

function roomActs({ storage: { rooms, messages }, clock }: AdministrationOptions): Pick<Administration, RoomAct> {
  const find = (name: string): Promise<Room> => findRoom(rooms, name);
  return {
    async createRoom(by, { name, topic }) {
      refuse(roomFaults({ name, topic }));
      return naming(name, rooms.create({ name, topic, createdAt: clock.now() }, by));
    },
    async changeRoom(by, name, change) {
      refuse(roomFaults(change));
      const { id } = await find(name);
      const changed = await naming(change.name ?? name, rooms.change(id, change, clock.now(), by));
      return stillThere(changed, 'room', name);
    },
    async deleteRoom(by, name) {
      const room = await find(name);
      return stillThere((await rooms.delete(room.id, by)) && room, 'room', name);
    },
    async deleteMessage(by, name, id) {
      const room = await find(name);
      const isDeleted = Number.isSafeInteger(id) && (await messages.delete(room.id, id, by));
      if (!isDeleted) throw new NotFound('message', id);
    },
  };
}

function roomFaults({ name, topic }: { name?: string; topic?: string }): FieldFaults {
  return gatherFaults({
    name: name === undefined ? undefined : roomNameFault(name),
    topic: topic === undefined ? undefined : lineFault(topic, limits.topicLength),
  });
}

/** Turns the store's conflict into a fault of the field. */
async function naming<T>(name: string, change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (cause) {
    if (!(cause instanceof StoreError) || cause.kind !== 'conflict') throw cause;
    throw new FieldErrors({ name: [`A room named ${name} exists already (case does not count).`] }, { cause });
  }
}

// ---- accounts ----

type AccountAct = 'createUser' | 'setActive' | 'setSuperuser' | 'setPassword';

function accountActs({ storage: { users }, accounts }: AdministrationOptions): Pick<Administration, AccountAct> {
  const find = (username: string): Promise<User> => findUser(users, username);
  return {
    createUser: (by, user) => accounts.createUser(user, by),
    async setActive(by, username, isActive) {
      const user = await find(username);
      if (!isActive) refuseOneself(by, user, 'deactivate');
      return stillThere((await users.setActive(user.id, isActive, by)) && { ...user, isActive }, 'user', username);
    },
    async setSuperuser(by, username, isSuperuser) {
      const user = await find(username);
      if (!isSuperuser) refuseOneself(by, user, 'demote');
      const isSet = await users.setSuperuser(user.id, isSuperuser, by);
      return stillThere(isSet && { ...user, isSuperuser }, 'user', username);
    },
    async setPassword(by, username, password, { skipPasswordRules = false } = {}) {
      const user = await find(username);
      if (!skipPasswordRules) refuse(accounts.checkFields({ ...user, password }));
      return stillThere((await accounts.setPassword(user.id, password, by)) && user, 'user', username);
    },
  };
}

// ---- moderation ----

type ModerationAct = 'kick' | 'mute' | 'unmute' | 'ban' | 'unban';

function moderationActs({ storage: { users }, clock }: AdministrationOptions): Pick<Administration, ModerationAct> {
  const find = (username: string): Promise<User> => findUser(users, username);
  const muteUntil = async (by: Actor, username: string, mutedUntil: number | null): Promise<User> => {
    const user = await find(username);
    return stillThere((await users.mute(user.id, mutedUntil, by)) && { ...user, mutedUntil }, 'user', username);
  };
  const setBan = async (by: Actor, username: string, ban: Ban | null): Promise<User> => {
    const user = await find(username);
    if (ban !== null) refuseOneself(by, user, 'ban');
    return stillThere((await users.ban(user.id, ban, by)) && { ...user, ban }, 'user', username);
  };
  const inMinutes = (minutes: number): number => clock.now() + minutes * minuteMs;
  return {
    async kick(by, username) {
      const user = await find(username);
      refuseOneself(by, user, 'kick');
      return stillThere((await users.kick(user.id, by)) && user, 'user', username);
    },
    async mute(by, username, minutes) {
      refuse(gatherFaults({ minutes: minutesFault(minutes) }));
      return muteUntil(by, username, inMinutes(minutes));
    },
    unmute: (by, username) => muteUntil(by, username, null),
    async ban(by, username, { minutes, reason }) {
      refuse(
        gatherFaults({
          minutes: minutes === undefined ? undefined : minutesFault(minutes),
          reason: lineFault(reason, limits.banReasonLength),
        }),
      );
      return setBan(by, username, { until: minutes === undefined ? null : inMinutes(minutes), reason });
    },
    unban: (by, username) => setBan(by, username, null),
  };
}

const minuteMs = 60_000;

function minutesFault(minutes: number): string | undefined {
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= limits.banMinutes) return undefined;
  return `Give a whole number from 1 to ${limits.banMinutes}.`;
}

// ---- tokens ----

function tokenActs({
  storage: { users, tokens },
  accounts,
}: AdministrationOptions): Pick<Administration, 'createToken' | 'revokeToken'> {
  return {
    async createToken(by, username, { label, ttlDays }) {
      refuse(
        gatherFaults({
          label: label.trim() === '' ? fieldSentences.blank : lineFault(label, limits.labelLength),
          days: ttlDays === null ? undefined : daysFault(ttlDays),
        }),
      );
      const user = await findUser(users, username);
      return { ...(await accounts.createToken(user.id, label, ttlDays, by)), user };
    },
    async revokeToken(by, username, id) {
      const userId = username === undefined ? undefined : (await findUser(users, username)).id;
      const token = Number.isSafeInteger(id) ? await tokens.findById(id) : undefined;
      const isTheirs = token !== undefined && (userId === undefined || token.userId === userId);
      return stillThere(isTheirs && (await tokens.revoke(id, by)) && token, 'token', id);
    },
  };
}

function daysFault(days: number): string | undefined {
  if (Number.isInteger(days) && days >= 1 && days <= limits.tokenDays) return undefined;
  return `Give a whole number from 1 to ${limits.tokenDays}.`;
}

// ---- for all ----

/** What was there when it was looked up may be gone when it is changed. */
function stillThere<T>(value: T | false | undefined, what: NotFound['what'], name: string | number): T {
  if (value === undefined || value === false) throw new NotFound(what, name);
  return value;
}

function refuse(faults: FieldFaults): void {
  if (Object.keys(faults).length > 0) throw new FieldErrors(faults);
}

function refuseOneself(by: Actor, user: User, act: string): void {
  if (by.userId === user.id) throw new NotAllowed(`You cannot ${act} yourself: somebody else has to.`);
}
