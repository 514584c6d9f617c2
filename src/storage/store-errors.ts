/**
 * Errors of the two drivers, knex and its pool → StoreError. Everything that depends on a driver's codes stands here.
 * The rule in doubt: `unknown`. It costs a retry with the same refs; a wrong `busy` or `rejected` would cost a message.
 */
import { StoreError } from '../core/ports.ts';

/** The unique keys a caller can run into: the constraint's name on PostgreSQL, the column on SQLite → the field. */
const uniqueFields: Readonly<Record<string, string>> = {
  users_username_unique: 'username',
  'users.username_folded': 'username',
  rooms_name_unique: 'name',
  'rooms.name_folded': 'name',
};

/** The foreign key by which only a living node can hold a claim. */
const nodeFence = 'sessions_node_fence';

/** SQLSTATE → kind; the class (the first two characters) where the code itself is not listed. */
const sqlStates: Readonly<Record<string, StoreError['kind']>> = {
  '40001': 'busy', // serialization failure
  '40P01': 'busy', // deadlock
  '40003': 'unknown', // statement completion unknown
  '55P03': 'busy', // lock not available
  '57014': 'busy', // cancelled by the statement timeout: rolled back
  '25P02': 'busy', // an earlier statement of the transaction failed
  '25P03': 'busy', // the server ended an idle transaction: rolled back
  '25006': 'unavailable', // read-only: a replica, or a failover under way
  '57P03': 'unavailable', // starting up or shutting down
  '08': 'unknown', // connection broken
  '57': 'unknown', // the server ended the connection, perhaps after the commit
  '58': 'unknown', // its disk failed
  XX: 'unknown', // its own fault
  '53': 'unavailable', // disk full, out of memory, too many connections
};

/** System errors of a connection that was never made. */
const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EACCES',
]);

/** The error as StoreError; one that already is comes back as it is. */
export function toStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message, constraint } = describe(error);
  if (isNoDriver(code, message)) {
    return new StoreError('unavailable', `SQLite’s driver cannot be loaded: ${whatToDoAboutDriver}`, { cause: error });
  }
  if (code?.startsWith('SQLITE_')) return fromSqlite(code, message, error);
  if (code === '23505') return conflict(constraint ?? '', message, error);
  if (code === '23503' && constraint === nodeFence) {
    return new StoreError('fenced', 'The node was marked dead: it writes nothing more.', { cause: error });
  }
  // A digit tells a SQLSTATE from a system error such as EPIPE.
  if (code !== undefined && /^(?=.*\d)[0-9A-Z]{5}$/.test(code)) {
    if (/^(28|3D)/.test(code)) return unavailable(error);
    const kind = sqlStates[code] ?? sqlStates[code.slice(0, 2)] ?? 'rejected';
    return new StoreError(kind, `PostgreSQL: ${message}`, { cause: error });
  }
  if ((code !== undefined && unreachable.has(code)) || isNeverConnected(error, message)) return unavailable(error);
  if (code !== undefined || /connection|timeout|socket/i.test(message)) {
    return new StoreError('unknown', `The connection to the database broke: ${message}`, { cause: error });
  }
  return new StoreError('rejected', `The database refused: ${message}`, { cause: error });
}

/** The error of a call that failed before any statement was sent. */
export function unavailable(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const { code, message } = describe(error);
  return new StoreError('unavailable', `The database cannot be reached: ${message}. ${remedy(code, message)}`, {
    cause: error,
  });
}

function remedy(code: string | undefined, message: string): string {
  if (code?.startsWith('28')) return 'Check the user and the password in DATABASE_URL or POSTGRES_*.';
  if (code?.startsWith('3D')) return 'Create it with createdb, or correct its name in DATABASE_URL or POSTGRES_DB.';
  if (isPasswordMissing(message))
    return 'PostgreSQL asks for a password: put it into DATABASE_URL or POSTGRES_PASSWORD.';
  return 'Check DATABASE_URL or POSTGRES_*, and whether the database runs.';
}

/** Its native part was never built (install scripts were left out), or for another version of Node. */
function isNoDriver(code: string | undefined, message: string): boolean {
  return code === 'ERR_DLOPEN_FAILED' || message.startsWith('Could not locate the bindings file');
}

const whatToDoAboutDriver =
  'it was not built, or for another version of Node. Run `npm rebuild better-sqlite3 bcrypt`.';

/** What pg throws, without a code, when the server asks for a password and it has none. */
function isPasswordMissing(message: string): boolean {
  return /client password must be a (non-empty )?string/.test(message);
}

function fromSqlite(code: string, message: string, cause: unknown): StoreError {
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new StoreError('busy', 'Another process is writing to the database; try again.', { cause });
  }
  if (code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY') {
    return conflict(/failed: (.*)$/.exec(message)?.[1] ?? '', message, cause);
  }
  if (/^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE|ERROR)/.test(code)) {
    return new StoreError('rejected', `SQLite: ${message}`, { cause });
  }
  if (code.startsWith('SQLITE_IOERR')) return new StoreError('unknown', `SQLite: ${message}`, { cause });
  return new StoreError(
    'unavailable',
    `SQLite: ${message} (${code}). Check the file of DATABASE_URL, who may write to it and its folder, and the disk.`,
    { cause },
  );
}

function conflict(key: string, message: string, cause: unknown): StoreError {
  const field = uniqueFields[key];
  if (field === undefined) return new StoreError('conflict', message, { cause });
  return new StoreError('conflict', `This ${field} is taken.`, { cause, field });
}

// knex's pool and pg give these no code: the pool was exhausted or creating a connection took too long.
function isNeverConnected(error: unknown, message: string): boolean {
  return (
    (error instanceof Error && error.name === 'KnexTimeoutError' && /acquir/i.test(message)) ||
    message === 'timeout expired' ||
    isPasswordMissing(message) ||
    /terminated due to connection timeout|operation timed out for an unknown reason|aborted/.test(message)
  );
}

function describe(error: unknown): {
  code: string | undefined;
  message: string;
  constraint: string | undefined;
} {
  if (typeof error !== 'object' || error === null) {
    return { code: undefined, message: String(error), constraint: undefined };
  }
  const { code, message, constraint } = error as { code?: unknown; message?: unknown; constraint?: unknown };
  return {
    code: typeof code === 'string' ? code : undefined,
    // An AggregateError of failed connection attempts has an empty message: its code says as much.
    message:
      ([message, code].find((text) => typeof text === 'string' && text !== '') as string | undefined) ??
      'no reason given',
    constraint: typeof constraint === 'string' ? constraint : undefined,
  };
}
