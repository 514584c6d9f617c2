/** Reading messages, alike on both dialects. Writing them is each dialect's own: see the message stores. */
import type { Knex } from 'knex';
import type { FoundMessage, MessageStore, StoredMessage } from '../core/ports.ts';
import type { Database } from './database.ts';

export type MessageRow = { id: number; user_id: number; username: string; body: string; created_at: number };

const columns = ['m.id', 'm.user_id', 'users.username', 'm.body', 'm.created_at'];

/** SQLite binds at most 32,766 values in a statement, PostgreSQL 65,535. */
const idsAtOnce = 10_000;

export function createMessageReads(database: Database): Pick<MessageStore, 'snapshot' | 'page' | 'range' | 'lastIds'> {
  const messages = (knex: Knex): Knex.QueryBuilder =>
    knex('messages as m').join('users', 'users.id', 'm.user_id').whereNull('m.deleted_at').select(columns);

  return {
    async snapshot(roomId, limit) {
      const rows: (MessageRow | { id: null })[] = await database.read((knex) =>
        knex('rooms')
          .leftJoin(
            messages(knex).where('m.room_id', roomId).orderBy('m.id', 'desc').limit(limit).as('newest'),
            knex.raw('1 = 1'),
          )
          .where('rooms.id', roomId)
          .select('rooms.last_id', 'newest.*')
          .orderBy('newest.id', 'desc'),
      );
      const first = rows[0] as { last_id: number } | undefined;
      if (first === undefined) return undefined;
      return { lastId: first.last_id, messages: rows.flatMap((row) => (row.id === null ? [] : [toMessage(row)])) };
    },

    async page(roomId, { before, after, limit, maxBytes }) {
      const rows: MessageRow[] = await database.read((knex) => {
        const query = messages(knex).where('m.room_id', roomId);
        if (before !== undefined) query.where('m.id', '<', before);
        if (after !== undefined) query.where('m.id', '>', after);
        // One more than asked for tells whether there are others.
        return query.orderBy('m.id', 'desc').limit(limit + 1);
      });
      const fitting = countFitting(rows, limit, maxBytes);
      return { messages: rows.slice(0, fitting).map(toMessage), more: rows.length > fitting };
    },

    async range(roomId, from, to, limit) {
      const rows: MessageRow[] = await database.read((knex) =>
        messages(knex).where('m.room_id', roomId).whereBetween('m.id', [from, to]).orderBy('m.id').limit(limit),
      );
      return rows.map(toMessage);
    },

    async lastIds(roomIds) {
      const found = new Map<number, number>();
      for (let start = 0; start < roomIds.length; start += idsAtOnce) {
        const some = roomIds.slice(start, start + idsAtOnce);
        const rows: { id: number; last_id: number }[] = await database.read((knex) =>
          knex('rooms').whereIn('id', some).select('id', 'last_id'),
        );
        for (const row of rows) found.set(row.id, row.last_id);
      }
      return found;
    },
  };
}

/** How many of the rows are at most `limit` and `maxBytes` of bodies; one at least. */
function countFitting(rows: readonly MessageRow[], limit: number, maxBytes: number): number {
  let bytes = 0;
  let count = 0;
  for (const { body } of rows.slice(0, limit)) {
    bytes += Buffer.byteLength(body);
    if (count > 0 && bytes > maxBytes) break;
    count += 1;
  }
  return count;
}

function toMessage(row: MessageRow): StoredMessage {
  return { id: row.id, userId: row.user_id, username: row.username, body: row.body, createdAt: row.created_at };
}

/** Of a search, which goes through all rooms. */
export function toFound(row: MessageRow & { room_id: number }): FoundMessage {
  return { ...toMessage(row), roomId: row.room_id };
}
