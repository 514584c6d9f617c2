/** The `changes` table: what other processes must act on. `appendChanges` is for the other stores' transactions. */
import type { Knex } from 'knex';
import type { Change, ChangeStore, Clock } from '../core/ports.ts';
import type { Database } from './database.ts';
import { deleteBelow } from './database.ts';

type Row = { newest: number; id: number | null; kind: string | null; payload: string | null };

/** knex makes a SELECT of each row on SQLite, which takes at most 500 of them in a statement. */
const rowsAtOnce = 500;

/**
 * Appends inside the caller's transaction. Must be its last statement: the counter's row stays locked until the commit,
 * and everybody who changes anything waits for it.
 */
export async function appendChanges(trx: Knex.Transaction, changes: readonly Change[], at: number): Promise<void> {
  if (changes.length === 0) return;
  const [counter] = await trx('change_counter').increment('last_id', changes.length).returning('last_id');
  const first = Number(counter.last_id) - changes.length + 1;
  const rows = changes.map(({ kind, ...payload }, index) => ({
    id: first + index,
    kind,
    payload: JSON.stringify(payload),
    created_at: at,
  }));
  // A user has few tokens, but nothing bounds them.
  for (let start = 0; start < rows.length; start += rowsAtOnce) {
    await trx('changes').insert(rows.slice(start, start + rowsAtOnce));
  }
}

export function createChangeStore(database: Database, clock: Pick<Clock, 'now'>): ChangeStore {
  return {
    async latestId() {
      const row: { last_id: number } = await database.read((knex) => knex('change_counter').first('last_id'));
      return row.last_id;
    },

    async readAfter(after, limit) {
      // The counter and the rows in one statement, so that both are of one instant.
      const rows: Row[] = await database.read((knex) =>
        knex('change_counter')
          .leftJoin(knex('changes').where('id', '>', after).orderBy('id').limit(limit).as('c'), knex.raw('1 = 1'))
          .select({ newest: 'change_counter.last_id', id: 'c.id', kind: 'c.kind', payload: 'c.payload' })
          .orderBy('c.id'),
      );
      const newest = rows[0]?.newest ?? 0;
      const changes = rows.flatMap(({ id, kind, payload }) =>
        id === null || payload === null ? [] : [{ id, change: { kind, ...JSON.parse(payload) } as Change }],
      );
      // Above the newest: the database was restored from an older copy, so the reader's place is gone as well.
      const lost = after > newest || (after < newest && changes[0]?.id !== after + 1);
      return { changes, lost };
    },

    append: (change) => database.write((trx) => appendChanges(trx, [change], clock.now())),

    prune: (before) => deleteBelow(database, 'changes', 'created_at', before),
  };
}
