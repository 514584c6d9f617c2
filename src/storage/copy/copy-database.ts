/**
 * Copies one database into another, of the same or the other dialect: users, tokens, rooms, messages, the audit log and
 * what is due to be purged. Both are locked meanwhile, and the source cannot be written to: a database that is moved must
 * not lose what is said while it moves. What breaks off goes on where it was, by the mark in the target. At the end both
 * are read once more and compared; only what is equal becomes a database that a server starts on.
 */
import { statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type RandomText, StoreError } from '../../core/ports.ts';
import { isSqlite } from '../database.ts';
import { wordsOf } from '../search-words.ts';
import { sqliteFile } from '../sqlite.ts';
import { toStoreError } from '../store-errors.ts';
import type { CopyConnection } from './connection.ts';
import { type Mark, removeMark } from './mark.ts';
import { openPostgresSide } from './postgres-connection.ts';
import { compare, type Proof } from './proof.ts';
import { inspectSource, type Source } from './source.ts';
import { openSqliteSide } from './sqlite-connection.ts';
import { type Column, messages, type Row, smallTables, type Table } from './tables.ts';
import { type Beginning, beginCopy, raiseGiven, readGiven, restoreIndexes } from './target.ts';

export type CopyOptions = {
  from: string;
  to: string;
  /** Empties a target that is an unfinished copy. */
  startOver: boolean;
  random: RandomText;
  signal: AbortSignal;
  onStep: (step: CopyStep) => void;
};

/** What is under way: messages that are stored, indexed or compared, out of how many. */
export type CopyStep =
  | { kind: 'begun'; isResumed: boolean; removedRooms: readonly string[]; done: number; all: number }
  | { kind: 'copying' | 'indexing' | 'comparing'; done: number; all: number };

export type CopyReport = Proof & {
  from: string;
  to: string;
  isResumed: boolean;
  /** Messages that this run has stored, and the seconds that it took, all told. */
  storedMessages: number;
  seconds: { copying: number; indexing: number; comparing: number };
};

/** Random enough that no two logs ever share it: 96 bits, as for a new room. */
const epochBytes = 12;

/** Rejects with StoreError, in a sentence that says what to do. Resolves also when the databases differ. */
export async function copyDatabase(options: CopyOptions): Promise<CopyReport> {
  const { from, to, signal } = options;
  requireTwo(from, to);
  const name = `finchat copy ${options.random(9)}`;
  const open = (url: string, role: 'source' | 'target'): Promise<CopyConnection> =>
    named(role, () => (isSqlite(url) ? openSqliteSide(url, role) : openPostgresSide(url, { role, name })));
  const sides: CopyConnection[] = [];
  const abort = (): void => {
    for (const side of sides) side.abort();
  };
  signal.addEventListener('abort', abort);
  let isBegun = false;
  try {
    const source = await open(from, 'source');
    sides.push(source);
    const inspected = await named('source', () => inspectSource(source, from));
    const target = await open(to, 'target');
    sides.push(target);
    const begun = await named('target', () => beginCopy(target, to, inspected.fingerprint, options.startOver));
    isBegun = true;
    return await whatWasKept(signal, () => fill(inspected, target, begun, options));
  } catch (error) {
    if (signal.aborted && !isBegun) throw new StoreError('unavailable', 'Broken off. Nothing is copied yet.');
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
    for (const side of sides) await side.close();
  }
}

async function fill(
  source: Source,
  target: CopyConnection,
  begun: Beginning,
  options: CopyOptions,
): Promise<CopyReport> {
  const { mark, isResumed, removedRooms } = begun;
  const { signal, onStep } = options;
  const all = source.messages;
  const before = mark.progress.messages?.rows ?? 0;
  onStep({ kind: 'begun', isResumed, removedRooms, done: before, all });
  const since = stopwatch();
  for (const table of smallTables) await copyTable(source.side, target, mark, table, options, () => {});
  await copyTable(source.side, target, mark, messages, options, (done) => onStep({ kind: 'copying', done, all }));
  await raiseGiven(target, await readGiven(source.side));
  const copying = since();
  onStep({ kind: 'indexing', done: 0, all });
  await restoreIndexes(target, mark);
  await target.indexWords((done) => onStep({ kind: 'indexing', done, all }), signal);
  const indexing = since();
  const checked = { source: 0, target: 0 };
  const proof = await compare(source.side, target, signal, (side, rows) => {
    checked[side] = rows;
    onStep({ kind: 'comparing', done: checked.source + checked.target, all: 2 * all });
  });
  if (proof.isEqual) await removeMark(target);
  return {
    ...proof,
    from: source.side.shown,
    to: target.shown,
    isResumed,
    storedMessages: (mark.progress.messages?.rows ?? 0) - before,
    seconds: { copying, indexing, comparing: since() },
  };
}

