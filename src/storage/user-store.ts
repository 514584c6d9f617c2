/** Users. Whatever ends sessions (a deactivation, a new password) appends its changes in the same transaction. */
import type { Knex } from 'knex';
import type { Change, Clock, User, UserStore } from '../core/ports.ts';
import { foldName } from '../protocol/text.ts';
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
};

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
  };
}

export function createUserStore(database: Database, clock: Clock): UserStore {
  return {
    async create({ username, email, passwordHash, isSuperuser, createdAt }) {
      const rows: UserRow[] = await database.write((trx) =>
        trx('users')
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
          .returning('*'),
      );
      return toUser(rows[0] as UserRow);
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

    async list({ search, after, limit } = {}) {
      const rows: UserRow[] = await database.read((knex) => {
        const query = knex('users').select('*').orderBy('username_folded');
        if (search !== undefined) {
          const pattern = `%${foldName(search).replace(/[\\%_]/g, '\\$&')}%`;
          query.whereRaw(String.raw`(username_folded LIKE ? ESCAPE '\' OR email_folded LIKE ? ESCAPE '\')`, [
            pattern,
            pattern,
          ]);
        }
        if (after !== undefined) query.where('username_folded', '>', foldName(after));
        if (limit !== undefined) query.limit(limit);
        return query;
      });
      return rows.map(toUser);
    },

    setPassword: (id, passwordHash) =>
      database.write(async (trx) => {
        if ((await trx('users').where({ id }).update({ password_hash: passwordHash })) === 0) return false;
        const revoked = await returningRows<{ id: number }>(
          trx,
          'DELETE FROM tokens WHERE user_id = ? AND label IS NULL RETURNING id',
          [id],
        );
        const changes = revoked.map(
          (token): Change => ({
            kind: 'token-revoked',
            token: { id: token.id, userId: id },
          }),
        );
        await appendChanges(trx, changes, clock.now());
        return true;
      }),

    setActive: (id, isActive) =>
      database.write(async (trx) => {
        const changed = await trx('users')
          .where({ id })
          .whereNot({ is_active: isActive })
          .update({ is_active: isActive });
        if (changed === 0) return exists(trx, id);
        if (!isActive) await appendChanges(trx, [{ kind: 'user-deactivated', user: { id } }], clock.now());
        return true;
      }),

    setSuperuser: (id, isSuperuser) =>
      database.write(async (trx) => (await trx('users').where({ id }).update({ is_superuser: isSuperuser })) > 0),

    setLastLogin: (id, at) =>
      database.write(async (trx) => {
        await trx('users').where({ id }).update({ last_login_at: at });
      }),
  };
}

async function exists(trx: Knex.Transaction, id: number): Promise<boolean> {
  return (await trx('users').where({ id }).first('id')) !== undefined;
}
