/**
 * The search on PostgreSQL. Each message's words stand in a column of its own with a GIN index, which gives all messages
 * with a word at once and in no order: for a word that is everywhere that takes seconds. So the newest messages are
 * looked through one by one first, where such words are found at once, and only then the index is asked. Left to itself,
 * the planner takes the one way for the other where its statistics are old.
 */
import type { Knex } from 'knex';
import type { MessageSearch, MessageStore } from '../core/ports.ts';
import type { Database } from './database.ts';
import { type MessageRow, toFound } from './message-reads.ts';
import { askedWordsOf } from './search-words.ts';

type Row = MessageRow & { room_id: number };

/** A message's place in the order of all: its time, then its room and id. */
type Place = readonly [createdAt: number, roomId: number, id: number];

type Question = MessageSearch & { asked: readonly string[]; after?: string };

/** Messages looked through one by one: some 20 ms. */
const lookedThrough = 5000;
/**
 * What may arrive between two queries of a search, all told: where the one ends, the other must begin. (The limit also
 * keeps the planner from looking into the index first.)
 */
const arriving = 5000;

const columns = ['room_id', 'id', 'user_id', 'body', 'created_at'];
const inOrder = 'created_at DESC, room_id DESC, id DESC';
// An expression, which no index has: so the messages come from the index of words, users or rooms.
const inOrderWithoutIndex = 'created_at + 0 DESC, room_id DESC, id DESC';

export function createPostgresSearch(database: Database): MessageStore['search'] {
  /** The newest messages of `source` that answer the question. */
  const find = (question: Question, limit: number, order: string, source: Source): Promise<Row[]> =>
    database.read((knex) =>
      knex(answers(source(knex), question).select(columns).orderByRaw(order).limit(limit).as('found'))
        .join('users', 'users.id', 'found.user_id')
        .select('found.*', 'users.username')
        .orderByRaw(`found.created_at DESC, found.room_id DESC, found.id DESC`),
    );

  async function findRows(question: Question, after: Place | undefined, limit: number): Promise<Row[]> {
    const all: Source = (knex) => within(knex('messages'), question, after);
    const hasFilter = question.asked.length > 0 || question.userId !== undefined || question.roomId !== undefined;
    if (!hasFilter) return find(question, limit, inOrder, all);
    const [edge]: Row[] = await database.read((knex) =>
      all(knex).orderByRaw(inOrder).offset(lookedThrough).limit(1).select('created_at', 'room_id', 'id'),
    );
    const found = await find(question, limit, inOrder, (knex) => {
      const newest = all(knex)
        .orderByRaw(inOrder)
        .limit(lookedThrough + arriving);
      if (edge !== undefined) newest.whereRaw('(created_at, room_id, id) > (?, ?, ?)', placeOfRow(edge));
      return knex(newest.select('messages.*').as('messages'));
    });
    if (edge === undefined || found.length === limit) return found;
    const older: Source = (knex) => all(knex).whereRaw('(created_at, room_id, id) <= (?, ?, ?)', placeOfRow(edge));
    return [...found, ...(await find(question, limit - found.length, inOrderWithoutIndex, older))];
  }

  return async (search) => {
    const asked = askedWordsOf(search.words);
    const after = search.after === undefined ? undefined : placeOf(search.after);
    if (asked?.length === 0 || (search.after !== undefined && after === undefined)) return { messages: [], next: null };
    // One more than asked for tells whether there are others.
    const rows = await findRows({ ...search, asked: asked ?? [] }, after, search.limit + 1);
    const last = rows.length > search.limit ? rows[search.limit - 1] : undefined;
    return {
      messages: rows.slice(0, search.limit).map(toFound),
      next: last === undefined ? null : `${last.created_at}.${last.room_id}.${last.id}`,
    };
  };
}

type Source = (knex: Knex) => Knex.QueryBuilder;

function placeOf(cursor: string): Place | undefined {
  const [createdAt, roomId, id] = /^\d{1,15}\.\d{1,15}\.\d{1,15}$/.test(cursor) ? cursor.split('.').map(Number) : [];
  return createdAt === undefined || roomId === undefined || id === undefined ? undefined : [createdAt, roomId, id];
}

function placeOfRow({ created_at, room_id, id }: Row): number[] {
  return [created_at, room_id, id];
}

function within(query: Knex.QueryBuilder, { from, to }: MessageSearch, after: Place | undefined): Knex.QueryBuilder {
  if (from !== undefined) query.where('created_at', '>=', from);
  if (to !== undefined) query.where('created_at', '<', to);
  if (after !== undefined) query.whereRaw('(created_at, room_id, id) < (?, ?, ?)', [...after]);
  return query;
}

function answers(query: Knex.QueryBuilder, { asked, userId, roomId }: Question): Knex.QueryBuilder {
  query.whereNull('deleted_at').whereRaw('room_id NOT IN (SELECT room_id FROM room_purges)');
  // Words are letters and digits, so they need no quoting.
  if (asked.length > 0) {
    query.whereRaw('words @@ ?::tsquery', [asked.map((beginning) => `'${beginning}':*`).join(' & ')]);
  }
  if (userId !== undefined) query.where('user_id', userId);
  if (roomId !== undefined) query.where('room_id', roomId);
  return query;
}
