/**
 * The message log's writes on SQLite: one batch is one turn of the event loop, in one transaction on a connection on
 * which everything is synchronous, so that no statement of another store can come between.
 */
import type { Database as Connection, Statement } from 'better-sqlite3';
import type { AppendOutcome, Clock, MessageStore, NewMessage } from '../core/ports.ts';
import type { Database } from './database.ts';
import { createLogSync } from './log-sync.ts';
import { createMessageDelete } from './message-delete.ts';
import { createMessageReads } from './message-reads.ts';
import { newestSeqSql, openSearchIndex } from './message-search-sqlite.ts';
import { fenced } from './node-store.ts';

type Known = { id: number; body: string; created_at: number; deleted_at: number | null };

type Statements = {
  isAlive: Statement<[node: string], number>;
  lastId: Statement<[roomId: number], { last_id: number }>;
  newestSeq: Statement<[], number>;
  insert: Statement<
    [roomId: number, id: number, userId: number, ref: string, createdAt: number, body: string, seq: number]
  >;
  known: Statement<[userId: number, roomId: number, ref: string], Known>;
  raise: Statement<[lastId: number, roomId: number]>;
};

/** What a batch has reached: the number of its newest message over all rooms, and each room's newest id; undefined: the room is gone. */
type Progress = { seq: number; lastIds: Map<number, number | undefined> };

/** `connection`: everything that runs on it is synchronous. It is for the caller to close, after this. */
export function openSqliteMessageStore(
  database: Database,
  connection: Connection,
  clock: Clock,
): { store: MessageStore; close(): void } {
  const appendBatch = prepareAppend(connection);
  const index = openSearchIndex(connection, database, clock);
  // With FULL each commit has synced it.
  const log = database.sqlite.synchronous === 'NORMAL' ? createLogSync(connection) : undefined;
  return {
    store: {
      ...createMessageReads(database),
      delete: createMessageDelete(database, clock),
      search: index.search,
      // Async, so that a busy database rejects instead of throwing.
      async append(batch, node) {
        const outcomes = await database.whileBusy(async () => appendBatch.immediate(batch, node));
        index.grow();
        log?.grow(batch.length, new Set(batch.map(({ roomId }) => roomId)).size);
        return outcomes;
      },
    },
    close() {
      index.close();
      log?.close();
    },
  };
}

function prepareAppend(connection: Connection): {
  immediate(batch: readonly NewMessage[], node: string | undefined): AppendOutcome[];
} {
  const statements: Statements = {
    isAlive: connection.prepare<[string], number>('SELECT 1 FROM nodes WHERE id = ?').pluck(),
    lastId: connection.prepare('SELECT last_id FROM rooms WHERE id = ?'),
    newestSeq: connection.prepare<[], number>(newestSeqSql).pluck(),
    insert: connection.prepare(
      `INSERT INTO messages (room_id, id, user_id, ref, created_at, body, seq) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (user_id, room_id, ref) DO NOTHING`,
    ),
    known: connection.prepare(
      'SELECT id, body, created_at, deleted_at FROM messages WHERE user_id = ? AND room_id = ? AND ref = ?',
    ),
    raise: connection.prepare('UPDATE rooms SET last_id = ? WHERE id = ?'),
  };
  return connection.transaction((batch: readonly NewMessage[], node: string | undefined): AppendOutcome[] => {
    if (node !== undefined && statements.isAlive.get(node) === undefined) throw fenced(node);
    const progress: Progress = { lastIds: new Map(), seq: statements.newestSeq.get() ?? 0 };
    const outcomes = batch.map((message) => appendOne(statements, progress, message));
    for (const [roomId, lastId] of progress.lastIds) if (lastId !== undefined) statements.raise.run(lastId, roomId);
    return outcomes;
  });
}

function appendOne(statements: Statements, progress: Progress, message: NewMessage): AppendOutcome {
  const { roomId, userId, body, ref, createdAt } = message;
  const { lastIds } = progress;
  if (!lastIds.has(roomId)) lastIds.set(roomId, statements.lastId.get(roomId)?.last_id);
  const lastId = lastIds.get(roomId);
  if (lastId === undefined) return { status: 'room-gone' };
  const seq = progress.seq + 1;
  if (statements.insert.run(roomId, lastId + 1, userId, ref, createdAt, body, seq).changes === 1) {
    lastIds.set(roomId, lastId + 1);
    progress.seq = seq;
    return { status: 'stored', id: lastId + 1 };
  }
  const known = statements.known.get(userId, roomId, ref);
  // What a deleted message said is not known any more.
  if (known === undefined || (known.body !== body && known.deleted_at === null)) return { status: 'ref-reused' };
  const repeat = { status: 'repeat', id: known.id, createdAt: known.created_at } as const;
  return known.deleted_at === null ? repeat : { ...repeat, isDeleted: true };
}
