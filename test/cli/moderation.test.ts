import { userInfo } from 'node:os';
import test from 'ava';
import { createPostgresDatabase, createSqliteDatabase } from '../support/databases.ts';
import { serviceTest } from '../support/services.ts';
import { type Desk, openDesk } from './command-line.ts';

type UserJson = { ban: { until: string | null; reason: string } | null; muted_until: string | null };

const strong = 'correct horse 9 battery';

async function openDeskWith(desk: Desk, ...names: string[]): Promise<Desk> {
  for (const name of names) await desk.json(['users', 'create', name, '--password-stdin'], { input: strong });
  return desk;
}

/** Whether a time is that many minutes away, give or take what the machine needs. */
function isIn(minutes: number, time: string | null | undefined): boolean {
  return Math.abs(Date.parse(time ?? '') - Date.now() - minutes * 60_000) < 60_000;
}

test('a user is muted and may speak again', async (t) => {
  const desk = await openDeskWith(await openDesk(t), 'mallory');
  const muted = (await desk.json(['users', 'mute', 'Mallory', '--minutes', '10'])) as UserJson;
  t.true(isIn(10, muted.muted_until), String(muted.muted_until));
  t.deepEqual(await desk.json(['users', 'show', 'mallory']), muted);
  t.regex(
    (await desk.run(['users', 'list'])).stdout,
    /\nmallory +user +muted until \d{4}-\d\d-\d\d [\d:]{8} UTC +never\n/,
  );
  t.regex(
    (await desk.run(['users', 'mute', 'mallory', '--minutes', '20'])).stdout,
    /^User mallory is muted until \d{4}-\d\d-\d\d [\d:]{8} UTC\.\n$/,
  );
  t.is((await desk.run(['users', 'unmute', 'mallory'])).stdout, 'User mallory may speak.\n');
  t.like(await desk.json(['users', 'unmute', 'mallory']), { muted_until: null });
  t.regex((await desk.run(['users', 'show', 'mallory'])).stdout, /\nstate: +active\n/);
});

test('a user is banned for a time or for good, with a reason, and unbanned', async (t) => {
  const desk = await openDeskWith(await openDesk(t), 'mallory');
  const banned = (await desk.json([
    'users',
    'ban',
    'mallory',
    '--minutes',
    '60',
    '--reason',
    'Sells watches',
  ])) as UserJson;
  t.is(banned.ban?.reason, 'Sells watches');
  t.true(isIn(60, banned.ban?.until));
  t.regex(
    (await desk.run(['users', 'show', 'mallory'])).stdout,
    /\nstate: +banned until [\d: -]{19} UTC\nban reason: +Sells watches\n/,
  );
  t.is((await desk.run(['users', 'ban', 'mallory'])).stdout, 'User mallory is banned for good.\n');
  t.like(await desk.json(['users', 'show', 'mallory']), { ban: { until: null, reason: '' } });
  t.regex((await desk.run(['users', 'list'])).stdout, / banned for good /);
  t.is((await desk.run(['users', 'unban', 'mallory'])).stdout, 'User mallory may log in.\n');
  t.like(await desk.json(['users', 'unban', 'mallory']), { ban: null });
  await desk.json(['users', 'deactivate', 'mallory']);
  t.regex((await desk.run(['users', 'unban', 'mallory'])).stdout, /not active: see "finchat users activate"/);
});

test('what cannot be done about a user is said in a sentence', async (t) => {
  const desk = await openDeskWith(await openDesk(t), 'mallory');
  const cases: [args: string[], code: number, sentence: RegExp][] = [
    [['kick', 'nobody'], 1, /^There is no user nobody\. See "finchat users list"/],
    [['mute', 'nobody', '--minutes', '1'], 1, /^There is no user nobody\./],
    [['unmute', 'nobody'], 1, /^There is no user nobody\./],
    [['ban', 'nobody'], 1, /^There is no user nobody\./],
    [['unban', 'nobody'], 1, /^There is no user nobody\./],
    [
      ['mute', 'mallory', '--minutes', '525601'],
      1,
      /^The minutes cannot be taken: Give a whole number from 1 to 525600\.$/,
    ],
    [['ban', 'mallory', '--minutes', '525601'], 1, /^The minutes cannot be taken: /],
    [['ban', 'mallory', '--reason', 'x'.repeat(251)], 1, /^The reason cannot be taken: .* 250 characters\.$/],
    [['ban', 'mallory', '--reason', 'two\nlines'], 1, /^The reason cannot be taken: Give one line/],
    [['mute', 'mallory'], 2, /required option '--minutes <number>' not specified/],
    [['mute', 'mallory', '--minutes', 'ten'], 2, /Give a whole number from 1\./],
    [['ban', 'mallory', '--minutes', '0'], 2, /Give a whole number from 1\./],
  ];
  for (const [args, code, sentence] of cases) {
    const ended = await desk.run(['users', ...args]);
    t.deepEqual([ended.code, ended.stdout], [code, ''], args.join(' '));
    t.regex(ended.stderr.trimEnd(), sentence, args.join(' '));
  }
  t.like(await desk.json(['users', 'show', 'mallory']), { ban: null, muted_until: null });
});

type Entry = { act: string; target: string; actor: string; via: string; details: object; created_at: string };

