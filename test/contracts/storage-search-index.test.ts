/** The search while messages come and go, in several processes at once, and what its index holds of them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { FoundMessage, NewMessage } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import type { Database } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createPostgresSearch } from '../../src/storage/message-search-postgres.ts';
import { createTestClock } from '../support/app.ts';
import type { TestDatabase } from '../support/databases.ts';
import { eachDatabase, postgresTest, sqliteTest } from '../support/databases.ts';
import { bodiesOf, expected, findAll, furnish, say } from '../support/search-world.ts';
import { patienceMs, until } from '../support/services.ts';

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
  await until(patienceMs, () => isIndexed(1003));
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

postgresTest(test, 'what the index has yet to sort in is sorted in beside the message log', async (t, db) => {
  const world = await furnish(await db.open());
  const { knex } = rawDatabase(t, db);
  await knex.raw('CREATE EXTENSION pageinspect');
  const waitingPages = async (): Promise<number> => {
    const { rows } = await knex.raw(
      "SELECT n_pending_pages AS pages FROM gin_metapage_info(get_raw_page('messages_words', 0))",
    );
    return Number(rows[0].pages);
  };
  const bodies = Array.from(
    { length: 6000 },
    (_, n) => `${n} is ${n + 10_000} words of ${n + 20_000} as ${n + 30_000} others`,
  );
  await say(world, bodies.slice(0, 500));
  t.true((await waitingPages()) > 8);
  t.is((await findAll(world.storage, { words: 'others', limit: 400 })).length, 500);
  await say(world, bodies.slice(500));
  await until(patienceMs, async () => {
    if ((await waitingPages()) > 40) throw new Error(`${await waitingPages()} pages are yet to be sorted in.`);
  });
  t.is((await findAll(world.storage, { words: 'others', limit: 2000 })).length, 6000);
});
