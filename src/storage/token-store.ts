/** Tokens, by their hashes, and with their users where both are asked for. */
import type { Clock, Token, TokenStore } from '../core/ports.ts';
import { appendChanges } from './change-store.ts';
import type { Database } from './database.ts';
import { deleteBelow, returningRows } from './database.ts';
import type { UserRow } from './user-store.ts';
import { toUser } from './user-store.ts';

type TokenRow = {
  id: number;
  user_id: number;
  label: string | null;
  created_at: number;
  last_used_at: number | null;
  expires_at: number | null;
};

const tokenColumns = {
  token_id: 'tokens.id',
  token_created_at: 'tokens.created_at',
  user_id: 'tokens.user_id',
  label: 'tokens.label',
  last_used_at: 'tokens.last_used_at',
  expires_at: 'tokens.expires_at',
};
type JoinedRow = TokenRow & UserRow & { token_id: number; token_created_at: number };

export function createTokenStore(database: Database, clock: Clock): TokenStore {
  return {
    async create({ userId, hash, label, createdAt, expiresAt }) {
      const rows: TokenRow[] = await database.write((trx) =>
        trx('tokens')
          .insert({ user_id: userId, hash, label, created_at: createdAt, last_used_at: null, expires_at: expiresAt })
          .returning('*'),
      );
      return toToken(rows[0] as TokenRow);
    },

    async findByHash(hash) {
      const row: JoinedRow | undefined = await database.read((knex) =>
        knex('tokens')
          .join('users', 'users.id', 'tokens.user_id')
          .where('tokens.hash', hash)
          .first({ ...tokenColumns, ...userColumns }),
      );
      return row && { token: toToken(ofToken(row)), user: toUser(row) };
    },

    touch: (id, at, expiresAt) =>
      database.write(async (trx) => {
        await trx('tokens').where({ id }).update({ last_used_at: at, expires_at: expiresAt });
      }),

    revoke: (id) =>
      database.write(async (trx) => {
        const [revoked] = await returningRows<{ user_id: number }>(
          trx,
          'DELETE FROM tokens WHERE id = ? RETURNING user_id',
          [id],
        );
        if (revoked === undefined) return false;
        await appendChanges(trx, [{ kind: 'token-revoked', token: { id, userId: revoked.user_id } }], clock.now());
        return true;
      }),

    async list(userId) {
      const rows: JoinedRow[] = await database.read((knex) => {
        const query = knex('tokens').join('users', 'users.id', 'tokens.user_id');
        if (userId !== undefined) query.where('tokens.user_id', userId);
        return query
          .select({ ...tokenColumns, username: 'users.username' })
          .orderBy(['users.username_folded', 'tokens.id']);
      });
      return rows.map((row) => ({ ...toToken(ofToken(row)), username: row.username }));
    },

    deleteExpired: (now) => deleteBelow(database, 'tokens', 'expires_at', now),
  };
}

const userColumns = Object.fromEntries(
  ['id', 'username', 'email', 'is_superuser', 'is_active', 'created_at', 'last_login_at'].map((column) => [
    column,
    `users.${column}`,
  ]),
);

/** The token's part of a joined row, in which `id` and `created_at` are the user's. */
function ofToken(row: JoinedRow): TokenRow {
  return { ...row, id: row.token_id, created_at: row.token_created_at };
}

function toToken(row: TokenRow): Token {
  return {
    id: row.id,
    userId: row.user_id,
    label: row.label,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  };
}
