/** The contract of MessageStore.search, on both databases, held against a search that looks at every message. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import fc from 'fast-check';
import type { FoundMessage, MessageSearch, NewMessage, Storage } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import { isStorable } from '../../src/protocol/text.ts';
import type { Database } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createPostgresSearch } from '../../src/storage/message-search-postgres.ts';
import { askedWordsOf, wordsOf } from '../../src/storage/search-words.ts';
import { createTestClock } from '../support/app.ts';
import type { TestDatabase } from '../support/databases.ts';
import { eachDatabase, postgresTest, sqliteTest } from '../support/databases.ts';
import { until } from '../support/services.ts';

type World = { storage: Storage; rooms: number[]; users: number[]; said: NewMessage[]; count: number };

async function furnish(storage: Storage): Promise<World> {
  const rooms = await storage.rooms.seed(
    ['friends', 'family', 'investments'].map((name) => ({ name, topic: '' })),
    1,
  );
  const users: number[] = [];
  for (const username of ['ann', 'bob', 'zoe']) {
    users.push(
      (await storage.users.create({ username, email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 })).id,
    );
  }
  return { storage, rooms: rooms.map(({ id }) => id), users, said: [], count: 0 };
}

const user = (world: World, index: number): number => world.users[index % world.users.length] as number;
const room = (world: World, index: number): number => world.rooms[index % world.rooms.length] as number;

/** Each a second after the one before. */
async function say(world: World, bodies: readonly string[]): Promise<void> {
  const start = world.count;
  world.count += bodies.length;
  const batch = bodies.map((body, index) => {
    const n = start + index;
    const roomId = room(world, n % 5);
    return { roomId, userId: user(world, n % 7), body, ref: `${n}`, createdAt: 1_000_000 + n * 1000 };
  });
  for (let from = 0; from < batch.length; from += 500) {
    const outcomes = await world.storage.messages.append(batch.slice(from, from + 500));
    if (outcomes.some(({ status }) => status !== 'stored')) throw new Error('A message was not stored.');
  }
  world.said.push(...batch);
}

const bodiesOf = async (storage: Storage, search: Partial<MessageSearch>): Promise<string[]> =>
  (await storage.messages.search({ limit: 100, ...search })).messages.map(({ body }) => body);

/** All pages. */
async function findAll(storage: Storage, search: MessageSearch): Promise<FoundMessage[]> {
  const found: FoundMessage[] = [];
  for (let after: string | undefined; ; ) {
    const page = await storage.messages.search({ ...search, ...(after !== undefined && { after }) });
    found.push(...page.messages);
    if (page.next === null) return found;
    if (page.messages.length !== search.limit) throw new Error('A page that is followed by another one is not full.');
    after = page.next;
  }
}

/** What a search must find: it looks at every message. */
function expected({ said }: World, { words, userId, roomId, from, to }: Partial<MessageSearch>): string[] {
  const asked = askedWordsOf(words);
  const matches = (message: NewMessage): boolean => {
    const there = wordsOf(message.body);
    return (
      (asked === undefined ||
        (asked.length > 0 && asked.every((start) => there.some((each) => each.startsWith(start))))) &&
      (userId === undefined || message.userId === userId) &&
      (roomId === undefined || message.roomId === roomId) &&
      (from === undefined || message.createdAt >= from) &&
      (to === undefined || message.createdAt < to)
    );
  };
  return said
    .filter(matches)
    .map(({ body }) => body)
    .toReversed();
}

eachDatabase(test, 'a message is found with who said it where and when, newest first', async (t, db) => {
  const { storage, rooms, users } = await furnish(await db.open());
  const [friends = 0, family = 0] = rooms;
  const [ann = 0, bob = 0] = users;
  await storage.messages.append([
    { roomId: friends, userId: ann, body: 'Hello all', ref: 'a', createdAt: 10 },
    { roomId: family, userId: bob, body: 'hello Ann', ref: 'b', createdAt: 20 },
  ]);
  t.deepEqual(await storage.messages.search({ words: 'hello', limit: 10 }), {
    messages: [
      { roomId: family, id: 1, userId: bob, username: 'bob', body: 'hello Ann', createdAt: 20 },
      { roomId: friends, id: 1, userId: ann, username: 'ann', body: 'Hello all', createdAt: 10 },
    ],
    next: null,
  });
  t.deepEqual(await storage.messages.search({ words: 'goodbye', limit: 10 }), { messages: [], next: null });
});

