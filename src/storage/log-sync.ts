/**
 * Has what is committed reach the disk while the event loop goes on. In WAL mode with `synchronous=NORMAL` SQLite itself
 * waits for the disk only when it writes its log into the file, but then for all that the log has, and everybody with it:
 * for 12 ms with 16 MB on a fast disk. It finds half of that or less to wait for where the rest was written before.
 */
import { close, fdatasync, openSync } from 'node:fs';
import { checkpointPages } from './sqlite.ts';

/** Pages after which the log is synced. Each sync costs as well: with four times as many a busy room lost 3 % of its speed. */
const pagesBetween = checkpointPages / 2;
/** Pages that a commit writes at most, mostly: of the tables and keys themselves, and of each message. */
const pagesOfCommit = 5;
const pagesOfMessage = 2;

export interface LogSync {
  /** So many messages were committed at once. Never throws. */
  grow(messages: number): void;
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
  close: (file) => close(file),
};

/** `file`: the database's. */
export function createLogSync(file: string, on: Disk = disk): LogSync {
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
    grow(messages) {
      unsynced += pagesOfCommit + pagesOfMessage * messages;
      if (unsynced < pagesBetween || isSyncing || isClosed) return;
      unsynced = 0;
      try {
        log ??= on.open(`${file}-wal`);
        isSyncing = true;
        // A disk that fails is SQLite's to tell, with the next message or when it syncs for itself.
        on.sync(log, () => {
          isSyncing = false;
          if (isClosed) end();
        });
      } catch {
        // Nothing is lost: SQLite syncs all of it later.
      }
    },
    close() {
      isClosed = true;
      if (!isSyncing) end();
    },
  };
}
