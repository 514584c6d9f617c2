/** A side of a copy on PostgreSQL: one connection for lock, reading and writing, so that they end together. */
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { StoreError } from '../../core/ports.ts';
import { connect, lockHolders, tryAdvisoryLock } from '../process-lock.ts';
import { toStoreError } from '../store-errors.ts';
import { type ChunkQuery, type CopyConnection, chunkBytes, chunkRows, writersMs } from './connection.ts';
import { busySentence } from './sqlite-connection.ts';
import { type Column, markName, messages, type Row, smallTables } from './tables.ts';

/** PostgreSQL takes up to 11 s to notice that a copy's machine or network is gone (below), and to give its lock back. */
const formerHolderMs = 15_000;
const lockPauseMs = 100;

export type PostgresSideOptions = {
  role: 'source' | 'target';
  /** As which the connection shows itself. One name for both sides of a copy: so it is known when they are the same. */
  name: string;
};

export async function openPostgresSide(url: string, options: PostgresSideOptions): Promise<CopyConnection> {
  const client = await connect(url, options.name);
  try {
    await takeLock(client, options);
    await prepareSession(client, options.role);
    return createSide(client, withoutPassword(url));
  } catch (error) {
    await end(client);
    throw toStoreError(error);
  }
}

async function takeLock(client: pg.Client, { name }: PostgresSideOptions): Promise<void> {
  const deadline = performance.now() + formerHolderMs;
  while (!(await tryAdvisoryLock(client, 'server'))) {
    const holders = await lockHolders(client, 'server');
    if (holders.includes(name)) throw new StoreError('rejected', 'Both URLs name the same database.');
    const isCopy = holders.some((holder) => holder.startsWith('finchat copy'));
    if (!isCopy || performance.now() > deadline) throw new StoreError('rejected', busySentence);
    await delay(lockPauseMs);
  }
}

async function prepareSession(client: pg.Client, role: 'source' | 'target'): Promise<void> {
  await client.query(`
    SET statement_timeout = 0;
    SET idle_in_transaction_session_timeout = 0;
    SET lock_timeout = ${writersMs};
    SET tcp_keepalives_idle = 5;
    SET tcp_keepalives_interval = 2;
    SET tcp_keepalives_count = 3;
    SET default_transaction_isolation = 'read committed';
    -- Rows are read in the order of an index, whatever the planner thinks of tables that have just been filled.
    SET enable_sort = off;
    SET enable_bitmapscan = off;
    -- Copied rows need not survive a crash of the server before the last transaction, which makes all of them durable.
    SET synchronous_commit = off`);
  // PostgreSQL 14 and later: a long statement whose client was killed ends by itself.
  await client.query(`SELECT set_config('client_connection_check_interval', '2s', false)
    WHERE current_setting('server_version_num')::int >= 140000`);
  if (role === 'target') return;
  // Nobody writes to the source until the copy has been compared with it. The locks come before the snapshot.
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  const names = [...smallTables, messages].map(({ name }) => name);
  try {
    await client.query(`LOCK TABLE ${[...names, 'change_counter'].join(', ')} IN SHARE MODE`);
  } catch (error) {
    // Nothing is there yet: whoever looks at the schema says so.
    if ((error as { code?: string }).code !== '42P01') throw error;
    await client.query('ROLLBACK');
  }
}

type Query = (sql: string, values: readonly unknown[]) => Promise<Row[]>;
type Plainly = (sql: string) => Promise<void>;

function createSide(client: pg.Client, shown: string): CopyConnection {
  const { query, plainly } = createQueries(client);
  return {
    dialect: 'postgres',
    shown,
    all: (sql, values = []) => query(sql, values),
    // Without values it may be a definition, which cannot be prepared.
    run: async (sql, values = []) => void (await (values.length === 0 ? plainly(sql) : query(sql, values))),
    async readChunk(asked) {
      const rows = await query(chunkSql(asked), asked.after ?? []);
      return rows.map((row) => row.map((value) => (typeof value === 'boolean' ? Number(value) : value)));
    },
    async insert(table, columns, rows, mark) {
      const values = columns.map(([, type], place) =>
        rows.map((row) => (type === 'boolean' ? row[place] === 1 : (row[place] ?? null))),
      );
      // One statement is one transaction and one round trip.
      await query(insertSql(table, columns), [...values, mark]);
    },
    async transaction(work, isDurable = false) {
      await plainly('BEGIN');
      try {
        if (isDurable) await plainly('SET LOCAL synchronous_commit = on');
        await work();
        await plainly('COMMIT');
      } catch (error) {
        await plainly('ROLLBACK').catch(() => {});
        throw error;
      }
    },
    dropIndexes: () => dropIndexes(query, plainly),
    // The words are in the table, and their index is among those that are made anew.
    indexWords: () => plainly('ANALYZE'),
    abort: () => void end(client),
    close: () => end(client),
  };
}