eachDatabase(test, 'all words must be there, each whole or as a beginning', async (t, db) => {
  const world = await furnish(await db.open());
  await say(world, ['The quick brown fox', 'a quicker FOX', 'the lazy dog', 'quick']);
  const find = (words: string) => bodiesOf(world.storage, { words });
  t.deepEqual(await find('quick'), ['quick', 'a quicker FOX', 'The quick brown fox']);
  t.deepEqual(await find('quicker'), ['a quicker FOX']);
  t.deepEqual(await find('fox quick'), ['a quicker FOX', 'The quick brown fox']);
  t.deepEqual(await find('QU fo the'), ['The quick brown fox']);
  t.deepEqual(await find('uick'), []);
  t.deepEqual(await find('quick dog'), []);
});

eachDatabase(test, 'words are the same in every script, and punctuation only separates', async (t, db) => {
  const world = await furnish(await db.open());
  const bodies = [
    'see https://example.org/a/b_c?d=e&f=42#top',
    'Привет, как дела?',
    'A\u030angstro\u0308m',
    'Straße 3.14',
    '明天在北京见面',
    'مرحبا بالعالم',
    'don’t “quote” it',
    'snake_case and kebab-case',
    '🎉🎉🎉',
    'line\none\r\n\ttwo\u0001three',
    'mail me@host.example',
  ];
  await say(world, bodies);
  const found: Record<string, string | undefined> = {
    'example.org': bodies[0],
    'https://example.org/a/b_c?d=e&f=42#top': bodies[0],
    b_c: bodies[0],
    ПРИВЕТ: bodies[1],
    дел: bodies[1],
    ångström: bodies[2],
    ÅNGST: bodies[2],
    STRASSE: bodies[3],
    '3.14': bodies[3],
    北京: bodies[4],
    بالعالم: bodies[5],
    "don't": bodies[6],
    '"quote"': bodies[6],
    'kebab-case': bodies[7],
    case: bodies[7],
    three: bodies[9],
    'me@host.example': bodies[10],
  };
  for (const [words, body] of Object.entries(found))
    t.deepEqual(await bodiesOf(world.storage, { words }), [body], words);
});

const operators = ['"', '""', "'", '*', 'a*', 'NEAR(', 'NEAR(a b, 2)', '-', '-a', ':', 'words:a', '^a', '+', '{a b}'];
const more = [
  '(',
  ')',
  '&',
  '|',
  '!',
  '!a',
  '<->',
  'a:*',
  'a:A',
  '\\',
  "\\'",
  "'a'",
  '%',
  '_',
  '__u1',
  '0__r1',
  '?',
  '$1',
];

eachDatabase(test, 'nothing in a question is an operator', async (t, db) => {
  const world = await furnish(await db.open());
  await say(world, ['a b c', 'alpha OR beta', 'or not and near', 'words', '0 r1 u1 1']);
  for (const words of [...operators, ...more, 'OR', 'a OR b', 'AND', 'NOT a', 'near', 'a AND', 'alpha NOT beta']) {
    t.deepEqual(await bodiesOf(world.storage, { words }), expected(world, { words }), words);
  }
});

eachDatabase(test, 'whatever is said and asked, what is found is what a look at every message finds', async (t, db) => {
  const world = await furnish(await db.open());
  const text = fc.string({ unit: 'grapheme', maxLength: 30 }).filter(isStorable);
  const bodies = fc.sample(fc.oneof(text, fc.lorem({ maxCount: 6 }), fc.webUrl()), 200);
  await say(world, bodies);
  // Parts of what was said are found more often than other texts.
  const part = fc
    .tuple(fc.constantFrom(...bodies), fc.nat(20), fc.nat(20))
    .map(([body, start, length]) =>
      Array.from(body)
        .slice(start, start + length)
        .join(''),
    )
    .filter(isStorable);
  await fc.assert(
    fc.asyncProperty(fc.oneof(part, text), async (words) => {
      t.deepEqual(await bodiesOf(world.storage, { words, limit: 200 }), expected(world, { words }), words);
    }),
    { numRuns: 150 },
  );
});

