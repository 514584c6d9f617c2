/**
 * Rooms, and the purge of what deleted rooms leave behind. Locks are taken in one order everywhere: meta, rooms
 * or users, audit, change_counter.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Clock, RandomText, Room, RoomActivity, RoomStore } from '../core/ports.ts';
import { foldName } from '../protocol/text.ts';
import { type Act, noteAct } from './audit-store.ts';
import { appendChanges } from './change-store.ts';
import type { Database } from './database.ts';
import { returningRows } from './database.ts';

type RoomRow = {
  id: number;
  name: string;
  topic: string;
  epoch: string;
  last_id: number;
  deleted_messages: number;
  created_at: number;
  updated_at: number;
};
type NewRoom = { name: string; topic: string; createdAt: number };

/** Random enough that no two logs ever share it: 96 bits. */
const epochBytes = 12;

/** A chunk of a purge aims at this, well under the 50 ms that a writer may be kept waiting. */
const chunkMs = 15;
const smallestChunk = 50;
/** The next chunk may have far longer bodies than the one that was measured. */
const largestChunk = 1000;
/** Between chunks others write. */
const chunkPauseMs = 5;

export function createRoomStore(database: Database, clock: Clock, random: RandomText): RoomStore {
  return {
    async list() {
      const rows: RoomRow[] = await database.read((knex) => knex('rooms').select('*').orderBy('name_folded'));
      return rows.map(toRoom);
    },

    async findByIds(ids) {
      const rows: RoomRow[] = await database.read((knex) => knex('rooms').whereIn('id', ids));
      return rows.map(toRoom);
    },

    async findByName(name) {
      const row: RoomRow | undefined = await database.read((knex) =>
        // The folded name is what has an index.
        knex('rooms')
          .where({ name_folded: foldName(name), name })
          .first(),
      );
      return row && toRoom(row);
    },

    create: (room, by) =>
      database.write(async (trx) => {
        await noteFirstRoom(trx);
        const row = await insert(trx, room, random(epochBytes));
        const at = clock.now();
        await noteAct(trx, by, { act: 'room-created', target: row.name }, at);
        await appendChanges(trx, [{ kind: 'room-created', room: shown(row) }], at);
        return toRoom(row);
      }),

    seed: (rooms, createdAt) =>
      database.write(async (trx) => {
        if (!(await noteFirstRoom(trx))) return [];
        const created: RoomRow[] = [];
        for (const room of rooms) created.push(await insert(trx, { ...room, createdAt }, random(epochBytes)));
        await appendChanges(
          trx,
          created.map((row) => ({ kind: 'room-created', room: shown(row) })),
          clock.now(),
        );
        return created.map(toRoom);
      }),

    change: (id, change, at, by) =>
      database.write(async (trx) => {
        const before: RoomRow | undefined = await trx('rooms').where({ id }).forUpdate().first();
        if (before === undefined) return undefined;
        const { name = before.name, topic = before.topic } = change;
        const values = { name, name_folded: foldName(name), topic, updated_at: at };
        await trx('rooms').where({ id }).update(values);
        const row = { ...before, ...values };
        for (const act of acts(before, row)) await noteAct(trx, by, act, clock.now());
        await appendChanges(trx, [{ kind: 'room-changed', room: shown(row) }], at);
        return toRoom(row);
      }),

    delete: (id, by) =>
      database.write(async (trx) => {
        const [row] = await returningRows<RoomRow>(trx, 'DELETE FROM rooms WHERE id = ? RETURNING *', [id]);
        if (row === undefined) return false;
        await trx('room_purges').insert({ room_id: id });
        const at = clock.now();
        await noteAct(
          trx,
          by,
          { act: 'room-deleted', target: row.name, details: { messages: countMessages(row) } },
          at,
        );
        await appendChanges(trx, [{ kind: 'room-deleted', room: { id } }], at);
        return true;
      }),

    async activity(roomIds) {
      const rows: (RoomRow & { newest: number | null })[] = await database.read((knex) => {
        const newest = knex('messages')
          .whereRaw('room_id = rooms.id')
          .whereNull('deleted_at')
          .orderBy('id', 'desc')
          .limit(1)
          .select('created_at');
        return knex('rooms').whereIn('id', roomIds).select('*', { newest });
      });
      return new Map(
        rows.map((row): [number, RoomActivity] => [
          row.id,
          { messages: countMessages(row), lastMessageAt: row.newest },
        ]),
      );
    },

    purge: (signal) => purge(database, signal),
  };
}

/** Notes that the database has had a room. True: this transaction did; another one that tries waits for its end. */
async function noteFirstRoom(trx: Knex.Transaction): Promise<boolean> {
  const noted = await trx('meta')
    .insert({ name: 'had-room', value: 'yes' })
    .onConflict('name')
    .ignore()
    .returning('name');
  return noted.length > 0;
}

async function insert(trx: Knex.Transaction, { name, topic, createdAt }: NewRoom, epoch: string): Promise<RoomRow> {
  const [row]: RoomRow[] = await trx('rooms')
    .insert({
      name,
      name_folded: foldName(name),
      topic,
      epoch,
      last_id: 0,
      created_at: createdAt,
      updated_at: createdAt,
    })
    .returning('*');
  return row as RoomRow;
}

async function purge(database: Database, signal: AbortSignal | undefined): Promise<number> {
  let purged = 0;
  let chunk = smallestChunk;
  for (;;) {
    if (signal?.aborted === true) return purged;
    const next: { room_id: number } | undefined = await database.read((knex) => knex('room_purges').first('room_id'));
    if (next === undefined) return purged;
    const start = performance.now();
    const deleted = await database.write((trx) => purgeChunk(trx, database.dialect, next.room_id, chunk));
    purged += deleted;
    const took = performance.now() - start;
    if (took > chunkMs) chunk = Math.max(smallestChunk, Math.floor(chunk / 2));
    else if (deleted === chunk) chunk = Math.min(largestChunk, chunk * 2);
    await delay(chunkPauseMs);
  }
}

async function purgeChunk(
  trx: Knex.Transaction,
  dialect: Database['dialect'],
  roomId: number,
  chunk: number,
): Promise<number> {
  const oldest = trx('messages').where({ room_id: roomId }).orderBy('id').limit(chunk).select('id').as('oldest');
  const due = trx('messages').where({ room_id: roomId }).where('id', '<=', trx(oldest).max('id'));
  if (dialect === 'sqlite') await trx('message_words').whereIn('rowid', due.clone().select('seq')).delete();
  const deleted = await due.delete();
  if (deleted < chunk) await trx('room_purges').where({ room_id: roomId }).delete();
  return deleted;
}

/** What the audit log says of a room's change: what differs. */
function acts(before: RoomRow, after: RoomRow): Act[] {
  const done: Act[] = [];
  if (after.name !== before.name) {
    done.push({ act: 'room-renamed', target: after.name, details: { from: before.name } });
  }
  if (after.topic !== before.topic) {
    done.push({ act: 'room-topic-changed', target: after.name, details: { from: before.topic, to: after.topic } });
  }
  return done;
}

/** Ids are dense, and a room's rows stay until the room goes. */
function countMessages(row: RoomRow): number {
  return row.last_id - row.deleted_messages;
}

function shown(row: RoomRow): { id: number; name: string; topic: string; epoch: string } {
  return { id: row.id, name: row.name, topic: row.topic, epoch: row.epoch };
}

function toRoom(row: RoomRow): Room {
  return { ...shown(row), lastId: row.last_id, createdAt: row.created_at, updatedAt: row.updated_at };
}
