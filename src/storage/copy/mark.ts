/**
 * The mark of an unfinished copy, a row of the target's `meta`: what it is a copy of and how far it has come, changed in
 * the same transactions as the rows. While it is there, no server and no other command uses the database.
 */
import { StoreError } from '../../core/ports.ts';
import type { Database } from '../database.ts';
import { type CopyConnection, hasTable } from './connection.ts';
import { markName, type TableName, type Value } from './tables.ts';

/** How far a table has come: rows stored, and the place of the last one in the order in which they are read. */
export type Progress = { rows: number; after: Value[] };

export type Mark = {
  /** Grows when what a mark means changes. */
  version: 1;
  /** The source at the beginning, see `fingerprint`: it must not have changed since. */
  source: string;
  progress: Partial<Record<TableName, Progress>>;
  /** Statements that make the indexes anew which were taken away for the time of the copy. */
  indexes: string[];
};

/** Undefined: no unfinished copy. */
export async function readMark(side: CopyConnection): Promise<Mark | undefined> {
  if (!(await hasTable(side, 'meta'))) return undefined;
  const [row] = await side.all(`SELECT value FROM meta WHERE name = '${markName}'`);
  if (row === undefined) return undefined;
  const mark = JSON.parse(String(row[0])) as Mark;
  if (mark.version === 1) return mark;
  throw new StoreError('rejected', 'It is an unfinished copy of another version of finchat: go on with that one.');
}

export async function writeMark(side: CopyConnection, mark: Mark): Promise<void> {
  await side.run(`DELETE FROM meta WHERE name = '${markName}'`);
  await side.run('INSERT INTO meta (name, value) VALUES (?, ?)', [markName, JSON.stringify(mark)]);
}

/** The copy is finished: from now on the database is one like any other. */
export async function removeMark(side: CopyConnection): Promise<void> {
  await side.transaction(() => side.run(`DELETE FROM meta WHERE name = '${markName}'`), true);
}

/** Rejects on an unfinished copy: what is not there yet would be missed, or be given anew. */
export async function requireFinishedCopy(database: Database): Promise<void> {
  const rows: unknown[] = await database.read((knex) => knex('meta').where({ name: markName }).select('name'));
  if (rows.length === 0) return;
  throw new StoreError(
    'rejected',
    'This database is an unfinished copy of another one. Run the same `finchat db copy` again, which goes on where it was, or use another database.',
  );
}
