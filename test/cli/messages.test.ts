import test from 'ava';
import type { Storage } from '../../src/core/ports.ts';
import { createPostgresDatabase, createSqliteDatabase } from '../support/databases.ts';
import { serviceTest } from '../support/services.ts';
import { openDesk } from './command-line.ts';
import { openTerminal, terminalTest } from './terminal.ts';

type MessageJson = { room: string; id: number; user: string; body: string; created_at: string };

const minuteMs = 60_000;
const begin = Date.UTC(2026, 10, 22, 20, 0, 0);
const said: readonly [room: string, user: string, body: string][] = [
  ['friends', 'ada', 'Good morning'],
  ['friends', 'mallory', 'Cheap WATCHES!\nBuy now'],
  ['family', 'mallory', 'cheap watches, again'],
  ['family', 'ada', 'Please watch your words \u001B[31m\u202Enow'],
];

/** What was said, a minute after the other, the first at 20:00:00. */
async function talk(storage: Storage): Promise<void> {
  const user = { email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 };
  const users = new Map<string, number>();
  for (const username of ['ada', 'mallory'])
    users.set(username, (await storage.users.create({ ...user, username })).id);
  const rooms = new Map<string, number>();
  for (const name of ['friends', 'family', 'empty']) {
    rooms.set(name, (await storage.rooms.create({ name, topic: '', createdAt: 1 })).id);
  }
  for (const [index, [room, username, body]] of said.entries()) {
    const createdAt = begin + index * minuteMs;
    const message = {
      roomId: rooms.get(room) ?? 0,
      userId: users.get(username) ?? 0,
      body,
      ref: `${index}`,
      createdAt,
    };
    await storage.messages.append([message]);
  }
}

test('messages are found by words, user, room and time, newest first', async (t) => {
  const database = await createSqliteDatabase(t);
  await talk(await database.open());
  const desk = await openDesk(t, { database: database.url });
  const find = async (...args: string[]): Promise<string[]> =>
    ((await desk.json(['messages', 'search', ...args])) as MessageJson[]).map(({ room, id }) => `${room} ${id}`);
  const all = ['family 2', 'family 1', 'friends 2', 'friends 1'];
  const cases: [args: string[], found: string[]][] = [
    [[], all],
    [
      ['watch', 'CHEAP'],
      ['family 1', 'friends 2'],
    ],
    [['cheap watch'], ['family 1', 'friends 2']],
    [['cheap', 'morning'], []],
    [
      ['--user', 'Mallory'],
      ['family 1', 'friends 2'],
    ],
    [
      ['watch', '--room', 'family'],
      ['family 2', 'family 1'],
    ],
    [
      ['--from', '2026-11-22 20:01', '--to', '2026-11-22T20:03:00Z'],
      ['family 1', 'friends 2'],
    ],
    [['--from', '2026-11-22T22:03:00+02:00'], ['family 2']],
    [['--to', '2026-11-22'], []],
    [
      ['--from', '2026-11-22', '--limit', '2'],
      ['family 2', 'family 1'],
    ],
  ];
  for (const [args, found] of cases) t.deepEqual(await find(...args), found, args.join(' '));

  const [message] = (await desk.json(['messages', 'search', 'cheap', '--room', 'friends'])) as MessageJson[];
  t.deepEqual(message, {
    room: 'friends',
    id: 2,
    user: 'mallory',
    body: 'Cheap WATCHES!\nBuy now',
    created_at: '2026-11-22T20:01:00.000Z',
  });
  const table = await desk.run(['messages', 'search', '--limit', '3']);
  t.regex(table.stdout, /^TIME +ROOM +ID +USER +MESSAGE\n2026-11-22 20:03:00 +family +2 +ada +Please watch/);
  t.regex(table.stdout, /\n2026-11-22 20:01:00 +friends +2 +mallory +Cheap WATCHES! ↵ Buy now\n$/);
  t.notRegex(table.stdout.replaceAll('\n', ''), /[\p{Cc}\u202E]/u);
  t.regex(table.stderr, /^There are more: these are the newest 3\./);
  t.is((await desk.run(['messages', 'search', '--limit', '4'])).stderr, '');
  t.is((await desk.run(['messages', 'search', 'nothing'])).stdout, 'No such messages.\n');
});

test('a list longer than a page of the store is read to its end', async (t) => {
  const database = await createSqliteDatabase(t);
  const storage = await database.open();
  await talk(storage);
  const [room, user] = [await storage.rooms.findByName('empty'), await storage.users.findByName('ada')];
  const batch = Array.from({ length: 450 }, (_, index) => ({
    roomId: room?.id ?? 0,
    userId: user?.id ?? 0,
    body: `number ${index}`,
    ref: `n${index}`,
    createdAt: begin + index,
  }));
  await storage.messages.append(batch);
  const desk = await openDesk(t, { database: database.url });
  for (const [limit, ids] of [
    [1000, 450],
    [400, 400],
    [401, 401],
  ] as const) {
    const found = (await desk.json(['messages', 'search', 'number', '--limit', String(limit)])) as MessageJson[];
    t.deepEqual(
      found.map(({ id }) => id),
      Array.from({ length: ids }, (_, index) => 450 - index),
    );
  }
});

