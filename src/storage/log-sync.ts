/**
 * Has what is committed reach the disk while the event loop goes on. In WAL mode with `synchronous=NORMAL` SQLite waits
 * for the disk only when it writes its log into the file and begins it anew: then for all that the log has, and for what
 * was changed in the file, and everybody with it. The log is most of that, 12 ms for 16 MB on a fast disk; where this has
 * brought the older part of it there before, SQLite waits for the rest.
 */
import { close, fdatasync, openSync } from 'node:fs';
import type { Database as Connection } from 'better-sqlite3';
import { checkpointPages } from './sqlite.ts';

/** Pages of the log after which it is synced. More seldom helps less, and each sync costs as well. */
const pagesBetween = checkpointPages / 4;
/** About what a commit writes: of the tables and keys themselves, of each room, and of each message. */
const pagesOfCommit = 4;
const pagesOfRoom = 2;
const pagesOfMessage = 0.2;

export interface LogSync {
  /** So many messages of so many rooms were committed at once. Never throws. */
  grow(messages: number, rooms: number): void;
  close(): void;
}

export type Disk = {
  /** Throws when there is no such file. */
  open(path: string): number;
  sync(file: number, done: (error: Error | null) => void): void;
  close(file: number): void;
};

/** SQLite has no locks on its log, so it may be opened and closed beside it. */
export const disk: Disk = {
  // Windows syncs only what is open for writing.
  open: (path) => openSync(path, 'r+'),
  sync: fdatasync,
  // Nothing was written through it that closing could lose.
  close: (file) => close(file, () => {}),
};

/** For the database of `connection`, which has the log open. */
export function createLogSync(connection: Connection, on: Disk = disk): LogSync {
  let log: number | undefined;
  /** Pages. */
  let unsynced = 0;
  let isSyncing = false;
  let isClosed = false;

  function end(): void {
    if (log !== undefined) on.close(log);
    log = undefined;
  }

  return {
    grow(messages, rooms) {
      unsynced += pagesOfCommit + pagesOfRoom * rooms + pagesOfMessage * messages;
      if (unsynced < pagesBetween || isSyncing || isClosed) return;
      unsynced = 0;
      try {
        log ??= on.open(`${fileOf(connection)}-wal`);
      } catch {
        // Nothing is lost: SQLite syncs all of it later.
        return;
      }
      isSyncing = true;
      // An error is told to each descriptor once: SQLite hears of it from its own.
      on.sync(log, () => {
        isSyncing = false;
        if (isClosed) end();
      });
    },
    close() {
      isClosed = true;
      if (!isSyncing) end();
    },
  };
}

/** As SQLite knows it: the log stands beside the file itself, not beside a link to it. */
function fileOf(connection: Connection): string {
  const [main] = connection.pragma('database_list') as { file: string }[];
  return main?.file ?? '';
}