eachDatabase(test, 'a blank question finds everything, one of mere punctuation nothing', async (t, db) => {
  const world = await furnish(await db.open());
  await say(world, ['one', '***', 'three']);
  for (const words of ['', ' ', '\n\t']) t.deepEqual(await bodiesOf(world.storage, { words }), ['three', '***', 'one']);
  for (const words of ['***', '" "', '🎉']) t.deepEqual(await bodiesOf(world.storage, { words }), []);
});

eachDatabase(test, 'long words and long questions are taken', async (t, db) => {
  const world = await furnish(await db.open());
  const longest = 'x'.repeat(4096);
  const wide = '𐐷'.repeat(2048);
  const many = Array.from({ length: 2048 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join(' ');
  await say(world, [longest, wide, many, 'xx']);
  t.deepEqual(await bodiesOf(world.storage, { words: longest }), [longest]);
  t.deepEqual(await bodiesOf(world.storage, { words: 'x'.repeat(10) }), [longest]);
  t.deepEqual(await bodiesOf(world.storage, { words: wide }), [wide]);
  t.deepEqual(await bodiesOf(world.storage, { words: many }), [many]);
});

eachDatabase(test, 'filters are combined with words and with each other', async (t, db) => {
  const world = await furnish(await db.open());
  const vocabulary = ['apple', 'apricot', 'banana', 'cherry'];
  await say(
    world,
    Array.from({ length: 120 }, (_, n) => `${vocabulary[n % 4]} ${vocabulary[(n * 7) % 3]} ${n}`),
  );
  const at = (n: number): number => 1_000_000 + n * 1000;
  const questions: Partial<MessageSearch>[] = [
    {},
    { userId: user(world, 1) },
    { roomId: room(world, 2) },
    { userId: user(world, 0), roomId: room(world, 1) },
    { userId: user(world, 0), roomId: room(world, 1), words: 'ap' },
    { words: 'apple', from: at(30), to: at(60) },
    { from: at(30), to: at(31) },
    { from: at(30) + 1, to: at(31) },
    { to: at(5) },
    { from: at(115) },
    { from: at(500) },
    { words: 'banana ch', userId: user(world, 2), from: at(10), to: at(100) },
    { userId: 4711 },
    { roomId: 4711 },
    { words: 'banana', roomId: 4711 },
  ];
  for (const question of questions) {
    t.deepEqual(await bodiesOf(world.storage, { ...question, limit: 200 }), expected(world, question));
  }
});

eachDatabase(test, 'of thousands of messages the pages show each once, in order', async (t, db) => {
  const world = await furnish(await db.open());
  await say(
    world,
    Array.from({ length: 9000 }, (_, n) => `every ${n % 1000 === 17 ? 'seldom' : 'often'} w${n % 13} ${n}`),
  );
  const questions: [Partial<MessageSearch>, limit: number][] = [
    [{}, 1500],
    [{ words: 'every' }, 1999],
    [{ words: 'seldom' }, 4],
    [{ words: 'seldom' }, 9],
    [{ words: 'w5', userId: user(world, 3) }, 50],
    [{ roomId: room(world, 4), from: 4_000_000, to: 6_000_000 }, 200],
    [{ words: 'w1', to: 1_050_000 }, 10],
  ];
  for (const [question, limit] of questions) {
    const found = await findAll(world.storage, { ...question, limit });
    t.deepEqual(
      found.map(({ body }) => body),
      expected(world, question),
      JSON.stringify(question),
    );
  }
});

eachDatabase(test, 'what arrives and goes between two pages makes neither doubles nor holes', async (t, db) => {
  const world = await furnish(await db.open());
  await say(
    world,
    Array.from({ length: 40 }, (_, n) => `old ${n}`),
  );
  const before = expected(world, {});
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await world.storage.messages.search({ limit: 7, words: 'old', ...(after !== undefined && { after }) });
    found.push(...page.messages.map(({ body }) => body));
    after = page.next ?? undefined;
    await say(world, ['old as well, and new']);
    // Of those that were shown already: nothing moves up.
    const [shown] = page.messages;
    if (shown !== undefined) t.true(await world.storage.messages.delete(shown.roomId, shown.id));
  } while (after !== undefined);
  t.deepEqual(found, before);
});

eachDatabase(test, 'a place that no search gave is the end', async (t, db) => {
  const world = await furnish(await db.open());
  await say(world, ['one', 'two', 'three']);
  for (const after of ['', '!', '-1', '0', "1';", '1.2', '1.2.3.4', 'x'.repeat(100), '9'.repeat(30), '1.1.1e5']) {
    t.deepEqual(await world.storage.messages.search({ limit: 5, after }), { messages: [], next: null }, after);
  }
});

eachDatabase(
  test,
  'deleted messages and those of deleted rooms are not found, before and after the purge',
  async (t, db) => {
    const world = await furnish(await db.open());
    await say(
      world,
      Array.from({ length: 30 }, (_, n) => `word ${n}`),
    );
    const { storage, rooms } = world;
    const [friends = 0, family = 0] = rooms;
    const [first] = (await storage.messages.search({ words: 'word', roomId: family, limit: 1 })).messages;
    t.true(await storage.messages.delete(family, first?.id ?? 0));
    const left = (): string[] => expected(world, {});
    world.said = world.said.filter(({ body }) => body !== first?.body);
    t.deepEqual(await bodiesOf(storage, { words: 'word' }), left());
    t.deepEqual(await bodiesOf(storage, {}), left());
    t.true(await storage.rooms.delete(friends));
    world.said = world.said.filter(({ roomId }) => roomId !== friends);
    const check = async (): Promise<void> => {
      t.deepEqual(await bodiesOf(storage, { words: 'word' }), left());
      t.deepEqual(await bodiesOf(storage, {}), left());
      t.deepEqual(await bodiesOf(storage, { roomId: friends }), []);
    };
    await check();
    t.is(await storage.rooms.purge(), 12);
    await check();
    // The newest of all were purged perhaps: what comes now is found nevertheless.
    world.rooms = rooms.slice(1);
    await say(world, ['word of the day']);
    t.deepEqual(await bodiesOf(storage, { words: 'day' }), ['word of the day']);
    await check();
  },
);

eachDatabase(test, 'what is found through one process was stored and deleted through another', async (t, db) => {
  const [here, there] = await Promise.all([db.open(), db.open()]);
  const world = await furnish(here);
  await say(world, ['one word', 'another word']);
  t.deepEqual(await bodiesOf(there, { words: 'word' }), ['another word', 'one word']);
  const [newest] = (await here.messages.search({ words: 'word', limit: 1 })).messages;
  t.true(await there.messages.delete(newest?.roomId ?? 0, newest?.id ?? 0));
  t.deepEqual(await bodiesOf(here, { words: 'word' }), ['one word']);
});

eachDatabase(test, 'searches while messages are stored find what was stored before they began', async (t, db) => {
  const world = await furnish(await db.open());
  const progress = { stored: 0 };
  const storing = (async () => {
    for (; progress.stored < 1500; progress.stored += 50) {
      await say(
        world,
        Array.from({ length: 50 }, (_, n) => `word ${progress.stored + n}`),
      );
    }
  })();
  while (progress.stored < 1500) {
    const atLeast = progress.stored;
    const found = await findAll(world.storage, { words: 'word', limit: 400 });
    assertNewest(t, found, atLeast);
  }
  await storing;
  assertNewest(t, await findAll(world.storage, { words: 'word', limit: 400 }), 1500);
});

postgresTest(test, 'what arrives between two queries of one search leaves no hole', async (t, db) => {
  const world = await furnish(await db.open());
  const words = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, n) => `word ${from + n}`);
  // Fewer, just as many and more than are looked through before the index is asked.
  for (const [from, to] of [
    [0, 4998],
    [4998, 5001],
    [5001, 5500],
  ] as const) {
    await say(world, words(from, to));
    const database = rawDatabase(t, db);
    const search = createPostgresSearch({
      ...database,
      async read(query) {
        const answer = await database.read(query);
        await say(world, ['new', 'as new', 'also new']);
        return answer;
      },
    });
    const { messages } = await search({ words: 'word', limit: 6000 });
    t.is(messages.length, to);
    t.deepEqual(
      messages.map(({ body }) => body),
      words(0, to).toReversed(),
    );
  }
});

