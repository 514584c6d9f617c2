/**
 * The target of a copy: what may be in it beforehand, how a copy begins in it or goes on, and what makes it a database
 * like any other at the end.
 */
import { StoreError } from '../../core/ports.ts';
import { openMigrator } from '../migrate.ts';
import { type CopyConnection, hasTable, numberOf } from './connection.ts';
import { type Mark, readMark, writeMark } from './mark.ts';
import { lastGiven } from './source.ts';
import { emptied, numbered } from './tables.ts';

export type Beginning = {
  mark: Mark;
  /** The copy was begun earlier and goes on. */
  isResumed: boolean;
  /** The rooms of a fresh server in which nobody had said anything: they have made way. */
  removedRooms: string[];
};

/** Brings the target to the present schema, and marks it. Rejects with a sentence when it holds anything else. */
export async function beginCopy(
  side: CopyConnection,
  url: string,
  source: string,
  startOver: boolean,
): Promise<Beginning> {
  const earlier = await readMark(side);
  if (earlier === undefined) await requireEmpty(side);
  const migrator = await openMigrator({ url });
  try {
    await migrator.up();
  } finally {
    await migrator.close();
  }
  if (earlier !== undefined && !startOver) {
    if (earlier.source !== source) throw new StoreError('rejected', otherSource);
    return { mark: earlier, isResumed: true, removedRooms: [] };
  }
  const removedRooms = earlier === undefined ? await side.all('SELECT name FROM rooms ORDER BY id') : [];
  const mark: Mark = { version: 1, source, progress: {}, indexes: earlier?.indexes ?? [] };
  await side.transaction(async () => {
    await empty(side);
    mark.indexes.push(...(await side.dropIndexes()));
    await writeMark(side, mark);
  });
  return { mark, isResumed: false, removedRooms: removedRooms.map(([name]) => String(name)) };
}

const otherSource =
  'It is an unfinished copy of another database, or the source was written to since the copy was begun. Give --start-over to empty it and begin anew, or another target.';

/** How the tables are called in the sentence that says what is there. */
const nouns = {
  users: 'user',
  tokens: 'token',
  rooms: 'room',
  messages: 'message',
  room_purges: 'deleted room',
  audit: 'entry of the audit log',
} as const;

async function requireEmpty(side: CopyConnection): Promise<void> {
  const found: string[] = [];
  let others = 0;
  for (const [table, noun] of Object.entries(nouns)) {
    const rows = (await hasTable(side, table)) ? await numberOf(side, `SELECT count(*) FROM ${table}`) : 0;
    if (rows > 0) found.push(`${rows} × ${noun}`);
    if (table !== 'rooms') others += rows;
  }
  if (found.length === 0) return;
  // Rooms and nothing else, not even a note in the audit log: a fresh server has made them.
  if (others === 0 && (await numberOf(side, 'SELECT count(*) FROM rooms WHERE last_id > 0')) === 0) return;
  throw new StoreError('rejected', `It is not empty (${found.join(', ')}). Give an empty database as the target.`);
}

async function empty(side: CopyConnection): Promise<void> {
  for (const table of emptied)
    await side.run(`DELETE FROM ${table}${table === 'meta' ? " WHERE name <> 'cluster'" : ''}`);
  if (side.dialect === 'postgres') return;
  await side.run("INSERT INTO message_words (message_words) VALUES ('delete-all')");
  await side.run('DELETE FROM search_stretches');
  await side.run('UPDATE search_indexed SET last_seq = 0');
}

/** The numbers that the source has given, so that none of them is given twice, not even those of deleted rows. */
export type Given = Readonly<Record<string, number>>;

export async function readGiven(side: CopyConnection): Promise<Given> {
  const given: Record<string, number> = { changes: await numberOf(side, 'SELECT last_id FROM change_counter') };
  for (const table of numbered) given[table] = await lastGiven(side, table);
  return given;
}

/** Raises the target's numbers to the source's; what is higher stays. */
export async function raiseGiven(side: CopyConnection, given: Given): Promise<void> {
  await side.transaction(async () => {
    const changes = given['changes'] ?? 0;
    await side.run('UPDATE change_counter SET last_id = ? WHERE last_id < ?', [changes, changes]);
    for (const table of numbered) {
      const last = Math.max(given[table] ?? 0, await lastGiven(side, table));
      if (last === 0) continue;
      if (side.dialect === 'postgres') {
        await side.all(`SELECT setval(pg_get_serial_sequence('${table}', 'id'), ?::bigint)`, [last]);
        continue;
      }
      await side.run('DELETE FROM sqlite_sequence WHERE name = ?', [table]);
      await side.run('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)', [table, last]);
    }
  });
}

/** Makes the indexes anew that were taken away. */
export async function restoreIndexes(side: CopyConnection, mark: Mark): Promise<void> {
  if (mark.indexes.length === 0) return;
  const made = { ...mark, indexes: [] };
  await side.transaction(async () => {
    for (const definition of mark.indexes) await side.run(definition);
    await writeMark(side, made);
  });
  mark.indexes = [];
}
