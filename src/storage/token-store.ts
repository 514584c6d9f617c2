/** Tokens, by their hashes, and with their users where both are asked for. */
import type { Knex } from 'knex';
import type { Actor, Clock, Token, TokenStore } from '../core/ports.ts';
import { noteAct } from './audit-store.ts';
import { appendChanges } from './change-store.ts';
import type { Database } from './database.ts';
import { deleteBelow, returningRows } from './database.ts';
import type { UserRow } from './user-store.ts';
import { toUser, userColumns } from './user-store.ts';

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
  /** The target of an act on a token is its user. */
  const noteTokenAct = async (
    trx: Knex.Transaction,
    by: Actor | undefined,
    act: 'token-created' | 'token-revoked',
    { id, label, userId }: Token,
  ): Promise<void> => {
    if (by === undefined) return;
    const user: { username: string } = await trx('users').where({ id: userId }).first('username');
    await noteAct(trx, by, { act, target: user.username, details: { id, label } }, clock.now());
  };

  return {
    create: ({ userId, hash, label, createdAt, expiresAt }, by) =>
      database.write(async (trx) => {
        const [row]: TokenRow[] = await trx('tokens')
          .insert({ user_id: userId, hash, label, created_at: createdAt, last_used_at: null, expires_at: expiresAt })
          .returning('*');
        const token = toToken(row as TokenRow);
        await noteTokenAct(trx, by, 'token-created', token);
        return token;
      }),

    async findByHash(hash) {
      const row: JoinedRow | undefined = await database.read((knex) =>
        knex('tokens')
          .join('users', 'users.id', 'tokens.user_id')
          .where('tokens.hash', hash)
          .first({ ...tokenColumns, ...joinedUserColumns }),
      );
      return row && { token: toToken(ofToken(row)), user: toUser(row) };
    },

    touch: (id, at, expiresAt) =>
      database.write(async (trx) => {
        await trx('tokens').where({ id }).update({ last_used_at: at, expires_at: expiresAt });
      }),

    revoke: (id, by) =>
      database.write(async (trx) => {
        const [row] = await returningRows<TokenRow>(trx, 'DELETE FROM tokens WHERE id = ? RETURNING *', [id]);
        if (row === undefined) return false;
        const token = toToken(row);
        await noteTokenAct(trx, by, 'token-revoked', token);
        await appendChanges(trx, [{ kind: 'token-revoked', token: { id, userId: token.userId } }], clock.now());
        return true;
      }),

    async list(userId, newest) {
      const rows: JoinedRow[] = await database.read((knex) => {
        const query = knex('tokens').join('users', 'users.id', 'tokens.user_id');
        const wanted = knex('tokens').where(userId === undefined ? {} : { user_id: userId });
        if (newest !== undefined) query.whereIn('tokens.id', wanted.orderBy('id', 'desc').limit(newest).select('id'));
        else if (userId !== undefined) query.where('tokens.user_id', userId);
        return query.select(namedColumns).orderBy(['users.username_folded', 'tokens.id']);
      });
      return rows.map(toNamed);
    },

    async findById(id) {
      const row: JoinedRow | undefined = await database.read((knex) =>
        knex('tokens').join('users', 'users.id', 'tokens.user_id').where('tokens.id', id).first(namedColumns),
      );
      return row && toNamed(row);
    },

    deleteExpired: (now) => deleteBelow(database, 'tokens', 'expires_at', now),
  };
}

const joinedUserColumns = Object.fromEntries(userColumns.map((column) => [column, `users.${column}`]));

const namedColumns = { ...tokenColumns, username: 'users.username' };

function toNamed(row: JoinedRow): Token & { username: string } {
  return { ...toToken(ofToken(row)), username: row.username };
}

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