function rawDatabase(t: ExecutionContext, db: TestDatabase): Database {
  const database = openDatabase({ url: db.url, pool: 1, synchronous: 'NORMAL', busyTimeoutMs: 1000, deadlines: false });
  t.teardown(() => database.close());
  return database;
}

/** Every message once, without a hole, newest first. */
function assertNewest(t: ExecutionContext, found: readonly FoundMessage[], atLeast: number): void {
  const numbers = found.map(({ body }) => Number(body.split(' ')[1]));
  t.deepEqual(
    numbers,
    Array.from({ length: numbers.length }, (_, index) => numbers.length - 1 - index),
  );
  t.true(numbers.length >= atLeast);
}

sqliteTest(test, 'messages that nobody searched for are indexed after a restart', async (t, db) => {
  const first = await db.open();
  const world = await furnish(first);
  await say(world, ['before the restart']);
  await first.close();
  const storage = await db.open();
  t.deepEqual(await bodiesOf(storage, { words: 'restart' }), ['before the restart']);
});

sqliteTest(test, 'messages are indexed within a second or so, also when nobody searches', async (t, db) => {
  const clock = createTestClock();
  const world = await furnish(await db.open({ clock }));
  const { knex } = rawDatabase(t, db);
  const indexed = async (): Promise<number> => (await knex('search_indexed').first('last_seq')).last_seq;
  const isIndexed = async (count: number): Promise<void> => {
    if ((await indexed()) !== count) throw new Error(`${await indexed()} messages are indexed, not ${count}.`);
  };
  await say(world, ['one', 'two', 'three']);
  t.is(await indexed(), 0);
  clock.advance(1000);
  await until(30_000, () => isIndexed(3));
  await say(
    world,
    Array.from({ length: 1000 }, (_, n) => `more ${n}`),
  );
  clock.advance(1000);
  await until(10_000, () => isIndexed(1003));
  t.pass();
});

