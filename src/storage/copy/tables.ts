/**
 * What a copy of a database consists of: the tables and columns that are carried over as they are, in an order in which
 * references are there before what refers to them. What is not in this list is named below, with the reason; a test
 * holds both against the schema.
 */

export type Dialect = 'sqlite' | 'postgres';

/** A value as copies carry it: both dialects' booleans are 0 and 1. */
export type Value = string | number | null;
export type Row = Value[];

/** `words`: a text of words with blanks between, from which PostgreSQL makes its index. */
export type ColumnType = 'bigint' | 'text' | 'boolean' | 'words';
export type Column = readonly [name: string, type: ColumnType];

export type Table = {
  readonly name: TableName;
  readonly columns: readonly Column[];
  /** Unique, and with an index: rows are read in its order, and a place in it says how far a copy has come. */
  readonly key: readonly string[];
  /** The column whose values may be long: a chunk ends when it has many bytes of it. */
  readonly weigh?: string;
  /** Rows that belong to one database alone. */
  readonly except?: string;
};

export type TableName = 'users' | 'tokens' | 'rooms' | 'room_purges' | 'audit' | 'meta' | 'messages';

/** The row of `meta` that marks an unfinished copy. */
export const markName = 'copy';

const id: Column = ['id', 'bigint'];

export const messages: Table = {
  name: 'messages',
  columns: [
    ['room_id', 'bigint'],
    id,
    ['user_id', 'bigint'],
    ['ref', 'text'],
    ['created_at', 'bigint'],
    ['body', 'text'],
    ['deleted_at', 'bigint'],
  ],
  key: ['room_id', 'id'],
  weigh: 'body',
};

/** All but the messages, which come last and have more to them. */
export const smallTables: readonly Table[] = [
  {
    name: 'users',
    columns: [
      id,
      ['username', 'text'],
      ['username_folded', 'text'],
      ['email', 'text'],
      ['email_folded', 'text'],
      ['password_hash', 'text'],
      ['is_superuser', 'boolean'],
      ['is_active', 'boolean'],
      ['created_at', 'bigint'],
      ['last_login_at', 'bigint'],
      ['is_banned', 'boolean'],
      ['banned_until', 'bigint'],
      ['ban_reason', 'text'],
      ['muted_until', 'bigint'],
    ],
    key: ['id'],
  },
  {
    name: 'tokens',
    columns: [
      id,
      ['hash', 'text'],
      ['user_id', 'bigint'],
      ['label', 'text'],
      ['created_at', 'bigint'],
      ['last_used_at', 'bigint'],
      ['expires_at', 'bigint'],
    ],
    key: ['id'],
  },
  {
    name: 'rooms',
    columns: [
      id,
      ['name', 'text'],
      ['name_folded', 'text'],
      ['topic', 'text'],
      ['last_id', 'bigint'],
      ['deleted_messages', 'bigint'],
      ['created_at', 'bigint'],
      ['updated_at', 'bigint'],
    ],
    key: ['id'],
  },
  { name: 'room_purges', columns: [['room_id', 'bigint']], key: ['room_id'] },
  {
    name: 'audit',
    columns: [
      id,
      ['created_at', 'bigint'],
      ['actor', 'text'],
      ['actor_folded', 'text'],
      ['actor_id', 'bigint'],
      ['via', 'text'],
      ['act', 'text'],
      ['target', 'text'],
      ['target_folded', 'text'],
      ['details', 'text'],
    ],
    key: ['id'],
    weigh: 'details',
  },
  {
    name: 'meta',
    columns: [
      ['name', 'text'],
      ['value', 'text'],
    ],
    key: ['name'],
    // A copy is a cluster of its own: two that share a Redis must not hear each other.
    except: `name IN ('cluster', '${markName}')`,
  },
];

/** Tables whose ids the database gives, each one once for ever: a copy goes on after the highest that was ever given. */
export const numbered = ['users', 'tokens', 'rooms', 'audit'] as const;

/** In an order in which they can be emptied. */
export const emptied = ['tokens', 'messages', 'users', 'rooms', 'room_purges', 'audit', 'changes', 'meta'] as const;

/** What stays behind, by table or `table.column`, and why. */
export const leftOut: Readonly<Record<string, string>> = {
  'rooms.epoch': 'new in the copy: clients must not take its logs for those that they know',
  'messages.seq': 'carried over from SQLite, given by time where the source is PostgreSQL',
  'messages.words': 'made anew of the bodies',
  changes: 'what running servers have yet to hear, and none is running',
  change_counter: 'raised to the source’s',
  message_words: 'the search index on SQLite, made anew',
  search_stretches: 'the search index on SQLite, made anew',
  search_indexed: 'the search index on SQLite, made anew',
  nodes: 'which servers run',
  sessions: 'who is in the chat on which of them',
  knex_migrations: 'the target’s own',
  knex_migrations_lock: 'the target’s own',
};
