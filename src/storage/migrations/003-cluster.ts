/**
 * What several nodes need: which of them live, and which has a user's session. The id by which a cluster is told from
 * others is made at first ask, not here: a copy of a migrated, still unused database is another cluster.
 */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  const text = knex.client.driverName === 'better-sqlite3' ? 'text' : 'text COLLATE "C"';
  for (const statement of tables(text)) await knex.raw(statement);
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('sessions');
  await knex.schema.dropTable('nodes');
  await knex('meta').where({ name: 'cluster' }).delete();
}

function tables(text: string): string[] {
  return [
    // A node lives exactly as long as its row; `seen_at` is by the database's clock.
    `CREATE TABLE nodes (
      id ${text} PRIMARY KEY,
      lease_ms bigint NOT NULL,
      seen_at bigint NOT NULL
    )`,
    // The user is held while `node_id` is not null, so whoever removes a node frees its claims in the same statement. The
    // row stays, for its number only grows.
    `CREATE TABLE sessions (
      user_id bigint PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
      session ${text} NOT NULL,
      node_id ${text} CONSTRAINT sessions_node_fence REFERENCES nodes (id) ON DELETE SET NULL,
      token_hash ${text} NOT NULL,
      number bigint NOT NULL
    )`,
    `CREATE INDEX sessions_node_id ON sessions (node_id) WHERE node_id IS NOT NULL`,
    `CREATE INDEX sessions_token_hash ON sessions (token_hash) WHERE node_id IS NOT NULL`,
  ];
}
