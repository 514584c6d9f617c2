/** Tokens, by their hashes, and with their users where both are asked for. */
import type { Database as BetterSqlite } from 'better-sqlite3';
import type { Knex } from 'knex';
import type { Actor, Clock, Token, TokenStore } from '../core/ports.ts';
import { noteAct } from './audit-store.ts';
import { appendChanges } from './change-store.ts';
import type { Database } from './database.ts';
import { deleteBelow, returningRows } from './database.ts';
import { gather } from './gather.ts';
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

/** Tokens found by one query of PostgreSQL: as many as come in one turn, but not so many that one answer is a burden. */
const foundAtOnce = 500;

/** `own`: on SQLite, the connection whose statements are prepared once. */
export function createTokenStore(database: Database, clock: Clock, own: BetterSqlite | undefined): TokenStore {
  const findRow = own === undefined ? findOnPostgres(database) : findOnSqlite(database, own);
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
      const row = await findRow(hash);
      return row && { token: toToken(ofToken(row)), user: toUser(row) };
    },

    async touch(ids, at, expiresAt) {
      await database.whileBusy(() =>
        database
          .knex('tokens')
          .whereIn('id', ids)
          .update({
            last_used_at: at,
            // A label tells a long-lived token from one of a log-in.
            expires_at: database.knex.raw('CASE WHEN label IS NULL THEN ? ELSE expires_at END', [expiresAt]),
          }),
      );
    },

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

type Find = (hash: string) => Promise<JoinedRow | undefined>;

/** Each connect and each request finds its token: prepared once, that costs 15 µs; 400 when knex builds the query. */
function findOnSqlite(database: Database, connection: BetterSqlite): Find {
  const statement = connection.prepare<[hash: string], JoinedRow>(`${findSql} = ?`);
  return (hash) => database.whileBusy(async () => statement.get(hash));
}

/** Sending a query costs more than finding a token: those who come in one turn share it. */
function findOnPostgres(database: Database): Find {
  return gather(foundAtOnce, async (hashes: readonly string[]) => {
    const rows = await database.read((knex) =>
      returningRows<JoinedRow & { hash: string }>(knex, `${findSql} = ANY (?)`, [[...hashes]]),
    );
    return new Map(rows.map((row) => [row.hash, row]));
  });
}

const foundColumns = Object.entries({ hash: 'tokens.hash', ...tokenColumns, ...joinedUserColumns })
  .map(([name, column]) => `${column} AS ${name}`)
  .join(', ');
const findSql = `SELECT ${foundColumns} FROM tokens JOIN users ON users.id = tokens.user_id WHERE tokens.hash`;

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
