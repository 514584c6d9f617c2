/**
 * The message log's writes on PostgreSQL: a batch is one autocommit statement, so that no stalled process holds a
 * room's lock between round trips.
 *
 * READ COMMITTED takes the statement's snapshot before it waits for the rooms' locks. `last_id` comes from the locked,
 * current row, so ids are right; but a ref that another process committed during the wait is invisible to the look-up
 * and fails the unique key. Then nothing was done, and the statement is sent again: its new snapshot sees that ref.
 */
import type pg from 'pg';
import type { AppendOutcome, Clock, MessageStore, NewMessage } from '../core/ports.ts';
import { StoreError } from '../core/ports.ts';
import type { Database } from './database.ts';
import { createMessageDelete } from './message-delete.ts';
import { createMessageReads } from './message-reads.ts';
import { createPostgresSearch } from './message-search-postgres.ts';
import { fenced } from './node-store.ts';
import { wordsOf } from './search-words.ts';
import { toStoreError, unavailable } from './store-errors.ts';
import { createWordIndex } from './word-index-postgres.ts';

/**
 * Parameters are arrays, one element a message, no (user, room, ref) twice. Rooms are locked in the order of their ids:
 * unsorted locks deadlock. One row comes back for each message whose room exists.
 */
const appendSql = appendOf({ alive: '', condition: '', answer: '' });

/**
 * The same in the name of a node, whose row is locked before all others and until the commit: while it is there nobody
 * can mark the node dead, and when it is gone no room is found. One row more, of place 0, comes back when it is there.
 */
const fencedAppendSql = appendOf({
  alive: 'alive AS (SELECT id FROM nodes WHERE id = $7 FOR KEY SHARE), ',
  condition: 'AND EXISTS (SELECT 1 FROM alive)',
  answer: 'UNION ALL SELECT 0, 0, NULL, NULL, false FROM alive',
});

function appendOf({ alive, condition, answer }: { alive: string; condition: string; answer: string }): string {
  return `
  WITH ${alive}input AS (
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[])
      WITH ORDINALITY AS t (room_id, user_id, ref, created_at, body, words, place)
  ), locked AS (
    SELECT id, last_id FROM rooms WHERE id = ANY ($1) ${condition} ORDER BY id FOR UPDATE
  ), looked_up AS (
    SELECT input.*, locked.last_id, known.id AS known_id, known.created_at AS known_at, known.body AS known_body,
      known.deleted_at AS known_deleted_at
    FROM input JOIN locked ON locked.id = input.room_id
    LEFT JOIN LATERAL (
      SELECT m.id, m.created_at, m.body, m.deleted_at FROM messages m
      WHERE m.user_id = input.user_id AND m.room_id = input.room_id AND m.ref = input.ref LIMIT 1
    ) known ON true
  ), fresh AS (
    SELECT *, last_id + row_number() OVER (PARTITION BY room_id ORDER BY place) AS new_id
    FROM looked_up WHERE known_id IS NULL
  ), raised AS (
    UPDATE rooms SET last_id = top.new_id
    FROM (SELECT room_id, max(new_id) AS new_id FROM fresh GROUP BY room_id) top
    WHERE rooms.id = top.room_id
  ), inserted AS (
    INSERT INTO messages (room_id, id, user_id, ref, created_at, body, words)
    SELECT room_id, new_id, user_id, ref, created_at, body, array_to_tsvector(string_to_array(words, ' '))
    FROM fresh ORDER BY place
  )
  SELECT place, new_id AS id, NULL AS known_at, NULL AS other_body, false AS is_deleted FROM fresh
  UNION ALL
  SELECT place, known_id, known_at, NULLIF(known_body, body), known_deleted_at IS NOT NULL
  FROM looked_up WHERE known_id IS NOT NULL
  ${answer}`;
}

/** `place` counts from 1. `known_at` is null for what was stored now; `other_body` is what is stored in place of this. */
type Row = { place: number; id: number; known_at: number | null; other_body: string | null; is_deleted: boolean };

export function createPostgresMessageStore(database: Database, clock: Clock): MessageStore {
  const index = createWordIndex(database);
  return {
    ...createMessageReads(database),
    delete: createMessageDelete(database, clock),
    search: createPostgresSearch(database),
    async append(batch, node) {
      const { distinct, firstOf } = withoutDuplicates(batch);
      const words = distinct.map(({ body }) => wordsOf(body));
      const rows = await database.whileBusy(() => send(database, distinct, words, node));
      if (node !== undefined && !rows.some(({ place }) => place === 0)) throw fenced(node);
      index.stored(words.reduce((sum, { length }) => sum + length, 0));
      const found = new Map(rows.map((row) => [row.place - 1, row]));
      return batch.map((message, index) => {
        const place = firstOf[index] as number;
        const row = found.get(place);
        if (row === undefined) return { status: 'room-gone' };
        return outcomeOf(message, distinct[place] as NewMessage, row);
      });
    },
  };
}

/** `first`: the batch's first entry under the message's user, room and ref; `row`: what became of that one. */
function outcomeOf(message: NewMessage, first: NewMessage, row: Row): AppendOutcome {
  if (row.known_at === null && message === first) return { status: 'stored', id: row.id };
  // What a deleted message said is not known any more.
  if (!row.is_deleted && message.body !== (row.other_body ?? first.body)) return { status: 'ref-reused' };
  const repeat = { status: 'repeat', id: row.id, createdAt: row.known_at ?? first.createdAt } as const;
  return row.is_deleted ? { ...repeat, isDeleted: true } : repeat;
}

async function send(
  database: Database,
  messages: readonly NewMessage[],
  words: readonly string[][],
  node: string | undefined,
): Promise<Row[]> {
  let client: pg.Client;
  try {
    client = await database.knex.client.acquireConnection();
  } catch (error) {
    throw unavailable(error);
  }
  try {
    const { rows } = await client.query<Row>({
      // Named: planned once for each connection; planning takes longer than running it.
      ...(node === undefined
        ? { name: 'finchat-append', text: appendSql }
        : { name: 'finchat-append-fenced', text: fencedAppendSql }),
      values: [
        messages.map(({ roomId }) => roomId),
        messages.map(({ userId }) => userId),
        messages.map(({ ref }) => ref),
        messages.map(({ createdAt }) => createdAt),
        messages.map(({ body }) => body),
        words.map((each) => each.join(' ')),
        ...(node === undefined ? [] : [node]),
      ],
    });
    return rows;
  } catch (error) {
    const failure = toStoreError(error);
    throw failure.kind === 'conflict'
      ? new StoreError('busy', 'Another process stored one of these messages meanwhile.', { cause: error })
      : failure;
  } finally {
    await database.knex.client.releaseConnection(client);
  }
}

/** The batch without what is in it twice under one user, room and ref; `firstOf[i]`: the place of entry i's first. */
function withoutDuplicates(batch: readonly NewMessage[]): { distinct: NewMessage[]; firstOf: number[] } {
  const places = new Map<string, number>();
  const distinct: NewMessage[] = [];
  const firstOf = batch.map((message) => {
    const key = `${message.userId} ${message.roomId} ${message.ref}`;
    let place = places.get(key);
    if (place === undefined) {
      place = distinct.push(message) - 1;
      places.set(key, place);
    }
    return place;
  });
  return { distinct, firstOf };
}
