/**
 * The admin API as functions, typed by protocol/admin.ts. Every rejection is a `RequestError`, or the reason of the
 * caller's own signal. Knows HTTP, and nothing of pages: what a status means for them is access.ts's and faults.ts's.
 */
import { type Call, type CallOptions, createCall, fieldsOf, unreadable } from '../../client/call.ts';
import { RequestError } from '../../client/errors.ts';
import type { FetchLike, Timers } from '../../client/platform.ts';
import type {
  AdminMessage,
  AdminRoom,
  AdminRoomDetails,
  AdminUser,
  AdminUserDetails,
  AuditEntry,
  Now,
} from '../../protocol/admin.ts';

/** A search over some thousand messages takes a moment on a small machine; whoever waits longer wants to be told. */
const timeoutMs = 15_000;

/** `next`: what `after` is for the page that follows; null: there is none. */
export type Listing<Item> = { items: readonly Item[]; next: string | null };
export type ListWish = CallOptions & { after?: string | undefined; limit?: number };

/** Empty texts do not filter. `from`, `to`: ISO 8601. */
export type MessageFilter = { q: string; room: string; user: string; from: string; to: string };
export type AuditFilter = { actor: string; act: string; target: string };
export type NewUser = { username: string; password: string; email: string; is_superuser: boolean };

export type AdminApi = {
  now(options?: CallOptions): Promise<Now>;

  rooms(search: string, wish?: ListWish): Promise<Listing<AdminRoom>>;
  room(name: string, options?: CallOptions): Promise<AdminRoomDetails>;
  createRoom(room: { name: string; topic: string }): Promise<AdminRoom>;
  changeRoom(name: string, change: { name?: string; topic?: string }): Promise<AdminRoomDetails>;
  deleteRoom(name: string): Promise<void>;

  messages(filter: MessageFilter, wish?: ListWish): Promise<Listing<AdminMessage>>;
  deleteMessage(room: string, id: number): Promise<void>;

  users(search: string, wish?: ListWish): Promise<Listing<AdminUser>>;
  user(username: string, options?: CallOptions): Promise<AdminUserDetails>;
  createUser(user: NewUser): Promise<AdminUser>;
  changeUser(username: string, change: { is_active?: boolean; is_superuser?: boolean }): Promise<AdminUserDetails>;
  setPassword(username: string, password: string): Promise<void>;
  kick(username: string): Promise<void>;
  mute(username: string, minutes: number): Promise<AdminUserDetails>;
  unmute(username: string): Promise<AdminUserDetails>;
  /** Without `minutes`: for good. */
  ban(username: string, ban: { minutes?: number; reason: string }): Promise<AdminUserDetails>;
  unban(username: string): Promise<AdminUserDetails>;
  revokeToken(username: string, id: number): Promise<void>;

  audit(filter: AuditFilter, wish?: ListWish): Promise<Listing<AuditEntry>>;
};

export type AdminApiOptions = {
  /** The server's address, without a slash at its end. */
  base: string;
  fetch: FetchLike;
  timers: Timers;
  /** The token of the moment. */
  token: () => string | undefined;
  /** Told of each 401 and 403, beside the rejection: it concerns the page as a whole. */
  onRefused?: (status: 401 | 403) => void;
};

export function createAdminApi({ base, fetch, timers, token, onRefused }: AdminApiOptions): AdminApi {
  const call = createCall(`${base}/admin/api`, fetch, timers, timeoutMs);
  const answered = async (request: Omit<Call, 'token'>, options?: CallOptions): Promise<unknown> => {
    try {
      return await call({ ...request, token: token() }, options);
    } catch (error) {
      if (error instanceof RequestError && (error.status === 401 || error.status === 403)) onRefused?.(error.status);
      throw error;
    }
  };
  /** Server and page are of one version, so the record is what its type says, once it is a record at all. */
  const record = async <Item>(request: Omit<Call, 'token'>, options?: CallOptions): Promise<Item> => {
    const answer = await answered(request, options);
    if (typeof answer !== 'object' || answer === null) throw unreadable();
    return answer as Item;
  };
  const done = async (request: Omit<Call, 'token'>): Promise<void> => {
    await answered(request);
  };
  const list = async <Item>(
    name: string,
    filter: Readonly<Record<string, string>>,
    { after, limit, signal }: ListWish = {},
  ): Promise<Listing<Item>> => {
    const path = `/${name}${queryOf({ ...filter, after, limit })}`;
    const { [itemsOf[name] ?? name]: items, next } = fieldsOf(
      await answered({ method: 'GET', path }, signal === undefined ? {} : { signal }),
    );
    if (!Array.isArray(items)) throw unreadable();
    return { items: items as Item[], next: typeof next === 'string' ? next : null };
  };

  return {
    now: (options) => record({ method: 'GET', path: '/now' }, options),

    rooms: (search, wish) => list('rooms', { search }, wish),
    room: (name, options) => record({ method: 'GET', path: roomPath(name) }, options),
    createRoom: (body) => record({ method: 'POST', path: '/rooms', body }),
    changeRoom: (name, body) => record({ method: 'PATCH', path: roomPath(name), body }),
    deleteRoom: (name) => done({ method: 'DELETE', path: roomPath(name) }),

    messages: (filter, wish) => list('messages', filter, wish),
    deleteMessage: (room, id) => done({ method: 'DELETE', path: `${roomPath(room)}/messages/${id}` }),

    users: (search, wish) => list('users', { search }, wish),
    user: (username, options) => record({ method: 'GET', path: userPath(username) }, options),
    createUser: (body) => record({ method: 'POST', path: '/users', body }),
    changeUser: (username, body) => record({ method: 'PATCH', path: userPath(username), body }),
    setPassword: (username, password) =>
      done({ method: 'PUT', path: `${userPath(username)}/password`, body: { password } }),
    kick: (username) => done({ method: 'POST', path: `${userPath(username)}/kick` }),
    mute: (username, minutes) => record({ method: 'PUT', path: `${userPath(username)}/mute`, body: { minutes } }),
    unmute: (username) => record({ method: 'DELETE', path: `${userPath(username)}/mute` }),
    ban: (username, body) => record({ method: 'PUT', path: `${userPath(username)}/ban`, body }),
    unban: (username) => record({ method: 'DELETE', path: `${userPath(username)}/ban` }),
    revokeToken: (username, id) => done({ method: 'DELETE', path: `${userPath(username)}/tokens/${id}` }),

    audit: (filter, wish) => list('audit', filter, wish),
  };
}

/** What a list's items are called, where not as its path. */
const itemsOf: Readonly<Record<string, string>> = { audit: 'entries' };

const roomPath = (name: string): string => `/rooms/${encodeURIComponent(name)}`;
const userPath = (name: string): string => `/users/${encodeURIComponent(name)}`;

function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') query.set(key, String(value));
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
