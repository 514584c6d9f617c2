/** Copies by the command line, and what breaks them off. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import BetterSqlite from 'better-sqlite3';
import { sqliteFile } from '../../src/storage/sqlite.ts';
import { type Furnished, fillRooms, furnishAll } from '../support/copied.ts';
import { type TestDatabase, withClient } from '../support/databases.ts';
import { until } from '../support/services.ts';
import type { Desk } from './command-line.ts';

/** Enough that a copy takes several chunks, and a moment in each of its steps. */
export const manyMessages = 40_000;

export const copyArgs = (from: string, to: string, ...more: string[]): string[] => [
  'db',
  'copy',
  '--from',
  from,
  '--to',
  to,
  ...more,
];

export async function furnished(db: TestDatabase, count = 0): Promise<Furnished> {
  const storage = await db.open();
  const world = await furnishAll(storage);
  await fillRooms(storage, world, count);
  await storage.close();
  return world;
}

/** Runs one statement on a database of either kind. */
export async function execute(db: TestDatabase, sql: string): Promise<void> {
  if (db.dialect === 'postgres') {
    await withClient(db.url, (client) => client.query(sql));
    return;
  }
  const connection = new BetterSqlite(sqliteFile(db.url));
  try {
    connection.exec(sql);
  } finally {
    connection.close();
  }
}

/** The mark of the unfinished copy as it is stored; undefined: there is none (yet, or any more). */
export async function readMark(db: TestDatabase): Promise<{ progress: { messages?: { rows: number } } } | undefined> {
  const sql = "SELECT value FROM meta WHERE name = 'copy'";
  try {
    if (db.dialect === 'postgres') {
      const { rows } = await withClient(db.url, (client) => client.query<{ value: string }>(sql));
      return rows[0] && JSON.parse(rows[0].value);
    }
    const connection = new BetterSqlite(sqliteFile(db.url), { readonly: true });
    try {
      const row = connection.prepare<[], { value: string }>(sql).get();
      return row && JSON.parse(row.value);
    } finally {
      connection.close();
    }
  } catch {
    // No file, or no tables yet.
    return undefined;
  }
}

export async function endOf(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

/** Starts the copy and sends the signal as soon as the target has `rows` messages; resolves how it ended. */
export async function breakOff(
  desk: Desk,
  from: TestDatabase,
  to: TestDatabase,
  rows: number,
  signal: NodeJS.Signals,
): Promise<{ code: number | null; stderr: string }> {
  const child = desk.start(copyArgs(from.url, to.url));
  const ended = endOf(child);
  await until(30_000, async () => {
    if (child.exitCode !== null) throw new Error('The copy has ended.');
    const mark = await readMark(to);
    if (mark === undefined || (mark.progress.messages?.rows ?? 0) < rows) throw new Error('It is not so far yet.');
  });
  child.kill(signal);
  return ended;
}

export async function assertRefused(
  t: ExecutionContext,
  desk: Desk,
  command: string[],
  expected: RegExp,
): Promise<void> {
  const { code, stdout, stderr } = await desk.run(command);
  t.is(code, 1, stderr);
  t.is(stdout, '');
  t.regex(stderr, expected);
  t.regex(stderr, /^[^\n]+\n$/, 'one line, no stack');
}
