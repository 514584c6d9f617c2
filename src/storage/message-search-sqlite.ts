/**
 * The search on SQLite, which shares the event loop with everything else: no step of it may take long, whatever is asked
 * and however many messages there are.
 *
 * Messages are numbered over all rooms as they are stored (`seq`). A stretch is 4,096 of them in a row, or fewer where
 * they are long. Each entry of the full-text index begins with its stretch: so a question is put to one stretch after the
 * other, newest first, each time to a bounded part of the index, and between two of them the loop goes on. Users and
 * rooms are entries as well.
 *
 * The index follows the messages at a distance: in batches it costs a fraction, and a fault of it never keeps a message
 * from being stored. It cannot be forgotten: a search first brings it up to date, from the place noted in the database.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Database as Connection } from 'better-sqlite3';
import type { Clock, FoundMessage, MessageSearch, MessageStore } from '../core/ports.ts';
import type { Database } from './database.ts';
import { type MessageRow, toFound } from './message-reads.ts';
import { askedWordsOf, wordsOf } from './search-words.ts';

/** Messages of a stretch at most: going through all of them takes some 10 ms. */
const stretchLength = 4096;
/** Entries after which a stretch ends: a letter that all its words begin with takes some 10 ms. Mostly it has fewer. */
const stretchEntries = 65_536;
/** Messages indexed in one transaction: some 4 ms. */
const indexedAtOnce = 500;
/** Entries written in one transaction, one message's at least: some 10 ms. Long messages have thousands each. */
const entriesAtOnce = 8000;
/** Characters that take as long to be looked through for words as an entry takes to be written, at the worst. */
const charactersAnEntry = 5;
/** Pages of 4 KB of the index that are written anew afterwards, where that is due: some 6 ms. Half of that keeps up. */
const mergedPages = 64;
/** Between two such transactions others have the loop, unless somebody waits for a search. */
const pauseMs = 5;
/** So long after a message the index follows, so that the first search of a day finds little to do. */
const indexDelayMs = 1000;
/** After so long a search lets others have the loop. */
const turnMs = 5;

type Unindexed = {
  seq: number;
  room_id: number;
  user_id: number;
  created_at: number;
  body: string;
  deleted_at: number | null;
};
type Row = MessageRow & { seq: number; room_id: number };
/** With the times that it spans, and how many entries it has. */
type Stretch = {
  id: number;
  first_seq: number;
  last_seq: number;
  first_at: number;
  last_at: number;
  entries: number;
};
/** What a search needs of one. */
type Part = Pick<Stretch, 'id' | 'first_seq' | 'last_seq'>;

/**
 * The number of the newest message. Numbers that are indexed are not given again, even if all messages that had them are
 * purged: the index would take the new ones for known.
 */
export const newestSeqSql =
  'SELECT max((SELECT coalesce(max(seq), 0) FROM messages), (SELECT last_seq FROM search_indexed))';

export interface SearchIndex {
  search: MessageStore['search'];
  /** Messages were stored: they are indexed soon. */
  grow(): void;
  close(): void;
}

/** `connection`: the message log's. What runs on it is synchronous, so an append cannot come between. */
export function openSearchIndex(connection: Connection, database: Database, clock: Clock): SearchIndex {
  const indexing = prepareIndexing(connection);
  const reading = prepareReading(connection);
  const closing = new AbortController();
  /** Messages were stored since the index began to follow. */
  let isBehind = false;
  /** Set from the first of them until the index has followed. */
  let cancel: (() => void) | undefined;

  /** Indexes what is stored by now. Rejects with StoreError. */
  async function catchUp(pause: () => Promise<unknown>): Promise<void> {
    const goal = await database.whileBusy(async () => indexing.newest());
    while (!closing.signal.aborted && indexing.reached() < goal) {
      await database.whileBusy(async () => indexing.indexNext());
      await pause();
      if (closing.signal.aborted) return;
      await database.whileBusy(async () => indexing.merge());
      await pause();
    }
  }

  async function follow(): Promise<void> {
    isBehind = false;
    // What fails here fails again in the next search, where somebody sees it.
    await catchUp(() => delay(pauseMs)).catch(() => {});
    cancel = undefined;
    if (isBehind && !closing.signal.aborted) grow();
  }

  function grow(): void {
    isBehind = true;
    cancel ??= clock.after(indexDelayMs, () => void follow());
  }

  async function search(search: MessageSearch): Promise<{ messages: FoundMessage[]; next: string | null }> {
    const asked = askedWordsOf(search.words);
    const question = { ...search, ...bounds(search), asked: asked ?? [] };
    if (asked?.length === 0 || question.before <= 0) return { messages: [], next: null };
    await catchUp(nextTurn);
    const found: Row[] = [];
    let turn = performance.now();
    for (const stretch of await database.whileBusy(async () => reading.stretches(question))) {
      // One more than asked for tells whether there are others.
      const wanted = search.limit + 1 - found.length;
      found.push(...(await database.whileBusy(async () => reading.readStretch(question, stretch, wanted))));
      if (found.length > search.limit) break;
      if (performance.now() - turn > turnMs) {
        await nextTurn();
        turn = performance.now();
      }
    }
    const last = found.length > search.limit ? found[search.limit - 1] : undefined;
    return { messages: found.slice(0, search.limit).map(toFound), next: last?.seq.toString(36) ?? null };
  }

  // A database that was migrated, or whose server was killed, may have much to index.
  grow();
  return {
    search,
    grow,
    close() {
      closing.abort();
      cancel?.();
    },
  };
}