/** Copies what is left of a table. While one chunk is stored, the next is read. */
async function copyTable(
  source: CopyConnection,
  target: CopyConnection,
  mark: Mark,
  table: Table,
  { random, signal }: CopyOptions,
  onStored: (rows: number) => void,
): Promise<void> {
  const { columns, key } = reading(table, source);
  const query = { ...table, table: table.name, columns, key };
  const places = key.map((name) => columns.indexOf(name));
  const progress = mark.progress[table.name] ?? { rows: 0, after: [] };
  const after = progress.after.length === 0 ? undefined : progress.after;
  let rows = await source.readChunk({ ...query, after });
  for (let last = rows.at(-1); last !== undefined; last = rows.at(-1)) {
    signal.throwIfAborted();
    const made = making(table, source, target, progress.rows, rows, random);
    progress.rows += rows.length;
    progress.after = places.map((place) => last?.[place] ?? null);
    mark.progress[table.name] = progress;
    const storing = target.insert(table.name, made.columns, made.rows, JSON.stringify(mark));
    // It is looked at below; reading may fail first.
    storing.catch(() => {});
    // So that PostgreSQL has it while SQLite reads.
    await nextTurn();
    rows = await source.readChunk({ ...query, after: progress.after });
    await storing;
    onStored(progress.rows);
  }
}

/** Messages are read in the order of their times, in which the search numbers them: on SQLite they have their numbers. */
function reading(table: Table, source: CopyConnection): { columns: string[]; key: readonly string[] } {
  const columns = table.columns.map(([name]) => name);
  if (table !== messages) return { columns, key: table.key };
  if (source.dialect === 'sqlite') return { columns: [...columns, 'seq'], key: ['seq'] };
  return { columns, key: ['created_at', 'room_id', 'id'] };
}

/** What is stored in place of what was read: with what a copy makes anew. `before`: rows of the table that are there. */
function making(
  table: Table,
  source: CopyConnection,
  target: CopyConnection,
  before: number,
  rows: readonly Row[],
  random: RandomText,
): { columns: readonly Column[]; rows: readonly Row[] } {
  if (table.name === 'rooms') {
    return { columns: [...table.columns, ['epoch', 'text']], rows: rows.map((row) => [...row, random(epochBytes)]) };
  }
  if (table !== messages) return { columns: table.columns, rows };
  const width = table.columns.length;
  if (target.dialect === 'sqlite') {
    const seqOf = (row: Row, index: number): number =>
      source.dialect === 'sqlite' ? Number(row[width]) : before + index + 1;
    return {
      columns: [...table.columns, ['seq', 'bigint']],
      rows: rows.map((row, index) => [...row.slice(0, width), seqOf(row, index)]),
    };
  }
  // What was deleted is found by nothing.
  const wordsOfRow = (row: Row): string | null => (row[6] === null ? wordsOf(String(row[5])).join(' ') : null);
  return {
    columns: [...table.columns, ['words', 'words']],
    rows: rows.map((row) => [...row.slice(0, width), wordsOfRow(row)]),
  };
}

/** One file under two names. Of PostgreSQL it shows when the second lock is asked for. */
function requireTwo(from: string, to: string): void {
  if (!isSqlite(from) || !isSqlite(to)) return;
  const [one, other] = [identity(sqliteFile(from)), identity(sqliteFile(to))];
  if (one === other) throw new StoreError('rejected', 'Both URLs name the same database.');
}

function identity(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat === undefined ? file : `${stat.dev}:${stat.ino}`;
}

async function named<T>(role: 'source' | 'target', work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const failure = toStoreError(error);
    throw new StoreError(failure.kind, `The ${role}: ${failure.message}`, { cause: error });
  }
}

/** Once the copy is begun, whatever breaks it off leaves it where it was. */
async function whatWasKept<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // What drivers say has no full stop.
    const reason = signal.aborted ? 'Broken off.' : toStoreError(error).message.replace(/[^.!?]$/, '$&.');
    throw new StoreError('unavailable', `${reason} What is copied stays: run the same command again, which goes on.`, {
      cause: error,
    });
  }
}

/** Seconds since it was last asked. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    return seconds;
  };
}