test('a room’s newest messages are listed, and one is deleted for good', async (t) => {
  const database = await createSqliteDatabase(t);
  await talk(await database.open());
  const desk = await openDesk(t, { database: database.url });
  t.is((await desk.run(['messages', 'list', 'empty'])).stdout, 'No messages.\n');
  t.regex(
    (await desk.run(['messages', 'list', 'friends'])).stdout,
    /^TIME +ID +USER +MESSAGE\n[\d: -]{19} +2 +mallory +Cheap.*\n[\d: -]{19} +1 +ada +Good morning\n$/,
  );
  t.like(await desk.json(['messages', 'list', 'friends', '--limit', '1']), [{ room: 'friends', id: 2 }]);

  const deleted = await desk.json(['messages', 'delete', 'friends', '2', '--yes']);
  t.like(deleted, { deleted: { room: 'friends', id: 2, user: 'mallory', body: 'Cheap WATCHES!\nBuy now' } });
  t.like(await desk.json(['messages', 'list', 'friends']), [{ id: 1 }]);
  t.deepEqual(await desk.json(['messages', 'search', 'cheap', '--room', 'friends']), []);
  const [entry] = (await desk.json(['audit', '--act', 'message-deleted'])) as { target: string; details: object }[];
  t.like(entry, { target: 'friends', via: 'command', details: { id: 2, user: 'mallory' } });
  t.is(
    (await desk.run(['messages', 'delete', 'friends', '1', '-y'])).stdout,
    'Message 1 of ada deleted from friends.\n',
  );
});

terminalTest(test, 'a message is shown before it is deleted, and stays without a yes', async (t) => {
  const database = await createSqliteDatabase(t);
  await talk(await database.open());
  const desk = await openDesk(t, { database: database.url });
  for (const [key, word, code] of [
    ['\r', 'Operation cancelled.', 1],
    ['y\r', 'Message 2 of ada deleted from family.', 0],
  ] as const) {
    const terminal = openTerminal(t, desk, ['messages', 'delete', 'family', '2']);
    // The colour and the turn of direction in it are no more than two marks.
    await terminal.see('Delete message 2 of ada in family, "Please watch your words \uFFFD[31m\uFFFDnow"?');
    terminal.type(key);
    await terminal.see(word);
    t.is(await terminal.ended(), code);
  }
  t.like(await desk.json(['messages', 'list', 'family']), [{ id: 1 }]);
});

test('what cannot be done with messages is said in a sentence', async (t) => {
  const database = await createSqliteDatabase(t);
  await talk(await database.open());
  const desk = await openDesk(t, { database: database.url });
  const cases: [args: string[], code: number, sentence: RegExp][] = [
    [['search', '!', '?'], 1, /^The words cannot be taken: Give at least one word: letters or digits\.$/],
    [['search', '--user', 'nobody'], 1, /^There is no user nobody\./],
    [['search', '--room', 'nowhere'], 1, /^There is no room nowhere\. See "finchat rooms list"\.$/],
    [['search', '--from', 'yesterday'], 2, /Give a day, 2026-11-22, or a time/],
    [['search', '--to', '2026-02-30'], 2, /Give a day/],
    [['search', '--limit', '0'], 2, /Give a whole number from 1\./],
    [['list', 'nowhere'], 1, /^There is no room nowhere\./],
    [['delete', 'nowhere', '1', '--yes'], 1, /^There is no room nowhere\./],
    [['delete', 'friends', '77', '--yes'], 1, /^There is no message 77\. See "finchat messages list ROOM"\.$/],
    [['delete', 'friends', 'first', '--yes'], 2, /Give a whole number from 1\./],
    [['delete', 'friends', '1'], 1, /^There is no terminal to ask on\. Give --yes/],
  ];
  for (const [args, code, sentence] of cases) {
    const ended = await desk.run(['messages', ...args]);
    t.deepEqual([ended.code, ended.stdout], [code, ''], args.join(' '));
    t.regex(ended.stderr.trimEnd(), sentence, args.join(' '));
  }
  t.is(((await desk.json(['messages', 'list', 'friends'])) as MessageJson[]).length, 2);
  t.deepEqual(await desk.json(['audit']), []);
});

serviceTest(test, 'postgres', 'messages are found and deleted on PostgreSQL alike', async (t, serverUrl) => {
  const database = await createPostgresDatabase(t, serverUrl);
  await talk(await database.open());
  const desk = await openDesk(t, { database: database.url });
  t.like(await desk.json(['messages', 'search', 'watch', 'cheap', '--user', 'mallory']), [
    { room: 'family', id: 1 },
    { room: 'friends', id: 2 },
  ]);
  t.like(await desk.json(['messages', 'delete', 'friends', '2', '--yes']), { deleted: { id: 2 } });
  t.like(await desk.json(['messages', 'list', 'friends']), [{ id: 1 }]);
});
