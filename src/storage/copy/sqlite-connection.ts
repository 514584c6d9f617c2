/** A side of a copy on SQLite. The driver is synchronous: while one side reads, the other one's server may work. */
import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type BetterSqlite from 'better-sqlite3';
import { StoreError } from '../../core/ports.ts';
import { prepareIndexing } from '../message-search-sqlite.ts';
import { tryProcessLock } from '../process-lock.ts';
import { createSqliteFile, openSqlite, sqliteFile } from '../sqlite.ts';
import { toStoreError } from '../store-errors.ts';
import { type ChunkQuery, type CopyConnection, chunkBytes, chunkRows, writersMs } from './connection.ts';
import { markName, type Row, type Value } from './tables.ts';

/** KiB of pages in memory. The target's index of refs is written in no order: beyond this it becomes slower. */
const cacheKb = { source: 16 * 1024, target: 128 * 1024 };

export async function openSqliteSide(url: string, role: 'source' | 'target'): Promise<CopyConnection> {
  const file = sqliteFile(url);
  if (role === 'source' && !existsSync(file)) throw new StoreError('rejected', `There is no file ${file}.`);
  const release = await tryProcessLock(url, 'server');
  if (release === undefined) throw new StoreError('rejected', busySentence);
  let connection: BetterSqlite.Database | undefined;
  try {
    createSqliteFile(file);
    // Copied rows need not survive a power cut before the last transaction, which is durable and makes all of them so.
    connection = openSqlite(file, { synchronous: 'NORMAL', busyTimeoutMs: writersMs });
    connection.pragma(`cache_size = -${cacheKb[role]}`);
    // Nobody writes to the source until the copy has been compared with it.
    if (role === 'source') connection.exec('BEGIN IMMEDIATE');
    return createSide(connection, file, release);
  } catch (error) {
    connection?.close();
    await release();
    throw toStoreError(error);
  }
}

export const busySentence = 'A server or another copy is running on this database. Stop it first.';

function createSide(connection: BetterSqlite.Database, file: string, release: () => Promise<void>): CopyConnection {
  const guard = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toStoreError(error);
    }
  };
  return {
    dialect: 'sqlite',
    shown: `sqlite://${file}`,
    all: async (sql, values = []) =>
      guard(() =>
        connection
          .prepare<Value[], Row>(sql)
          .raw()
          .all(...values),
      ),
    run: async (sql, values = []) => guard(() => void connection.prepare<Value[]>(sql).run(...values)),
    readChunk: async (query) => guard(() => readChunk(connection, query)),
    async insert(table, columns, rows, mark) {
      const names = columns.map(([name]) => name).join(', ');
      const places = columns.map(() => '?').join(', ');
      const statement = connection.prepare<Value[]>(`INSERT INTO ${table} (${names}) VALUES (${places})`);
      const note = connection.prepare<[string]>(`UPDATE meta SET value = ? WHERE name = '${markName}'`);
      const insert = connection.transaction(() => {
        for (const row of rows) statement.run(...row);
        note.run(mark);
      });
      guard(() => insert.immediate());
    },
    async transaction(work, isDurable = false) {
      if (isDurable) connection.pragma('synchronous = FULL');
      guard(() => connection.exec('BEGIN IMMEDIATE'));
      try {
        await work();
        guard(() => connection.exec('COMMIT'));
      } catch (error) {
        if (connection.inTransaction) connection.exec('ROLLBACK');
        throw error;
      }
    },
    dropIndexes: async () => [],
    indexWords: (onProgress, signal) => indexWords(connection, onProgress, signal),
    abort() {
      // No statement of it takes long.
    },
    async close() {
      connection.close();
      await release().catch(() => {});
    },
  };
}

/** As the search itself does it, in the same small steps. */
async function indexWords(
  connection: BetterSqlite.Database,
  onProgress: (done: number, all: number) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    const indexing = prepareIndexing(connection);
    const goal = indexing.newest();
    for (let reached = indexing.reached(); reached < goal; reached = indexing.reached()) {
      onProgress(reached, goal);
      indexing.indexNext();
      indexing.merge();
      await nextTurn();
      signal.throwIfAborted();
    }
  } catch (error) {
    throw toStoreError(error);
  }
}

function readChunk(connection: BetterSqlite.Database, query: ChunkQuery): Row[] {
  const { table, columns, key, after, weigh, except } = query;
  const where = [
    ...(after === undefined ? [] : [`(${key.join(', ')}) > (${key.map(() => '?').join(', ')})`]),
    ...(except === undefined ? [] : [`NOT (${except})`]),
  ];
  const sql = `SELECT ${columns.join(', ')} FROM ${table} ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}
    ORDER BY ${key.join(', ')} LIMIT ${chunkRows}`;
  const statement = connection.prepare<Value[], Row>(sql).raw();
  const weighed = weigh === undefined ? -1 : columns.indexOf(weigh);
  const rows: Row[] = [];
  let bytes = 0;
  for (const row of statement.iterate(...(after ?? []))) {
    rows.push(row);
    const value = weighed < 0 ? null : row[weighed];
    if (typeof value === 'string') bytes += Buffer.byteLength(value);
    if (bytes >= chunkBytes) break;
  }
  return rows;
}
