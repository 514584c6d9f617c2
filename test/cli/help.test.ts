import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { renderCommandDocs } from '../../cli/docs.ts';
import { renderEnvSample } from '../../cli/env-sample.ts';
import { settings } from '../../src/config.ts';
import { readProjectFile } from '../docs/markdown.ts';
import { openDesk } from './command-line.ts';

const { stdin, stdout, stderr } = process;
const renderedDocs = (): Promise<string> => renderCommandDocs({ env: {}, folder: '.', stdin, stdout, stderr });

test('docs/CLI.md and .env.sample are what `npm run docs` writes', async (t) => {
  t.is(readProjectFile('docs/CLI.md'), await renderedDocs());
  t.is(readProjectFile('.env.sample'), renderEnvSample());
});

test('.env.sample names every setting with its default, commented out', (t) => {
  const sample = readProjectFile('.env.sample');
  for (const { key, help } of Object.values(settings)) t.true(sample.includes(`\n# ${help}\n# ${key}=`), key);
  for (const line of sample.split('\n')) t.true(line === '' || line.startsWith('# '), line);
});

test('the help of every command has an example that begins with its name', async (t) => {
  const page = await renderedDocs();
  const sections = page.split(/^#{2,3} /m).slice(1);
  t.true(sections.length > 25);
  for (const section of sections) {
    const name = section.slice(0, section.indexOf('\n'));
    const examples = section.slice(section.indexOf('\nExamples:'));
    t.true(examples.includes(name), name);
  }
});

test('the issue’s commands are all there', async (t) => {
  const page = await renderedDocs();
  const expected = [
    'serve setup migrate migrate:status migrate:rollback createsuperuser changepassword check config bot',
    'rooms/list rooms/create rooms/rename rooms/topic rooms/show rooms/delete',
    'users/list users/create users/deactivate users/activate users/promote users/demote users/show',
    'tokens/list tokens/create tokens/revoke',
  ];
  for (const name of expected.join(' ').split(' ')) {
    t.regex(page, new RegExp(`^### ?finchat ${name.replace('/', ' ')}$|^## finchat ${name}$`, 'm'), name);
  }
});

test('a command’s help on the terminal is the page’s', async (t) => {
  const desk = await openDesk(t, { database: null });
  const page = await renderedDocs();
  for (const args of [['--help'], ['rooms', '--help'], ['help', 'tokens'], ['users', 'create', '-h']]) {
    const { code, stdout, stderr } = await desk.run(args);
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    t.true(page.includes(stdout.trimEnd()), args.join(' '));
  }
});

test('without arguments it shows its help', async (t) => {
  const desk = await openDesk(t, { database: null });
  const bare = await desk.run([]);
  t.deepEqual(bare, await desk.run(['--help']));
  t.is(bare.code, 0);
});

test('--version is the package’s', async (t) => {
  const desk = await openDesk(t, { database: null });
  const { version } = JSON.parse(readProjectFile('package.json')) as { version: string };
  t.is((await desk.run(['--version'])).stdout, `${version}\n`);
});

test('help loads neither a command nor the settings, a database or the prompts', async (t) => {
  const desk = await openDesk(t, { database: null });
  const folder = await mkdtemp(join(tmpdir(), 'finchat-coverage-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await desk.run(['--help'], { env: { NODE_V8_COVERAGE: folder } });
  const [report = ''] = await readdir(folder);
  const { result } = JSON.parse(await readFile(join(folder, report), 'utf8')) as { result: { url: string }[] };
  const loaded = result.map(({ url }) => url).filter((url) => url.startsWith('file:'));
  t.true(loaded.some((url) => url.endsWith('/cli/program.js')));
  t.deepEqual(
    loaded.filter((url) => /\/cli\/commands\/|\/dist\/src\/|knex|inquirer|bcrypt|sqlite|pino/.test(url)),
    [],
  );
});

test('a mistyped command, a wrong option and a missing argument are usage errors with a hint', async (t) => {
  const desk = await openDesk(t);
  const cases: [args: string[], hint: RegExp][] = [
    [['roms'], /Did you mean rooms\?/],
    [['rooms', 'lst'], /Did you mean list\?/],
    [['migrate:statu'], /Did you mean migrate:status\?/],
    [['users', 'list', '--jsn'], /Did you mean --json\?/],
    [['rooms', 'create'], /missing required argument 'name'/],
    [['rooms', 'create', 'a', 'b'], /too many arguments/],
    [['rooms'], /Usage: finchat rooms/],
    [['tokens', 'revoke', 'seven'], /Give a whole number from 1/],
    [['tokens', 'create', 'ada', '--days', '0'], /Give a whole number from 1/],
    [['migrate', '--plan', '--check'], /--plan or --check, not both/],
    [['config', '--json', '--env-sample'], /not both/],
    [['setup', '--registration', 'sometimes'], /Allowed choices are open, closed/],
    [['createsuperuser', '--noinput'], /--username NAME/],
  ];
  for (const [args, hint] of cases) {
    const { code, stdout, stderr } = await desk.run(args);
    t.is(code, 2, args.join(' '));
    t.is(stdout, '', args.join(' '));
    t.regex(stderr, hint, args.join(' '));
  }
});
