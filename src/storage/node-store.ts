/**
 * The nodes of a cluster, and its id. A node's row is what all that it writes depends on: a batch of messages and a
 * claim hold it in share mode until they are done, so whoever deletes it has waited for them, and sees them.
 */
import type { NodeStore } from '../core/cluster-ports.ts';
import type { RandomText } from '../core/ports.ts';
import { StoreError } from '../core/ports.ts';
import type { Database } from './database.ts';
import { returningRows } from './database.ts';

/** Milliseconds since the epoch at this moment, by the one clock that all nodes share. */
const databaseNow = {
  sqlite: `CAST(unixepoch('now', 'subsec') * 1000 AS integer)`,
  postgres: milliseconds('clock_timestamp()'),
} as const;

function milliseconds(moment: string): string {
  return `floor(extract(epoch FROM ${moment}) * 1000)::bigint`;
}

/** Two clusters that share a Redis must not have the same. */
const clusterIdBytes = 12;

/** What whoever asks in the name of a dead node gets. */
export function fenced(node: string, cause?: unknown): StoreError {
  return new StoreError('fenced', `The node ${node} was marked dead: it writes nothing more.`, { cause });
}

/** Rejects with `fenced` when the node was marked dead. */
export async function requireAlive(database: Database, node: string): Promise<void> {
  const row: { id: string } | undefined = await database.read((knex) => knex('nodes').where({ id: node }).first('id'));
  if (row === undefined) throw fenced(node);
}

export function createNodeStore(database: Database): NodeStore {
  const now = databaseNow[database.dialect];
  const markDead = markDeadSql(database.dialect);
  return {
    async register(id, leaseMs) {
      // Again after an answer that was lost: the lease begins anew.
      const sql = `INSERT INTO nodes (id, lease_ms, seen_at) VALUES (?, ?, ${now})
        ON CONFLICT (id) DO UPDATE SET lease_ms = excluded.lease_ms, seen_at = excluded.seen_at`;
      await database.whileBusy(() => database.knex.raw(sql, [id, leaseMs]));
    },

    async renew(id, withinMs = 0) {
      // A file gives its answer at once. Given up in knex, a connection is not used again.
      const ms = database.dialect === 'postgres' ? withinMs : 0;
      await database.whileBusy(() =>
        database
          .knex('nodes')
          .where({ id })
          .timeout(ms)
          .update({ seen_at: database.knex.raw(now) }),
      );
      const rows: { id: string }[] = await database.read((knex) =>
        knex('nodes').timeout(ms).orderBy('id').select('id'),
      );
      const ids = rows.map((row) => row.id);
      return ids.includes(id) ? ids : undefined;
    },

    async markDead(by) {
      const rows = await database.whileBusy(() => returningRows<{ id: string }>(database.knex, markDead, [by, by]));
      return rows.map(({ id }) => id).sort();
    },

    async leave(id) {
      await database.whileBusy(() => database.knex('nodes').where({ id }).delete());
    },
  };
}

/**
 * Locked in the order of their ids, so that two who mark the same nodes wait for each other, not both. Who has not renewed
 * its own lease a moment ago marks nobody: a database that stood still between the two has kept the others from renewing
 * theirs, too.
 */
function markDeadSql(dialect: Database['dialect']): string {
  // One instant for both leases, when the statement arrived: the database may stand still also in the middle of it.
  const now = dialect === 'postgres' ? milliseconds('statement_timestamp()') : databaseNow.sqlite;
  return `DELETE FROM nodes WHERE id IN (
      SELECT id FROM nodes WHERE id <> ? AND seen_at + lease_ms < ${now}
        AND EXISTS (SELECT 1 FROM nodes AS own WHERE own.id = ? AND own.seen_at + own.lease_ms / 5 >= ${now})
      ORDER BY id ${dialect === 'postgres' ? 'FOR UPDATE' : ''}
    ) RETURNING id`;
}

/** The id that all nodes of this database share: random, made when it is first asked for. */
export async function readClusterId(database: Database, random: RandomText): Promise<string> {
  const find = (): Promise<{ value: string } | undefined> =>
    database.read((knex) => knex('meta').where({ name: 'cluster' }).first('value'));
  const known = await find();
  if (known !== undefined) return known.value;
  const made = { name: 'cluster', value: random(clusterIdBytes) };
  await database.whileBusy(() => database.knex('meta').insert(made).onConflict('name').ignore());
  // Perhaps another process was faster.
  return (await find())?.value ?? made.value;
}
