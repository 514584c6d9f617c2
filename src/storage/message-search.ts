/** Searching messages. */
import type { Knex } from 'knex';
import type { FoundMessage, MessageSearch, MessageStore } from '../core/ports.ts';
import type { Database } from './database.ts';
import { wordsOf } from './search-words.ts';

type Row = { id: number; room_id: number; user_id: number; username: string; body: string; created_at: number };

const columns = ['m.room_id', 'm.id', 'm.user_id', 'users.username', 'm.body', 'm.created_at'];

export function createMessageSearch(database: Database): MessageStore['search'] {
  return async (search) => {
    const rows: Row[] = await database.read((knex) => matching(knex, search));
    const start = search.after === undefined ? 0 : Number(search.after) || rows.length;
    const asked = search.words === undefined || search.words.trim() === '' ? undefined : wordsOf(search.words);
    const found = rows.filter(({ body }) => asked === undefined || matches(asked, body));
    const end = start + search.limit;
    return { messages: found.slice(start, end).map(toFound), next: end < found.length ? `${end}` : null };
  };
}

function matching(knex: Knex, { userId, roomId, from, to }: MessageSearch): Knex.QueryBuilder {
  const query = knex('messages as m')
    .join('users', 'users.id', 'm.user_id')
    .join('rooms', 'rooms.id', 'm.room_id')
    .whereNull('m.deleted_at')
    .select(columns);
  if (userId !== undefined) query.where('m.user_id', userId);
  if (roomId !== undefined) query.where('m.room_id', roomId);
  if (from !== undefined) query.where('m.created_at', '>=', from);
  if (to !== undefined) query.where('m.created_at', '<', to);
  return query.orderBy([
    { column: 'm.created_at', order: 'desc' },
    { column: 'm.room_id', order: 'desc' },
    { column: 'm.id', order: 'desc' },
  ]);
}

function matches(asked: readonly string[], body: string): boolean {
  const words = wordsOf(body);
  return asked.length > 0 && asked.every((start) => words.some((word) => word.startsWith(start)));
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