sqliteTest(test, 'long messages are indexed a few at a time, so that nobody waits for many of them', async (t, db) => {
  const world = await furnish(await db.open());
  const { knex } = rawDatabase(t, db);
  const indexed = async (): Promise<number> => (await knex('search_indexed').first('last_seq')).last_seq;
  // Each with 1,300 words that no other message has.
  const bodyOf = (n: number): string =>
    Array.from({ length: 1300 }, (_, word) => (n * 1300 + word).toString(36)).join(' ');
  const bodies = Array.from({ length: 100 }, (_, n) => bodyOf(n));
  await say(world, bodies);
  const steps = [await indexed()];
  const searching = findAll(world.storage, { words: (99 * 1300).toString(36), limit: 10 });
  while (steps.at(-1) !== bodies.length) {
    const reached = await indexed();
    if (reached !== steps.at(-1)) steps.push(reached);
    await nextTurn();
  }
  t.deepEqual(
    (await searching).map(({ body }) => body),
    bodies.slice(-1),
  );
  // The loop went on between: some of the steps can be missed by whoever looks, but not nearly all.
  t.true(steps.length > 5, steps.join(' '));
  // And so it does where all of them may be what is sought.
  const stretches: { entries: number }[] = await knex('search_stretches').select('entries');
  t.true(
    stretches.every(({ entries }) => entries < 70_000),
    stretches.map(({ entries }) => entries).join(' '),
  );
  t.is(stretches.length, 2);
  for (const words of ['1', '']) {
    const search = { words, limit: 7 };
    t.deepEqual(
      (await findAll(world.storage, search)).map(({ body }) => body),
      expected(world, search),
    );
  }
});

sqliteTest(test, 'so are long messages that say the same few words again and again', async (t, db) => {
  const world = await furnish(await db.open());
  const { knex } = rawDatabase(t, db);
  await say(
    world,
    Array.from({ length: 150 }, () => 'слово за слово '.repeat(270)),
  );
  const searching = findAll(world.storage, { words: 'слово', limit: 200 });
  const steps = new Set<number>();
  for (let reached = 0; reached < 150; await nextTurn()) {
    reached = (await knex('search_indexed').first('last_seq')).last_seq;
    steps.add(reached);
  }
  t.true(steps.size > 5, [...steps].join(' '));
  t.is((await searching).length, 150);
});

