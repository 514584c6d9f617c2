/**
 * On PostgreSQL the words of new messages are sorted into their index in the background, by whoever stores messages:
 * see word-index-postgres.ts. So they may gather, and the message log waits for that only where the background fails.
 */
import type { Knex } from 'knex';

/** Where nobody sorts them in: some 20,000 messages. PostgreSQL's own standard, which a server's settings may change. */
const gatheredKb = 4096;
/** What 002 chose. */
const formerlyKb = 64;

export async function up(knex: Knex): Promise<void> {
  await setLimit(knex, gatheredKb);
}

export async function down(knex: Knex): Promise<void> {
  await setLimit(knex, formerlyKb);
}

async function setLimit(knex: Knex, kb: number): Promise<void> {
  if (knex.client.driverName === 'better-sqlite3') return;
  await knex.raw(`ALTER INDEX messages_words SET (gin_pending_list_limit = ${kb})`);
}
