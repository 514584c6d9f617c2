/**
 * One side of a copy: a connection of its own to one database, on which it holds the lock of the one server, so that
 * nobody else serves or copies it meanwhile. Both dialects have the same few operations; SQL comes with `?`.
 */
import type { Dialect, Row, Table, Value } from './tables.ts';

/** Rows in the order of `key`, after a place in it. `weigh`: see Table. */
export type ChunkQuery = Pick<Table, 'key' | 'weigh' | 'except'> & {
  table: string;
  columns: readonly string[];
  after: readonly Value[] | undefined;
};

export interface CopyConnection {
  readonly dialect: Dialect;
  /** The URL, without a password. */
  readonly shown: string;
  all(sql: string, values?: readonly Value[]): Promise<Row[]>;
  run(sql: string, values?: readonly Value[]): Promise<void>;
  /** Bounded in rows and bytes; none: there are no more. */
  readChunk(query: ChunkQuery): Promise<Row[]>;
  /** Stores the rows and sets the mark of the unfinished copy to `mark`, in one transaction. */
  insert(table: string, columns: Table['columns'], rows: readonly Row[], mark: string): Promise<void>;
  /** All of `work` or nothing of it. `isDurable`: once it is done, no power cut takes it or anything before it back. */
  transaction(work: () => Promise<void>, isDurable?: boolean): Promise<void>;
  /** Inside a transaction: takes away what slows down the storing of messages; resolves the statements that make it anew. */
  dropIndexes(): Promise<string[]>;
  /** Makes what searches and the planner need. May be broken off and called again. */
  indexWords(onProgress: (done: number, all: number) => void, signal: AbortSignal): Promise<void>;
  /** Breaks off what is under way. */
  abort(): void;
  /** Ends what the connection holds: transaction, locks. Never rejects. */
  close(): Promise<void>;
}

/** Rows of a chunk at most: some 10 ms each to read and to write. */
export const chunkRows = 5000;
/** Bytes of long texts after which a chunk ends. Two chunks are in memory at a time, several times over. */
export const chunkBytes: number = 4 * 1024 * 1024;
/** How long a side waits for whoever still writes to its database. */
export const writersMs = 10_000;

/** One number of one row. */
export async function numberOf(side: CopyConnection, sql: string, values: readonly Value[] = []): Promise<number> {
  const [row] = await side.all(sql, values);
  return Number(row?.[0] ?? 0);
}

/** Whether the table is there. */
export async function hasTable(side: CopyConnection, table: string): Promise<boolean> {
  const sql =
    side.dialect === 'sqlite'
      ? "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
      : 'SELECT count(to_regclass(?))';
  return (await numberOf(side, sql, [table])) > 0;
}