type Question = MessageSearch & { from: number; to: number; before: number; asked: readonly string[] };

/** `before`: the number of the last message that was shown; 0 where `after` is nothing that this store made. */
function bounds({ from, to, after }: MessageSearch): { from: number; to: number; before: number } {
  return {
    from: from ?? Number.MIN_SAFE_INTEGER,
    to: to ?? Number.MAX_SAFE_INTEGER,
    before: after === undefined ? Number.MAX_SAFE_INTEGER : seqOf(after),
  };
}

function seqOf(cursor: string): number {
  return /^[0-9a-z]{1,10}$/.test(cursor) ? Number.parseInt(cursor, 36) : 0;
}

function usesIndex({ asked, userId, roomId }: Question): boolean {
  return asked.length > 0 || userId !== undefined || roomId !== undefined;
}

// ---- entries: `<stretch>_<word>`, `<stretch>__u<user>`, `<stretch>__r<room>`; words have no underscore ----

function entriesOf({ user_id, room_id, body, deleted_at }: Unindexed, stretch: number): string[] {
  if (deleted_at !== null) return [];
  const prefix = `${stretch.toString(36)}_`;
  return [`_u${user_id}`, `_r${room_id}`, ...wordsOf(body)].map((entry) => prefix + entry);
}

/** The question to one stretch in the language of FTS5, in which quoted text has no operators. */
function expression({ asked, userId, roomId }: Question, stretch: number): string {
  const entries = asked.map((beginning) => `"${stretch.toString(36)}_${beginning}"*`);
  if (userId !== undefined) entries.push(`"${stretch.toString(36)}__u${userId}"`);
  if (roomId !== undefined) entries.push(`"${stretch.toString(36)}__r${roomId}"`);
  return entries.join(' ');
}

// ---- statements ----

/** The steps in which the index follows the messages: for the search, and for a copy that is made with its index. */
export type Indexing = {
  newest(): number;
  /** The number up to which all messages are indexed. */
  reached(): number;
  /** Indexes the next messages. */
  indexNext(): void;
  /** Keeps the parts of the index few. Left to FTS5 that would be done in large portions, within other statements. */
  merge(): void;
};

export function prepareIndexing(connection: Connection): Indexing {
  const newest = connection.prepare<[], number>(newestSeqSql).pluck();
  const indexed = connection.prepare<[], number>('SELECT last_seq FROM search_indexed').pluck();
  const next = connection.prepare<[number, number], Unindexed>(
    'SELECT seq, room_id, user_id, created_at, body, deleted_at FROM messages WHERE seq > ? ORDER BY seq LIMIT ?',
  );
  const add = connection.prepare<[number, string]>('INSERT INTO message_words (rowid, words) VALUES (?, ?)');
  const merge = connection.prepare<[number]>("INSERT INTO message_words (message_words, rank) VALUES ('merge', ?)");
  const note = connection.prepare<[number]>('UPDATE search_indexed SET last_seq = ?');
  const current = connection.prepare<[], Stretch>('SELECT * FROM search_stretches ORDER BY id DESC LIMIT 1');
  const keep = connection.prepare<[Stretch]>(
    `INSERT OR REPLACE INTO search_stretches (id, first_seq, last_seq, first_at, last_at, entries)
     VALUES (@id, @first_seq, @last_seq, @first_at, @last_at, @entries)`,
  );
  const indexNext = connection.transaction(() => {
    const stretch = current.get();
    // The connection is busy until this has been gone through: nothing may fail in between.
    const { entries, stretches, isLast } = readSome(next.iterate(indexed.get() ?? 0, indexedAtOnce), stretch);
    for (const [seq, words] of entries) add.run(seq, words.join(' '));
    for (const each of stretches) keep.run(each);
    note.run((isLast ? newest.get() : stretches.at(-1)?.last_seq) ?? 0);
  });
  return {
    newest: () => newest.get() ?? 0,
    reached: () => indexed.get() ?? 0,
    indexNext: () => indexNext.immediate(),
    merge: () => void merge.run(mergedPages),
  };
}

