/** Users. Whatever ends sessions (a deactivation, a new password) appends its changes in the same transaction. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Actor, Change, Clock, User, UserStore } from '../core/ports.ts';
import { foldName, isoTime, isoTimeOrNull } from '../protocol/text.ts';
import { type Act, noteAct } from './audit-store.ts';
import { appendChanges } from './change-store.ts';
import type { Database } from './database.ts';
import { returningRows } from './database.ts';

export type UserRow = {
  id: number;
  username: string;
  username_folded: string;
  email: string;
  email_folded: string;
  password_hash: string;
  is_superuser: boolean | number;
  is_active: boolean | number;
  created_at: number;
  last_login_at: number | null;
  is_banned: boolean | number;
  banned_until: number | null;
  ban_reason: string;
  muted_until: number | null;
};

/** What `toUser` reads, for queries that join. */
export const userColumns = [
  'id',
  'username',
  'email',
  'is_superuser',
  'is_active',
  'created_at',
  'last_login_at',
  'is_banned',
  'banned_until',
  'ban_reason',
  'muted_until',
] as const;

export function toUser(row: UserRow): User {
  return {
    id: row.id,
    username: row.username,
    email: row.email,
    // SQLite has no booleans: 0 and 1 come back.
    isSuperuser: Boolean(row.is_superuser),
    isActive: Boolean(row.is_active),
    createdAt: row.created_at,
    lastLoginAt: row.last_login_at,
    ban: row.is_banned ? { until: row.banned_until, reason: row.ban_reason } : null,
    mutedUntil: row.muted_until,
  };
}

export function createUserStore(database: Database, clock: Clock): UserStore {
  const act = createActor(database, clock);
  return {
    async create({ username, email, passwordHash, isSuperuser, createdAt }, by) {
      return database.write(async (trx) => {
        const [row]: UserRow[] = await trx('users')
          .insert({
            username,
            username_folded: foldName(username),
            email,
            email_folded: foldName(email),
            password_hash: passwordHash,
            is_superuser: isSuperuser,
            is_active: true,
            created_at: createdAt,
            last_login_at: null,
          })
          .returning('*');
        const details = { is_superuser: isSuperuser };
        await noteAct(trx, by, { act: 'user-created', target: username, details }, clock.now());
        return toUser(row as UserRow);
      });
    },

    async findByName(username) {
      const row: UserRow | undefined = await database.read((knex) =>
        knex('users')
          .where({ username_folded: foldName(username) })
          .first(),
      );
      return row && { ...toUser(row), passwordHash: row.password_hash };
    },

    async findById(id) {
      const row: UserRow | undefined = await database.read((knex) => knex('users').where({ id }).first());
      return row && toUser(row);
    },

    list: (options = {}) => listUsers(database, options),

    setPassword: (id, passwordHash, by) =>
      act(id, by, {
        act: 'user-password-set',
        values: { password_hash: passwordHash },
        changes: async (_before, trx) => {
          const revoked = await returningRows<{ id: number }>(
            trx,
            'DELETE FROM tokens WHERE user_id = ? AND label IS NULL RETURNING id',
            [id],
          );
          return revoked.map((token): Change => ({ kind: 'token-revoked', token: { id: token.id, userId: id } }));
        },
      }),

    setActive: (id, isActive, by) =>
      act(id, by, {
        act: isActive ? 'user-activated' : 'user-deactivated',
        values: { is_active: isActive },
        changes: (before) => (before.isActive && !isActive ? [{ kind: 'user-deactivated', user: { id } }] : []),
      }),

    setSuperuser: (id, isSuperuser, by) =>
      act(id, by, { act: isSuperuser ? 'user-promoted' : 'user-demoted', values: { is_superuser: isSuperuser } }),

    kick: (id, by) => act(id, by, { act: 'user-kicked', changes: () => [{ kind: 'user-kicked', user: { id } }] }),

    mute: (id, until, by) =>
      act(id, by, {
        act: until === null ? 'user-unmuted' : 'user-muted',
        ...(until !== null && { details: { until: isoTime(until) } }),
        values: { muted_until: until },
        changes: () => [{ kind: 'user-muted', user: { id }, until }],
      }),

    ban: (id, ban, by) =>
      act(id, by, {
        act: ban === null ? 'user-unbanned' : 'user-banned',
        ...(ban !== null && { details: { until: isoTimeOrNull(ban.until), reason: ban.reason } }),
        values: { is_banned: ban !== null, banned_until: ban?.until ?? null, ban_reason: ban?.reason ?? '' },
        changes: () => (ban === null ? [] : [{ kind: 'user-kicked', user: { id } }]),
      }),

    muted: (now) =>
      database.read((knex) =>
        knex('users').where('muted_until', '>', now).orderBy('id').select({ id: 'id', until: 'muted_until' }),
      ),

    setLastLogin: (id, at) =>
      database.write(async (trx) => {
        await trx('users').where({ id }).update({ last_login_at: at });
      }),
  };
}

