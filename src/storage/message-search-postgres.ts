/**
 * The search on PostgreSQL: one statement. Each message's words stand in a column of its own with a GIN index; the newest
 * are found by the index of times. Which of the two a question begins with is the planner's choice, by its statistics.
 */
import type { Knex } from 'knex';
import type { FoundMessage, MessageSearch, MessageStore } from '../core/ports.ts';
import type { Database } from './database.ts';
import { askedWordsOf } from './search-words.ts';

type Row = { id: number; room_id: number; user_id: number; username: string; body: string; created_at: number };

export function createPostgresSearch(database: Database): MessageStore['search'] {
  return async (search) => {
    const asked = askedWordsOf(search.words);
    const after = search.after === undefined ? undefined : placeOf(search.after);
    if (asked?.length === 0 || (search.after !== undefined && after === undefined)) return { messages: [], next: null };
    // One more than asked for tells whether there are others.
    const rows: Row[] = await database.read((knex) => questionOf(knex, search, asked, after).limit(search.limit + 1));
    const last = rows.length > search.limit ? rows[search.limit - 1] : undefined;
    return {
      messages: rows.slice(0, search.limit).map(toFound),
      next: last === undefined ? null : `${last.created_at}.${last.room_id}.${last.id}`,
    };
  };
}

/** A message's place in the order of all: its time, then its room and id. */
type Place = [createdAt: number, roomId: number, id: number];

function placeOf(cursor: string): Place | undefined {
  if (!/^\d{1,15}\.\d{1,15}\.\d{1,15}$/.test(cursor)) return undefined;
  return cursor.split('.').map(Number) as Place;
}

function questionOf(
  knex: Knex,
  { userId, roomId, from, to }: MessageSearch,
  asked: readonly string[] | undefined,
  after: Place | undefined,
): Knex.QueryBuilder {
  const query = knex('messages as m')
    .join('users', 'users.id', 'm.user_id')
    .whereNull('m.deleted_at')
    .whereIn('m.room_id', knex('rooms').select('id'))
    .select('m.room_id', 'm.id', 'm.user_id', 'users.username', 'm.body', 'm.created_at');
  // Words are letters and digits, so they need no quoting.
  if (asked !== undefined) {
    query.whereRaw('m.words @@ ?::tsquery', [asked.map((beginning) => `'${beginning}':*`).join(' & ')]);
  }
  if (userId !== undefined) query.where('m.user_id', userId);
  if (roomId !== undefined) query.where('m.room_id', roomId);
  if (from !== undefined) query.where('m.created_at', '>=', from);
  if (to !== undefined) query.where('m.created_at', '<', to);
  if (after !== undefined) query.whereRaw('(m.created_at, m.room_id, m.id) < (?, ?, ?)', after);
  return query.orderBy(['m.created_at', 'm.room_id', 'm.id'].map((column) => ({ column, order: 'desc' })));
}

function toFound(row: Row): FoundMessage {
  return {
    roomId: row.room_id,
    id: row.id,
    userId: row.user_id,
    username: row.username,
    body: row.body,
    createdAt: row.created_at,
  };
}