type Some = { entries: [seq: number, words: string[]][]; stretches: Stretch[]; isLast: boolean };

/**
 * As many messages as are indexed in one transaction: their entries, and the stretches that they are in, of which
 * `current` goes on. `isLast`: there were no more.
 */
function readSome(next: Iterable<Unindexed>, current: Stretch | undefined): Some {
  const entries: [seq: number, words: string[]][] = [];
  const stretches = new Map<number, Stretch>();
  let stretch = current;
  let messages = 0;
  let effort = 0;
  for (const row of next) {
    stretch = stretchFor(row, stretch);
    const words = entriesOf(row, stretch.id);
    stretch.entries += words.length;
    stretches.set(stretch.id, stretch);
    if (words.length > 0) entries.push([row.seq, words]);
    messages += 1;
    effort += Math.max(words.length, row.body.length / charactersAnEntry);
    if (effort >= entriesAtOnce) break;
  }
  const isLast = messages < indexedAtOnce && effort < entriesAtOnce;
  return { entries, stretches: Array.from(stretches.values()), isLast };
}

/** The stretch with the message in it: the one before goes on, or is full. */
function stretchFor({ seq, created_at: at }: Unindexed, before: Stretch | undefined): Stretch {
  if (before === undefined || seq >= before.first_seq + stretchLength || before.entries >= stretchEntries) {
    return { id: (before?.id ?? 0) + 1, first_seq: seq, last_seq: seq, first_at: at, last_at: at, entries: 0 };
  }
  const { first_at, last_at } = before;
  return { ...before, last_seq: seq, first_at: Math.min(first_at, at), last_at: Math.max(last_at, at) };
}

const columns = 'm.seq, m.room_id, m.id, m.user_id, users.username, m.body, m.created_at';
// CROSS JOIN keeps the order of the tables: the planner must not begin with all users or rooms.
const people = 'CROSS JOIN users ON users.id = m.user_id CROSS JOIN rooms ON rooms.id = m.room_id';
const bounded = 'm.deleted_at IS NULL AND m.created_at >= ? AND m.created_at < ?';

function prepareReading(connection: Connection): {
  stretches(question: Question): Part[];
  readStretch(question: Question, stretch: Part, limit: number): Row[];
} {
  const stretches = connection.prepare<[number, number, number], Part>(
    `SELECT id, first_seq, last_seq FROM search_stretches WHERE first_seq < ? AND last_at >= ? AND first_at < ?
     ORDER BY id DESC`,
  );
  const matching = connection.prepare<[string, number, number, number, number], Row>(
    `SELECT ${columns} FROM message_words CROSS JOIN messages AS m ON m.seq = message_words.rowid ${people}
     WHERE message_words MATCH ? AND message_words.rowid < ? AND ${bounded} ORDER BY message_words.rowid DESC LIMIT ?`,
  );
  const all = connection.prepare<[number, number, number, number, number], Row>(
    `SELECT ${columns} FROM messages AS m ${people}
     WHERE m.seq >= ? AND m.seq < ? AND ${bounded} ORDER BY m.seq DESC LIMIT ?`,
  );
  return {
    stretches: ({ before, from, to }) => stretches.all(before, from, to),
    readStretch(question, { id, first_seq, last_seq }, limit) {
      const { before, from, to } = question;
      if (usesIndex(question)) return matching.all(expression(question, id), before, from, to, limit);
      return all.all(first_seq, Math.min(before, last_seq + 1), from, to, limit);
    },
  };
}
