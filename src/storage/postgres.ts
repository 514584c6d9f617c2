/**
 * The PostgreSQL dialect (13 and later): how connections are made, and the deadlines that keep a stalled server or
 * network from holding a caller for ever.
 */
import type { Knex } from 'knex';
import pg from 'pg';

/** A TCP connection and log-in that takes longer is given up. */
const connectTimeoutMs = 3000;
/** How long a call waits for a free connection. */
const acquireTimeoutMs = 5000;
/** The server itself cancels a statement after this; what this program sends takes milliseconds. */
const statementTimeoutMs = 5000;
/** No answer at all, not even the cancellation: the connection counts as broken. */
const answerTimeoutMs = 8000;
/**
 * A process that stalls inside a transaction must not hold its locks for longer. Other nodes may wait for them with
 * messages, which they give up after ten seconds.
 */
const idleTransactionTimeoutMs = 5000;

/** Ids, times and counts are below 2^53, so BIGINT comes back as a number. Held by a connection, not by the module. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === pg.types.builtins.INT8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format),
};

/**
 * What plans are made with, whatever the server's own settings are. What is asked for here is found by index and mostly
 * in memory. By PostgreSQL's standard costs, which are for disks, a table of one page is read from end to end, and the
 * plan of a named statement that is made while a new database has ten messages is kept until the next statistics: until
 * then each message waited for all before it to be read, 450 µs instead of 18 when they were 7,000. A join with `since`
 * read all users, however many there are. And no query here is so long that compiling it pays.
 */
const planning = 'SET seq_page_cost = 1; SET random_page_cost = 0.1; SET jit = off; ';

export type PostgresOptions = {
  /** Connections at most. */
  pool: number;
  /** `false` for migrations, which may take as long as they need. */
  deadlines: boolean;
};

/** What pg's client holds, as far as it is used here. */
type Connection = { on(event: 'error', listener: () => void): void; stream: { destroy(): void } };

/**
 * pg's client, but one that cannot log in also hangs up: where the server asks for a password and pg has none, it would
 * leave the socket open, and a command could not end until the server gives up after a minute.
 */
export class PostgresClient extends pg.Client {
  constructor(config: pg.ClientConfig) {
    super(config);
    const { connection } = this as unknown as { connection: Connection };
    connection.on('error', () => connection.stream.destroy());
  }
}

/** Settings of one connection outside the pool, without deadlines. */
export function postgresConnection(url: string, applicationName: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    types,
  };
}

export function postgresKnexConfig(url: string, options: PostgresOptions): Knex.Config {
  const connection = postgresConnection(url, 'finchat');
  if (options.deadlines) connection.query_timeout = answerTimeoutMs;
  const session = options.deadlines
    ? `SET statement_timeout = ${statementTimeoutMs}; SET idle_in_transaction_session_timeout = ${idleTransactionTimeoutMs}; `
    : '';
  return {
    client: 'pg',
    // An error's text would hold the values: password hashes, addresses, messages. Errors are logged.
    compileSqlOnError: false,
    connection: connection as Knex.PgConnectionConfig,
    acquireConnectionTimeout: acquireTimeoutMs,
    pool: {
      min: 0,
      max: options.pool,
      afterCreate(created: pg.Client, done: (error: Error | null) => void) {
        // The append statement's locking is written for this level, whatever the server's default is.
        created.query(
          `${session}${planning}SET default_transaction_isolation = 'read committed'`,
          (error: Error | null) => done(error),
        );
      },
      // A connection whose statement ran into the deadline still waits for its answer: it is ended, not used again.
      validate: (pooled: { readyForQuery?: boolean }) => pooled.readyForQuery !== false,
    },
  };
}