function createQueries(client: pg.Client): { query: Query; plainly: Plainly } {
  // Planned once: planning a statement takes as long as running it.
  const names = new Map<string, string>();
  const query: Query = async (sql, values) => {
    const name = names.get(sql) ?? `finchat-copy-${names.size}`;
    names.set(sql, name);
    try {
      const { rows } = await client.query<Row>({ name, text: numbered(sql), values: [...values], rowMode: 'array' });
      return rows;
    } catch (error) {
      throw toStoreError(error);
    }
  };
  const plainly: Plainly = async (sql) => {
    try {
      await client.query(sql);
    } catch (error) {
      throw toStoreError(error);
    }
  };
  return { query, plainly };
}

async function dropIndexes(query: Query, plainly: Plainly): Promise<string[]> {
  // Unique keys and references are indexes and look-ups too. The primary key stays: it has the rows in order.
  const constraints = await query(
    `SELECT format('%I', conname), pg_get_constraintdef(oid) FROM pg_constraint
     WHERE conrelid = 'messages'::regclass AND contype IN ('u', 'f') ORDER BY conname`,
    [],
  );
  const indexes = await query(
    `SELECT format('%I', indexname), indexdef FROM pg_indexes
     WHERE schemaname = current_schema() AND tablename = 'messages'
     AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = 'messages'::regclass)
     ORDER BY indexname`,
    [],
  );
  for (const [name] of constraints) await plainly(`ALTER TABLE messages DROP CONSTRAINT ${String(name)}`);
  for (const [name] of indexes) await plainly(`DROP INDEX ${String(name)}`);
  return [
    ...constraints.map(([name, what]) => `ALTER TABLE messages ADD CONSTRAINT ${String(name)} ${String(what)}`),
    ...indexes.map(([, definition]) => String(definition)),
  ];
}

function chunkSql({ table, columns, key, after, weigh, except }: ChunkQuery): string {
  const where = [
    ...(after === undefined ? [] : [`(${key.join(', ')}) > (${key.map(() => '?').join(', ')})`]),
    ...(except === undefined ? [] : [`NOT (${except})`]),
  ];
  const order = key.join(', ');
  const part = `SELECT ${columns.join(', ')} FROM ${table} ${where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`}
    ORDER BY ${order} LIMIT ${chunkRows}`;
  if (weigh === undefined) return part;
  return `SELECT ${columns.join(', ')} FROM (
      SELECT *, sum(octet_length(${weigh})) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING) - octet_length(${weigh})
        AS bytes_before FROM (${part}) AS part
    ) AS chunk WHERE bytes_before < ${chunkBytes} ORDER BY ${order}`;
}

function insertSql(table: string, columns: readonly Column[]): string {
  const names = columns.map(([name]) => name).join(', ');
  const arrays = columns.map(([, type]) => `?::${type === 'words' ? 'text' : type}[]`).join(', ');
  const values = columns.map(([name, type]) =>
    type === 'words' ? `array_to_tsvector(string_to_array(${name}, ' '))` : name,
  );
  return `WITH stored AS (
      INSERT INTO ${table} (${names}) SELECT ${values.join(', ')} FROM unnest(${arrays}) AS made (${names})
    ) UPDATE meta SET value = ? WHERE name = '${markName}'`;
}

function numbered(sql: string): string {
  let place = 0;
  return sql.replace(/\?/g, () => `$${++place}`);
}

function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url);
    parsed.password = '';
    parsed.searchParams.delete('password');
    return parsed.href;
  } catch {
    return 'postgres://…';
  }
}

async function end(client: pg.Client): Promise<void> {
  try {
    await client.end();
  } catch {
    // Broken already.
  }
}
