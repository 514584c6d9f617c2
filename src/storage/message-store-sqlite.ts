/**
 * The message log's writes on SQLite: one batch is one turn of the event loop, in one transaction on a connection of
 * its own, so that no statement of another store can come between.
 */
import type { Database as Connection, Statement } from 'better-sqlite3';
import type { AppendOutcome, Clock, MessageStore, NewMessage } from '../core/ports.ts';
import type { Database } from './database.ts';
import { createMessageDelete } from './message-delete.ts';
import { createMessageReads } from './message-reads.ts';
import { createMessageSearch } from './message-search.ts';
import { openSqlite, sqliteFile } from './sqlite.ts';

type Known = { id: number; body: string; created_at: number; deleted_at: number | null };

type Statements = {
  lastId: Statement<[roomId: number], { last_id: number }>;
  insert: Statement<[roomId: number, id: number, userId: number, ref: string, createdAt: number, body: string]>;
  known: Statement<[userId: number, roomId: number, ref: string], Known>;
  raise: Statement<[lastId: number, roomId: number]>;
};

/** Opens a connection of its own; `close` ends it. */
export function openSqliteMessageStore(database: Database, clock: Clock): { store: MessageStore; close(): void } {
  const connection = openSqlite(sqliteFile(database.url), database.sqlite);
  const appendBatch = prepareAppend(connection);
  return {
    store: {
      ...createMessageReads(database),
      delete: createMessageDelete(database, clock),
      search: createMessageSearch(database),
      // Async, so that a busy database rejects instead of throwing.
      append: (batch) => database.whileBusy(async () => appendBatch.immediate(batch)),
    },
    close: () => {
      connection.close();
    },
  };
}

function prepareAppend(connection: Connection): {
  immediate(batch: readonly NewMessage[]): AppendOutcome[];
} {
  const statements: Statements = {
    lastId: connection.prepare('SELECT last_id FROM rooms WHERE id = ?'),
    insert: connection.prepare(
      `INSERT INTO messages (room_id, id, user_id, ref, created_at, body) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (user_id, room_id, ref) DO NOTHING`,
    ),
    known: connection.prepare(
      'SELECT id, body, created_at, deleted_at FROM messages WHERE user_id = ? AND room_id = ? AND ref = ?',
    ),
    raise: connection.prepare('UPDATE rooms SET last_id = ? WHERE id = ?'),
  };
  return connection.transaction((batch: readonly NewMessage[]): AppendOutcome[] => {
    /** Each room's newest id as of this batch; undefined for a room that is gone. */
    const lastIds = new Map<number, number | undefined>();
    const outcomes = batch.map((message) => appendOne(statements, lastIds, message));
    for (const [roomId, lastId] of lastIds) if (lastId !== undefined) statements.raise.run(lastId, roomId);
    return outcomes;
  });
}

function appendOne(
  statements: Statements,
  lastIds: Map<number, number | undefined>,
  { roomId, userId, body, ref, createdAt }: NewMessage,
): AppendOutcome {
  if (!lastIds.has(roomId)) lastIds.set(roomId, statements.lastId.get(roomId)?.last_id);
  const lastId = lastIds.get(roomId);
  if (lastId === undefined) return { status: 'room-gone' };
  if (statements.insert.run(roomId, lastId + 1, userId, ref, createdAt, body).changes === 1) {
    lastIds.set(roomId, lastId + 1);
    return { status: 'stored', id: lastId + 1 };
  }
  const known = statements.known.get(userId, roomId, ref);
  // What a deleted message said is not known any more.
  if (known === undefined || (known.body !== body && known.deleted_at === null)) return { status: 'ref-reused' };
  return { status: 'repeat', id: known.id, createdAt: known.created_at };
}