sqliteTest(
  test,
  'a fault of the index keeps no message from being stored, read or deleted with its room',
  async (t, db) => {
    const world = await furnish(await db.open());
    const { storage, rooms, users } = world;
    await say(world, ['before']);
    await rawDatabase(t, db).knex.schema.dropTable('search_stretches');
    await t.throwsAsync(storage.messages.search({ words: 'before', limit: 1 }), { instanceOf: StoreError });
    await say(
      world,
      Array.from({ length: 1200 }, (_, n) => `more ${n}`),
    );
    const [friends = 0] = rooms;
    const message = { roomId: friends, userId: users[0] ?? 0, body: 'last', ref: 'last', createdAt: 1 };
    const [outcome] = await storage.messages.append([message]);
    t.is(outcome?.status, 'stored');
    t.is((await storage.messages.snapshot(friends, 1))?.messages[0]?.body, 'last');
    t.true(await storage.rooms.delete(friends));
    t.true((await storage.rooms.purge()) > 0);
  },
);

/** Messages that the index has something of. */
async function countIndexed({ knex, dialect }: Database): Promise<number> {
  const [row]: { count: number }[] =
    dialect === 'sqlite'
      ? await knex('message_words').count({ count: '*' })
      : await knex('messages').whereNotNull('words').count({ count: '*' });
  return Number(row?.count);
}

eachDatabase(test, 'nothing of a deleted message, or of those of a deleted room, stays in the index', async (t, db) => {
  const world = await furnish(await db.open());
  const { storage, rooms } = world;
  const [friends = 0, family = 0] = rooms;
  await say(world, ['one', 'two', 'three']);
  t.is((await bodiesOf(storage, {})).length, 3);
  const database = rawDatabase(t, db);
  t.is(await countIndexed(database), 3);
  t.true(await storage.messages.delete(family, 1));
  t.is(await countIndexed(database), 2);
  t.true(await storage.rooms.delete(friends));
  await storage.rooms.purge();
  t.is(await countIndexed(database), 1);
});

eachDatabase(test, 'what is said after the newest messages were purged is found', async (t, db) => {
  const world = await furnish(await db.open());
  const { storage, rooms } = world;
  world.rooms = rooms.slice(0, 1);
  await say(world, ['one', 'two', 'three']);
  t.is((await bodiesOf(storage, {})).length, 3);
  t.true(await storage.rooms.delete(rooms[0] ?? 0));
  t.is(await storage.rooms.purge(), 3);
  world.rooms = rooms.slice(1);
  await say(world, ['four']);
  t.deepEqual(await bodiesOf(storage, { words: 'four' }), ['four']);
});

eachDatabase(test, 'what was said when a clock was put back is found by its time', async (t, db) => {
  const { storage, rooms, users } = await furnish(await db.open());
  const at = (createdAt: number): NewMessage => ({
    roomId: rooms[0] ?? 0,
    userId: users[0] ?? 0,
    body: `at ${createdAt}`,
    ref: `${createdAt}`,
    createdAt,
  });
  await storage.messages.append([at(2000), at(1000), at(1500)]);
  t.deepEqual(await bodiesOf(storage, { words: 'at', to: 1100 }), ['at 1000']);
  t.deepEqual(await bodiesOf(storage, { words: 'at', from: 1900 }), ['at 2000']);
});

sqliteTest(test, 'however seldom something is said, the parts of the index stay few', async (t, db) => {
  const world = await furnish(await db.open());
  for (let n = 0; n < 14; n += 1) {
    await say(world, [`word ${n}`]);
    t.is((await bodiesOf(world.storage, { words: 'word' })).length, n + 1);
  }
  const parts = await rawDatabase(t, db).knex('message_words_idx').distinct('segid');
  t.true(parts.length <= 7, `${parts.length}`);
});

postgresTest(test, 'what the index has yet to sort in stays little', async (t, db) => {
  const world = await furnish(await db.open());
  await say(
    world,
    Array.from({ length: 3000 }, (_, n) => `${n} is ${n + 10_000} words of ${n + 20_000} as ${n + 30_000} others`),
  );
  const { rows } = await rawDatabase(t, db).knex.raw("SELECT gin_clean_pending_list('messages_words') AS pages");
  t.true(Number(rows[0].pages) <= 9, `${rows[0].pages}`);
});
