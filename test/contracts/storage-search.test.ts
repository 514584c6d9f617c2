/** The contract of MessageStore.search, on both databases, held against a search that looks at every message. */
import test from 'ava';
import fc from 'fast-check';
import type { MessageSearch } from '../../src/core/ports.ts';
import { isStorable } from '../../src/protocol/text.ts';
import { eachDatabase } from '../support/databases.ts';
import { bodiesOf, expected, findAll, furnish, room, say, user } from '../support/search-world.ts';

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
