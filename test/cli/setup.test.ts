import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { parse } from 'dotenv';
import { readProjectFile } from '../docs/markdown.ts';
import { type Desk, openDesk } from './command-line.ts';

type SetupJson = {
  env_file: string;
  settings_written: string[];
  migrations_applied: string[];
  superuser_created: string | null;
  rooms_created: string[];
};

const strong = 'correct horse 9 battery';
const envFile = (desk: Desk): Promise<string> => readFile(join(desk.folder, '.env'), 'utf8');

async function setUp(desk: Desk, args: string[] = [], env: Record<string, string> = {}): Promise<SetupJson> {
  const { code, stdout, stderr } = await desk.run(['setup', '--noinput', '--json', ...args], { env });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as SetupJson;
}

test('setup --noinput writes a commented .env, migrates, and makes nothing else', async (t) => {
  const desk = await openDesk(t, { database: null });
  const done = await desk.run(['setup', '--noinput']);
  t.is(done.code, 0);
  t.is(done.stderr, '');
  t.regex(
    done.stdout,
    /\.env written\.\nThe database is ready \(\d+ migrations? applied\)\.\n[^]*npm start.*http:\/\/localhost:8000, .*http:\/\/localhost:8000\/admin\.\n$/,
  );
  t.is(await envFile(desk), readProjectFile('.env.sample'));
  if (process.platform !== 'win32') t.is((await stat(join(desk.folder, '.env'))).mode & 0o777, 0o600);
  t.deepEqual(await desk.json(['users', 'list']), []);
  t.deepEqual(await desk.json(['rooms', 'list']), []);
});

test('every question has a flag', async (t) => {
  const desk = await openDesk(t, { database: null });
  const flags = ['--database-url', 'sqlite://my data/chat.sqlite', '--host', '0.0.0.0', '--port', '8123'];
  const people = [
    '--registration',
    'closed',
    '--superuser',
    'ada',
    '--email',
    'ada@example.org',
    '--rooms',
    'one, two,',
  ];
  const done = await setUp(desk, [...flags, ...people], { FINCHAT_SUPERUSER_PASSWORD: strong });
  t.is(done.env_file, join(desk.folder, '.env'));
  t.deepEqual(done.settings_written, ['DATABASE_URL', 'HOST', 'PORT', 'REGISTRATION']);
  t.is(done.superuser_created, 'ada');
  t.deepEqual(done.rooms_created, ['one', 'two']);
  t.deepEqual(parse(await envFile(desk)), {
    DATABASE_URL: 'sqlite://my data/chat.sqlite',
    HOST: '0.0.0.0',
    PORT: '8123',
    REGISTRATION: 'closed',
  });
  t.like(await desk.json(['users', 'show', 'ada']), { is_superuser: true, email: 'ada@example.org' });
  t.false((await envFile(desk)).includes(strong));
});

test('running it twice harms nothing', async (t) => {
  const desk = await openDesk(t, { database: null });
  const args = ['--port', '8123', '--superuser', 'ada', '--rooms', 'one'];
  const env = { FINCHAT_SUPERUSER_PASSWORD: strong };
  await setUp(desk, args, env);
  const mine = `# my own words\n${await envFile(desk)}MOTD=mine\n`;
  await writeFile(join(desk.folder, '.env'), mine);
  const before = [await desk.json(['users', 'list']), await desk.json(['rooms', 'list'])];
  for (const again of [args, []]) {
    const done = await setUp(desk, again, env);
    t.deepEqual(
      [done.settings_written, done.migrations_applied, done.superuser_created, done.rooms_created],
      [[], [], null, []],
    );
  }
  t.is(await envFile(desk), mine);
  t.deepEqual([await desk.json(['users', 'list']), await desk.json(['rooms', 'list'])], before);
});

test('a value that .env has is replaced only with --yes, and then alone', async (t) => {
  const desk = await openDesk(t, { database: null });
  const mine = 'HOST=0.0.0.0\n# note\nPORT=8001 # mine\nMOTD="a $b"\n';
  await writeFile(join(desk.folder, '.env'), mine);
  const refused = await desk.run(['setup', '--noinput', '--port', '8002']);
  t.is(refused.code, 1);
  t.is(refused.stderr, 'PORT has another value in .env. Leave --port out to keep it, or give --yes to replace it.\n');
  t.is(await envFile(desk), mine);
  await setUp(desk, ['--port', '8002', '--yes']);
  t.is(await envFile(desk), mine.replace('PORT=8001 # mine', 'PORT=8002'));
});

test('a variable of the environment is left there, and a flag against it is refused', async (t) => {
  const desk = await openDesk(t, { database: null });
  const env = { PORT: '8005' };
  t.deepEqual((await setUp(desk, ['--port', '8005'], env)).settings_written, []);
  const refused = await desk.run(['setup', '--noinput', '--port', '8002'], { env });
  t.is(refused.code, 1);
  t.is(refused.stderr, 'PORT is set in the environment, which wins over .env. Change it there, or unset it.\n');
});

test('faults in the flags are found before anything is written', async (t) => {
  const desk = await openDesk(t, { database: null });
  const refused = await desk.run(['setup', '--noinput', '--port', 'x', '--database-url', 'mysql://db']);
  t.is(refused.code, 1);
  t.regex(
    refused.stderr,
    /2 faults:\n {2}PORT must.*\n {2}DATABASE_URL must|2 faults:\n {2}DATABASE_URL must.*\n {2}PORT must/,
  );
  await t.throwsAsync(envFile(desk), { code: 'ENOENT' });
});

test('what cannot be made is said in a sentence', async (t) => {
  const desk = await openDesk(t);
  const cases: [args: string[], sentence: RegExp][] = [
    [['--superuser', 'ada'], /FINCHAT_SUPERUSER_PASSWORD: set it/],
    [['--rooms', 'good,.bad'], /^\.bad: A room's name has/],
  ];
  for (const [args, sentence] of cases) {
    const { code, stderr } = await desk.run(['setup', '--noinput', ...args]);
    t.is(code, 1);
    t.regex(stderr, sentence);
  }
  t.deepEqual(await desk.json(['rooms', 'list']), []);
  const { code, stderr } = await desk.run(['setup']);
  t.is(code, 1);
  t.regex(stderr, /^There is no terminal to ask on\. Give --noinput/);
});

test('--no-superuser and --no-rooms make none', async (t) => {
  const desk = await openDesk(t);
  const done = await setUp(desk, ['--no-superuser', '--no-rooms']);
  t.deepEqual([done.superuser_created, done.rooms_created], [null, []]);
});

test('setup.sh passes its arguments on to setup, in the folder where it is called', async (t) => {
  const desk = await openDesk(t, { database: null });
  const script = fileURLToPath(new URL('../../../setup.sh', import.meta.url));
  const { stdout } = await promisify(execFile)('sh', [script, '--noinput', '--rooms', 'friends'], {
    cwd: desk.folder,
    env: { ...desk.env, PATH: `${process.execPath.replace(/\/[^/]*$/, '')}:${desk.env['PATH']}` },
  });
  t.regex(stdout, /Rooms created: friends\./);
  t.like(await desk.json(['rooms', 'list']), [{ name: 'friends' }]);
});
