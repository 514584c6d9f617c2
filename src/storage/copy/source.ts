/** What a copy asks of its source before it begins: that it is one, and what tells it from another and from its later self. */
import { createHash } from 'node:crypto';
import { StoreError } from '../../core/ports.ts';
import { openDatabase } from '../database.ts';
import { migrationNames, requireCurrentSchema } from '../migrate.ts';
import { type CopyConnection, numberOf } from './connection.ts';
import { readMark } from './mark.ts';
import { numbered, type Row, type TableName } from './tables.ts';

export type Source = {
  side: CopyConnection;
  fingerprint: string;
  /** Rows of the tables that may be large. */
  messages: number;
};

/** Rejects with a sentence when the database cannot be copied. */
export async function inspectSource(side: CopyConnection, url: string): Promise<Source> {
  const database = openDatabase({ url, pool: 1, synchronous: 'NORMAL', busyTimeoutMs: 0, deadlines: true });
  try {
    await requireCurrentSchema(database);
  } finally {
    await database.close();
  }
  if ((await readMark(side)) !== undefined) {
    throw new StoreError('rejected', 'It is itself an unfinished copy. Finish that one first.');
  }
  const messages = await numberOf(side, 'SELECT count(*) FROM messages');
  return { side, fingerprint: await fingerprint(side, messages), messages };
}

/**
 * Differs when anything is written that a server or a command writes: rooms and their newest ids, changes, what
 * administrators did, accounts, log-ins and tokens.
 */
async function fingerprint(side: CopyConnection, messages: number): Promise<string> {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([migrationNames, messages]));
  for (const sql of [
    'SELECT last_id FROM change_counter',
    'SELECT count(*), max(last_login_at), sum(id) FROM users',
    'SELECT count(*), max(last_used_at), sum(id) FROM tokens',
    'SELECT count(*), max(id) FROM audit',
    'SELECT count(*), sum(room_id) FROM room_purges',
  ]) {
    const [row] = await side.all(sql);
    // PostgreSQL's sums come as texts.
    hash.update(JSON.stringify(row?.map((value) => (value === null ? null : String(value)))));
  }
  for (const table of numbered) hash.update(`${table}:${await lastGiven(side, table)}`);
  const columns = ['id', 'name', 'epoch', 'last_id', 'deleted_messages', 'updated_at'];
  for (let after: Row | undefined; ; ) {
    const rows = await side.readChunk({ table: 'rooms', columns, key: ['id'], after: after && [after[0] ?? 0] });
    hash.update(JSON.stringify(rows));
    after = rows.at(-1);
    if (after === undefined) return hash.digest('hex');
  }
}

/** The highest id that the table has ever given. */
export async function lastGiven(side: CopyConnection, table: TableName): Promise<number> {
  const highest = await numberOf(side, `SELECT max(id) FROM ${table}`);
  if (side.dialect === 'sqlite') {
    return Math.max(highest, await numberOf(side, 'SELECT seq FROM sqlite_sequence WHERE name = ?', [table]));
  }
  const [row] = await side.all(`SELECT pg_get_serial_sequence('${table}', 'id')`);
  const given = await numberOf(side, `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM ${String(row?.[0])}`);
  return Math.max(highest, given);
}