test('each act of the command line is in the audit log, under the name of the system’s user, without a secret', async (t) => {
  const database = await createSqliteDatabase(t);
  const desk = await openDeskWith(await openDesk(t, { database: database.url }), 'mallory');
  const root = { env: { FINCHAT_SUPERUSER_PASSWORD: 'another good one 7' } };
  await desk.json(['createsuperuser', '--noinput', '--username', 'root', '--email', 'root@example.org'], root);
  for (const name of ['promote', 'demote', 'deactivate', 'activate', 'kick', 'ban', 'unban', 'unmute']) {
    await desk.json(['users', name, 'mallory']);
  }
  await desk.json(['users', 'mute', 'mallory', '--minutes', '5']);
  await desk.json(['changepassword', 'mallory', '--password-stdin'], { input: 'a third good one 8' });
  const { id, token } = (await desk.json(['tokens', 'create', 'mallory', '--label', 'quotes'])) as {
    id: number;
    token: string;
  };
  await desk.json(['tokens', 'revoke', String(id), '--yes']);
  await desk.json(['rooms', 'create', 'friends', '--topic', 'Be kind']);
  await desk.json(['rooms', 'create', 'friends', '--if-not-exists']);
  await desk.json(['rooms', 'topic', 'friends', 'Be kinder']);
  await desk.json(['rooms', 'rename', 'friends', 'enemies']);
  await desk.json(['rooms', 'delete', 'enemies', '--yes']);
  t.is((await desk.run(['users', 'kick', 'nobody'])).code, 1);
  const made = await desk.run(['setup', '--noinput', '--superuser', 'second', '--rooms', 'family,friends'], root);
  t.is(made.code, 0, made.stderr);

  const entries = (await desk.json(['audit'])) as Entry[];
  t.deepEqual(Object.keys(entries[0] ?? {}), ['id', 'created_at', 'actor', 'via', 'act', 'target', 'details']);
  t.deepEqual(
    entries.toReversed().map(({ act, target }) => `${act} ${target}`),
    [
      'user-created mallory',
      'user-created root',
      'user-promoted mallory',
      'user-demoted mallory',
      'user-deactivated mallory',
      'user-activated mallory',
      'user-kicked mallory',
      'user-banned mallory',
      'user-unbanned mallory',
      'user-unmuted mallory',
      'user-muted mallory',
      'user-password-set mallory',
      'token-created mallory',
      'token-revoked mallory',
      'room-created friends',
      'room-topic-changed friends',
      'room-renamed enemies',
      'room-deleted enemies',
      'user-created second',
      'room-created family',
      'room-created friends',
    ],
  );
  t.deepEqual([...new Set(entries.map(({ actor, via }) => `${actor} ${via}`))], [`${userInfo().username} command`]);
  const text = JSON.stringify(entries);
  for (const secret of [strong, 'another good one 7', 'a third good one 8', token]) t.false(text.includes(secret));
});

test('the audit log is filtered, limited and shown as a table', async (t) => {
  const database = await createSqliteDatabase(t);
  const { users, rooms } = await database.open();
  const page = { userId: 1, name: 'Boss', via: 'page' } as const;
  const user = { email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 };
  const desk = await openDesk(t, { database: database.url });
  t.is((await desk.run(['audit'])).stdout, 'Nothing yet.\n');
  const { id } = await users.create({ ...user, username: 'mallory' }, page);
  await users.ban(id, { until: null, reason: 'rude, and\u001B[31m more' }, page);
  await desk.json(['users', 'kick', 'mallory']);
  // More than one page of the store's.
  for (let index = 0; index < 205; index += 1) {
    await rooms.create({ name: `room${index}`, topic: '', createdAt: 1 }, page);
  }
  const acts = async (...args: string[]): Promise<string[]> =>
    ((await desk.json(['audit', ...args])) as Entry[]).map(({ act }) => act);
  t.deepEqual(await acts('--target', 'MALLORY'), ['user-kicked', 'user-banned', 'user-created']);
  t.deepEqual(await acts('--target', 'mallory', '--actor', 'boss'), ['user-banned', 'user-created']);
  t.deepEqual(await acts('--act', 'user-kicked'), ['user-kicked']);
  t.is((await acts('--limit', '1000')).length, 208);
  t.is((await acts('--limit', '203')).length, 203);
  t.is((await acts()).length, 50);

  const table = await desk.run(['audit', '--target', 'mallory', '--actor', 'Boss', '--limit', '2']);
  t.is(table.stderr, '');
  t.regex(
    table.stdout,
    /^TIME +ACTOR +VIA +ACT +TARGET +DETAILS\n[\d: -]{19} +Boss +page +user-banned +mallory +reason="rude, and\S+31m more"\n/,
  );
  t.notRegex(table.stdout.replaceAll('\n', ''), /\p{Cc}/u);
  t.regex(
    (await desk.run(['audit', '--limit', '3'])).stderr,
    /^There are more: these are the newest 3\. See --limit\.\n$/,
  );
  t.is((await desk.run(['audit', '--target', 'nobody'])).stdout, 'No such acts.\n');
  const unknown = await desk.run(['audit', '--act', 'user-hugged']);
  t.is(unknown.code, 2);
  t.regex(unknown.stderr, /Allowed choices are room-created/);
});

serviceTest(test, 'postgres', 'users are moderated and noted on PostgreSQL alike', async (t, serverUrl) => {
  const database = await createPostgresDatabase(t, serverUrl);
  const desk = await openDeskWith(await openDesk(t, { database: database.url }), 'mallory');
  const muted = (await desk.json(['users', 'mute', 'mallory', '--minutes', '10'])) as UserJson;
  t.true(isIn(10, muted.muted_until));
  t.like(await desk.json(['users', 'ban', 'mallory']), { ban: { until: null, reason: '' } });
  t.like(await desk.json(['users', 'kick', 'mallory']), { username: 'mallory' });
  const entries = (await desk.json(['audit', '--target', 'mallory', '--limit', '3'])) as Entry[];
  t.deepEqual(
    entries.map(({ act }) => act),
    ['user-kicked', 'user-banned', 'user-muted'],
  );
});
