/**
 * Which node has a user's session. Each claim is one statement of its own: no stalled process holds a lock between two.
 * It locks the node's row before the user's, as whoever removes the node does.
 */
import type { Knex } from 'knex';
import type { Claim, ClaimStore } from '../core/cluster-ports.ts';
import type { Database } from './database.ts';
import { returningRows } from './database.ts';
import { requireAlive } from './node-store.ts';
import { createTurnstile } from './turnstile.ts';

type Row = { user_id: number; session: string; node_id: string; number: number };

const columns = ['user_id', 'session', 'node_id', 'number'];

/** `takesAtOnce`: fewer than there are connections, since all the clients of a node that is gone come back at once. */
export function createClaimStore(database: Database, takesAtOnce: number): ClaimStore {
  const enter = createTurnstile(takesAtOnce);
  const held = (knex: Knex): Knex.QueryBuilder => knex('sessions').whereNotNull('node_id').select(columns);
  const take = takeSql(database.dialect);

  return {
    async take({ userId, session, node, tokenHash }, over) {
      const former = over ?? { session, node };
      const number = over?.number ?? null;
      const isMove = over?.session === session && over.node !== node ? 1 : 0;
      const bindings = [userId, session, tokenHash, node, isMove, session, node, former.session, former.node, number];
      const [row] = await enter(() => database.whileBusy(() => returningRows<Row>(database.knex, take, bindings)));
      if (row !== undefined) return toClaim(row);
      await requireAlive(database, node);
      return undefined;
    },

    async release({ userId, session, node }) {
      const claim = { user_id: userId, session, node_id: node };
      const freed = await database.whileBusy(() => database.knex('sessions').where(claim).update({ node_id: null }));
      if (freed === 0) await requireAlive(database, node);
    },

    async bind({ userId, session, node }, tokenHash) {
      const claim = { user_id: userId, session, node_id: node };
      const bound = await database.whileBusy(() =>
        database.knex('sessions').where(claim).update({ token_hash: tokenHash }),
      );
      if (bound === 0) await requireAlive(database, node);
    },

    async findByUser(userId) {
      const row: Row | undefined = await database.read((knex) => held(knex).where('user_id', userId).first());
      return row && toClaim(row);
    },

    async findByUsers(userIds) {
      const rows: Row[] = await database.read((knex) => held(knex).whereIn('user_id', userIds));
      return rows.map(toClaim);
    },

    async findByToken(tokenHash) {
      const row: Row | undefined = await database.read((knex) => held(knex).where('token_hash', tokenHash).first());
      return row && toClaim(row);
    },

    async listByNode(node) {
      const rows: Row[] = await database.read((knex) => held(knex).where('node_id', node).orderBy('user_id'));
      return rows.map(toClaim);
    },
  };
}

/**
 * No row comes back when the node is dead or somebody else holds the user. Two pairs of session and node may be replaced:
 * what is to be taken over, and this very claim, made before by a call whose answer was lost.
 */
function takeSql(dialect: Database['dialect']): string {
  return `INSERT INTO sessions (user_id, session, node_id, token_hash, number)
    SELECT CAST(? AS bigint), ?, id, ?, 1 FROM nodes WHERE id = ? ${dialect === 'postgres' ? 'FOR KEY SHARE' : ''}
    ON CONFLICT (user_id) DO UPDATE SET session = excluded.session, node_id = excluded.node_id,
      token_hash = excluded.token_hash, number = sessions.number + 1
    WHERE (sessions.node_id IS NULL AND CAST(? AS integer) = 0) OR (sessions.session = ? AND sessions.node_id = ?)
      OR (sessions.session = ? AND sessions.node_id = ? AND sessions.number = COALESCE(CAST(? AS bigint), sessions.number))
    RETURNING user_id, session, node_id, number`;
}

function toClaim(row: Row): Claim {
  return { userId: row.user_id, session: row.session, node: row.node_id, number: row.number };
}
