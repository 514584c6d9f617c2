/**
 * The least that a server which stores messages on SQLite does: rows in the order in which they came, one transaction for
 * all that a turn of the event loop brought. No checks, no ids of its own, no index but the key, nobody who reads.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite from 'better-sqlite3';
import { checkpointPages } from '../src/storage/sqlite.ts';

export type BareRow = { room: string; user: string; body: string };

/** In a file of its own, which goes with the process. */
export function openBareStore(): (rows: readonly BareRow[]) => void {
  const folder = mkdtempSync(join(tmpdir(), 'bare-store-'));
  const connection = new BetterSqlite(join(folder, 'messages.sqlite'));
  process.once('exit', () => {
    connection.close();
    rmSync(folder, { recursive: true, force: true });
  });
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = NORMAL');
  connection.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  connection.exec(
    'CREATE TABLE messages (id INTEGER PRIMARY KEY, room TEXT, user TEXT, created_at INTEGER, body TEXT)',
  );
  const insert = connection.prepare('INSERT INTO messages (room, user, created_at, body) VALUES (?, ?, ?, ?)');
  return connection.transaction((rows: readonly BareRow[]) => {
    for (const { room, user, body } of rows) insert.run(room, user, Date.now(), body);
  });
}
