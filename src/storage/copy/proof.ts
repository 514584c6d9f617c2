/**
 * The proof that a copy equals its source: rows and checksums of each table, and of each room's log, computed from what
 * both databases hold now. It trusts nothing that the copying noted.
 */
import { createHash, type Hash } from 'node:crypto';
import { type CopyConnection, numberOf } from './connection.ts';
import { messages, type Row, smallTables, type Table } from './tables.ts';
import { readGiven } from './target.ts';

/** `checksum`: SHA-256, in hex, of the rows in the order of their keys, a JSON array a line. */
export type Digest = { rows: number; checksum: string };
export type Compared = { source: Digest; target: Digest; isEqual: boolean };

export type Proof = {
  isEqual: boolean;
  tables: (Compared & { name: string })[];
  /** `name` null: the room is deleted, its messages are yet to be. */
  rooms: (Compared & { id: number; name: string | null; hasNewEpoch: boolean })[];
  /** The highest ids that were given: the target must not give them again. */
  given: { name: string; source: number; target: number; isEqual: boolean }[];
  /** Messages that the target's search does not know. */
  unindexed: number;
};

type Log = { total: Digest; rooms: Map<number, Digest> };

export type OnChecked = (side: 'source' | 'target', rows: number) => void;

/** @throws the signal's reason when it is aborted. */
export async function compare(
  source: CopyConnection,
  target: CopyConnection,
  signal: AbortSignal,
  onChecked: OnChecked,
): Promise<Proof> {
  const tables: Proof['tables'] = [];
  for (const table of smallTables) {
    const [ours, theirs] = [await digestTable(source, table, signal), await digestTable(target, table, signal)];
    tables.push({ name: table.name, ...compared(ours, theirs) });
  }
  const [from, to] = await Promise.all([
    digestLog(source, signal, (rows) => onChecked('source', rows)),
    digestLog(target, signal, (rows) => onChecked('target', rows)),
  ]);
  tables.push({ name: messages.name, ...compared(from.total, to.total) });
  const rooms = compareRooms(from, to, await readRooms(source), await readRooms(target));
  const given = await compareGiven(source, target);
  const unindexed = await countUnindexed(target);
  const isEqual =
    [...tables, ...rooms, ...given].every((each) => each.isEqual) &&
    rooms.every(({ hasNewEpoch }) => hasNewEpoch) &&
    unindexed === 0;
  return { isEqual, tables, rooms, given, unindexed };
}

function compared(source: Digest, target: Digest): Compared {
  return { source, target, isEqual: source.rows === target.rows && source.checksum === target.checksum };
}

function update(hash: Hash, row: Row): void {
  hash.update(`${JSON.stringify(row)}\n`);
}

async function* rowsOf(side: CopyConnection, table: Table, signal: AbortSignal): AsyncGenerator<Row[]> {
  const columns = table.columns.map(([name]) => name);
  const places = table.key.map((name) => columns.indexOf(name));
  const { name, key, weigh, except } = table;
  for (let after: Row | undefined; ; ) {
    signal.throwIfAborted();
    const query = { table: name, columns, key, after, ...(weigh && { weigh }), ...(except && { except }) };
    const rows = await side.readChunk(query);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = places.map((place) => last[place] ?? null);
  }
}

async function digestTable(side: CopyConnection, table: Table, signal: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256');
  let count = 0;
  for await (const rows of rowsOf(side, table, signal)) {
    for (const row of rows) update(hash, row);
    count += rows.length;
  }
  return { rows: count, checksum: hash.digest('hex') };
}

/** The messages come room by room, each room's by id. */
async function digestLog(side: CopyConnection, signal: AbortSignal, onRows: (rows: number) => void): Promise<Log> {
  const rooms = new Map<number, Digest>();
  const total = createHash('sha256');
  let count = 0;
  let current: { id: number; rows: number; hash: Hash } | undefined;
  const endRoom = (): void => {
    if (current === undefined) return;
    const checksum = current.hash.digest('hex');
    rooms.set(current.id, { rows: current.rows, checksum });
    total.update(`${current.id} ${checksum}\n`);
  };
  for await (const rows of rowsOf(side, messages, signal)) {
    for (const row of rows) {
      const id = Number(row[0]);
      if (current?.id !== id) {
        endRoom();
        current = { id, rows: 0, hash: createHash('sha256') };
      }
      current.rows += 1;
      update(current.hash, row);
    }
    count += rows.length;
    onRows(count);
  }
  endRoom();
  return { total: { rows: count, checksum: total.digest('hex') }, rooms };
}

type KnownRoom = { name: string; epoch: string };

async function readRooms(side: CopyConnection): Promise<Map<number, KnownRoom>> {
  const rows = await side.all('SELECT id, name, epoch FROM rooms');
  return new Map(rows.map(([id, name, epoch]) => [Number(id), { name: String(name), epoch: String(epoch) }]));
}

const nothing: Digest = { rows: 0, checksum: createHash('sha256').digest('hex') };

function compareRooms(
  from: Log,
  to: Log,
  sourceRooms: Map<number, KnownRoom>,
  targetRooms: Map<number, KnownRoom>,
): Proof['rooms'] {
  const ids = new Set([...sourceRooms.keys(), ...targetRooms.keys(), ...from.rooms.keys(), ...to.rooms.keys()]);
  return [...ids]
    .sort((a, b) => a - b)
    .map((id) => {
      const [room, copy] = [sourceRooms.get(id), targetRooms.get(id)];
      return {
        id,
        name: room?.name ?? copy?.name ?? null,
        ...compared(from.rooms.get(id) ?? nothing, to.rooms.get(id) ?? nothing),
        hasNewEpoch: room === undefined || room.epoch !== copy?.epoch,
      };
    });
}

async function compareGiven(source: CopyConnection, target: CopyConnection): Promise<Proof['given']> {
  const [from, to] = [await readGiven(source), await readGiven(target)];
  return Object.entries(from).map(([name, last]) => {
    const copied = to[name] ?? 0;
    return { name, source: last, target: copied, isEqual: copied >= last };
  });
}

async function countUnindexed(target: CopyConnection): Promise<number> {
  if (target.dialect === 'postgres') {
    return numberOf(target, 'SELECT count(*) FROM messages WHERE words IS NULL AND deleted_at IS NULL');
  }
  const unnumbered = await numberOf(target, 'SELECT count(*) - count(DISTINCT seq) FROM messages');
  const later = 'SELECT count(*) FROM messages WHERE seq > (SELECT last_seq FROM search_indexed)';
  return unnumbered + (await numberOf(target, later));
}