type Wanted = { search?: string; after?: string; limit?: number };

/** Names that are looked through in one statement: some 3 ms on SQLite, during which everybody else waits. */
const searchedAtOnce = 4000;

async function listUsers(database: Database, { search, after, limit = Infinity }: Wanted): Promise<User[]> {
  const place = after === undefined ? undefined : foldName(after);
  if (search === undefined || database.dialect === 'postgres') {
    return (await database.read((knex) => matching(knex, { search, after: place, limit }))).map(toUser);
  }
  const found: User[] = [];
  for (let from = place; found.length < limit; await nextTurn()) {
    const to = await database.read((knex) => nameAfter(knex, from));
    const wanted = { search, after: from, to, limit: limit - found.length };
    found.push(...(await database.read((knex) => matching(knex, wanted))).map(toUser));
    if (to === undefined) break;
    from = to;
  }
  return found;
}

type Stretch = { search: string | undefined; after: string | undefined; to?: string | undefined; limit: number };

function matching(knex: Knex, { search, after, to, limit }: Stretch): Knex.QueryBuilder<UserRow, UserRow[]> {
  const query = knex<UserRow>('users').select('*').orderBy('username_folded');
  if (search !== undefined) {
    const pattern = `%${foldName(search).replace(/[\\%_]/g, '\\$&')}%`;
    query.whereRaw(String.raw`(username_folded LIKE ? ESCAPE '\' OR email_folded LIKE ? ESCAPE '\')`, [
      pattern,
      pattern,
    ]);
  }
  if (after !== undefined) query.where('username_folded', '>', after);
  if (to !== undefined) query.where('username_folded', '<=', to);
  if (limit !== Infinity) query.limit(limit);
  return query;
}

/** The last of the names of one stretch; undefined: there are no more than that. */
async function nameAfter(knex: Knex, from: string | undefined): Promise<string | undefined> {
  const query = knex('users')
    .orderBy('username_folded')
    .offset(searchedAtOnce - 1);
  if (from !== undefined) query.where('username_folded', '>', from);
  const row: { username_folded: string } | undefined = await query.first('username_folded');
  return row?.username_folded;
}

type ActOnUser = Omit<Act, 'target'> & {
  values?: Record<string, unknown>;
  /** What the act also does in its transaction, and what the servers must hear of it. */
  changes?: (before: User, trx: Knex.Transaction) => Change[] | Promise<Change[]>;
};
type ActorOnUser = (id: number, by: Actor | undefined, act: ActOnUser) => Promise<boolean>;

/** An act on one user, whose row it locks first, with its record and its changes in one transaction. */
function createActor(database: Database, clock: Clock): ActorOnUser {
  return (id, by, { act, details, values, changes }) =>
    database.write(async (trx) => {
      const row: UserRow | undefined = await trx('users').where({ id }).forNoKeyUpdate().first();
      if (row === undefined) return false;
      if (values !== undefined) await trx('users').where({ id }).update(values);
      const due = (await changes?.(toUser(row), trx)) ?? [];
      const at = clock.now();
      await noteAct(trx, by, { act, target: row.username, ...(details && { details }) }, at);
      await appendChanges(trx, due, at);
      return true;
    });
}
