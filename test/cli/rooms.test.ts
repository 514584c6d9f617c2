import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { createPostgresDatabase, createSqliteDatabase } from '../support/databases.ts';
import { serviceTest } from '../support/services.ts';
import { type Desk, openDesk, program } from './command-line.ts';

type RoomJson = { id: number; name: string; topic: string; last_id: number };

const names = async (desk: Desk): Promise<string[]> =>
  ((await desk.json(['rooms', 'list'])) as RoomJson[]).map(({ name }) => name);

test('rooms are made, listed, described, renamed, shown and deleted', async (t) => {
  const desk = await openDesk(t);
  t.regex((await desk.run(['rooms', 'list'])).stdout, /^No rooms yet\. Make one with "finchat rooms create NAME"\.\n$/);

  t.is((await desk.run(['rooms', 'create', 'friends', '--topic', 'Be kind'])).stdout, 'Room friends created.\n');
  const made = (await desk.json(['rooms', 'create', 'Zoo'])) as RoomJson;
  t.like(made, { name: 'Zoo', topic: '', last_id: 0 });
  t.deepEqual(Object.keys(made), ['id', 'name', 'topic', 'epoch', 'last_id', 'created_at', 'updated_at']);
  t.deepEqual(await names(desk), ['friends', 'Zoo']);
  t.regex(
    (await desk.run(['rooms', 'list'])).stdout,
    /^NAME +TOPIC +LAST MESSAGE +CREATED\nfriends +Be kind +0 +\d{4}-/,
  );

  t.is((await desk.run(['rooms', 'topic', 'friends'])).stdout, 'Be kind\n');
  t.is((await desk.run(['rooms', 'topic', 'friends', 'Be kinder'])).stdout, 'Topic of friends set.\n');
  t.like(await desk.json(['rooms', 'show', 'friends']), { topic: 'Be kinder' });
  t.like(await desk.json(['rooms', 'topic', 'friends', '']), { topic: '' });

  t.is((await desk.run(['rooms', 'rename', 'Zoo', 'zoo'])).stdout, 'Room Zoo is now zoo.\n');
  t.like(await desk.json(['rooms', 'rename', 'zoo', 'circus']), { id: made.id, name: 'circus' });
  t.regex((await desk.run(['rooms', 'show', 'circus'])).stdout, /^id: +\d+\nname: +circus\n/);

  const deleted = await desk.json(['rooms', 'delete', 'circus', '--yes']);
  t.like(deleted, { deleted: { id: made.id, name: 'circus' }, messages_deleted: 0 });
  t.is((await desk.run(['rooms', 'delete', 'friends', '-y'])).stdout, 'Room friends deleted, with 0 messages.\n');
  t.deepEqual(await names(desk), []);
});

test('a refusal is one sentence on stderr and exit 1, and nothing on stdout', async (t) => {
  const desk = await openDesk(t);
  await desk.run(['rooms', 'create', 'friends']);
  const cases: [args: string[], sentence: RegExp][] = [
    [
      ['create', 'Friends'],
      /^The name cannot be taken: A room named Friends exists already \(case does not count\)\.$/,
    ],
    [['create', '.hidden'], /^The name cannot be taken: A room's name has letters/],
    [['create', 'x'.repeat(65)], /^The name cannot be taken: .* at most 64 characters/],
    [['create', 'ok', '--topic', 'x'.repeat(251)], /^The topic cannot be taken: .* no more than 250 characters/],
    [['create', 'ok', '--topic', 'two\nlines'], /^The topic cannot be taken: Give one line of text/],
    [['rename', 'friends', 'a:b'], /letters, digits and \. _ - only/],
    [['rename', 'nowhere', 'elsewhere'], /^There is no room nowhere\. See "finchat rooms list"\.$/],
    [['topic', 'nowhere'], /There is no room nowhere/],
    [['show', 'FRIENDS'], /There is no room FRIENDS/],
    [['delete', 'nowhere', '--yes'], /There is no room nowhere/],
    [['delete', 'friends'], /^There is no terminal to ask on\. Give --yes to go ahead without being asked\.$/],
  ];
  for (const [args, sentence] of cases) {
    const { code, stdout, stderr } = await desk.run(['rooms', ...args, '--json']);
    t.deepEqual({ code, stdout }, { code: 1, stdout: '' }, args.join(' '));
    t.regex(stderr.trimEnd(), sentence, args.join(' '));
  }
  t.deepEqual(await names(desk), ['friends']);
});

test('create --if-not-exists may be run again', async (t) => {
  const desk = await openDesk(t);
  const first = await desk.json(['rooms', 'create', 'friends', '--topic', 'one', '--if-not-exists']);
  t.deepEqual(await desk.json(['rooms', 'create', 'friends', '--topic', 'two', '--if-not-exists']), first);
  t.is((await desk.run(['rooms', 'create', 'friends', '--if-not-exists'])).stdout, 'Room friends exists already.\n');
});

test('deleting a room deletes its messages too, and those of a deletion that was cut short', async (t) => {
  const database = await createSqliteDatabase(t);
  const storage = await database.open();
  const user = await storage.users.create({
    username: 'ada',
    email: '',
    passwordHash: 'x',
    isSuperuser: false,
    createdAt: 1,
  });
  for (const name of ['first', 'second']) {
    const room = await storage.rooms.create({ name, topic: '', createdAt: 1 });
    const batch = Array.from({ length: 30 }, (_, index) => ({
      roomId: room.id,
      userId: user.id,
      body: 'hello',
      ref: `${name}${index}`,
      createdAt: 1,
    }));
    await storage.messages.append(batch);
    // As if a deletion had been killed after its first step.
    if (name === 'first') await storage.rooms.delete(room.id);
  }
  const desk = await openDesk(t, { database: database.url });
  t.like(await desk.json(['rooms', 'delete', 'second', '--yes']), { messages_deleted: 60 });
});

test('a reader that closes the pipe early is no error', async (t) => {
  const desk = await openDesk(t);
  for (let index = 0; index < 3; index += 1) await desk.run(['rooms', 'create', `room${index}`]);
  // The reader ends before the command has begun to write.
  const shell = spawn('sh', ['-c', `("$0" "$1" rooms list; echo "code $?" >&2) | true`, process.execPath, program], {
    env: desk.env,
    cwd: desk.folder,
  });
  let stderr = '';
  shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(shell, 'close');
  t.is(stderr, 'code 0\n');
});

test('texts from the database cannot steer the terminal', async (t) => {
  const database = await createSqliteDatabase(t);
  const storage = await database.open();
  await storage.rooms.create({ name: 'friends', topic: 'red \u001B[31malert\u0007', createdAt: 1 });
  const desk = await openDesk(t, { database: database.url });
  for (const args of [['list'], ['show', 'friends'], ['topic', 'friends']]) {
    const { stdout } = await desk.run(['rooms', ...args]);
    t.regex(stdout, /red .*alert/);
    t.notRegex(stdout.replaceAll('\n', ''), /\p{Cc}/u, args[0]);
  }
});

serviceTest(test, 'postgres', 'rooms are made and deleted on PostgreSQL alike', async (t, serverUrl) => {
  const database = await createPostgresDatabase(t, serverUrl);
  const desk = await openDesk(t, { database: database.url });
  await desk.run(['rooms', 'create', 'friends']);
  t.deepEqual(await names(desk), ['friends']);
  t.is((await desk.run(['rooms', 'create', 'FRIENDS'])).code, 1);
  t.like(await desk.json(['rooms', 'delete', 'friends', '--yes']), { deleted: { name: 'friends' } });
  t.deepEqual(await names(desk), []);
});
