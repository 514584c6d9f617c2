/**
 * The first step of `setup`: which settings go into `.env`. What `.env` says already is replaced only after a yes; what
 * the environment says wins over `.env` anyway and is left alone. Writes nothing when nothing differs.
 */
import { join } from 'node:path';
import { parse } from 'dotenv';
import { type Config, type Env, loadConfig, settings, showSetting } from '../src/config.ts';
import { readEnvironment } from '../src/environment.ts';
import { hostAddress, integer, type Parse } from '../src/settings-forms.ts';
import type { Context } from './context.ts';
import { closeEnvFile, readEnvFile, setEnvValue, writeEnvFile } from './env-file.ts';
import { renderEnvSample } from './env-sample.ts';
import { CommandError } from './errors.ts';
import { askChoice, askHidden, askText, askYesNo } from './prompts.ts';

export type SettingFlags = {
  databaseUrl?: string;
  host?: string;
  port?: string;
  registration?: string;
  noinput?: true;
  yes?: true;
};

type Asked = 'databaseUrl' | 'host' | 'port' | 'registration';

const questions: readonly { name: Asked; flag: string; ask: (context: Context, current: string) => Promise<string> }[] =
  [
    { name: 'databaseUrl', flag: '--database-url', ask: askDatabase },
    {
      name: 'host',
      flag: '--host',
      ask: (context, current) =>
        askText(context, 'Address to listen on (127.0.0.1: this machine only; 0.0.0.0: all):', { default: current }),
    },
    {
      name: 'port',
      flag: '--port',
      ask: (context, current) => askText(context, 'Port:', { default: current, validate: validator('port') }),
    },
    {
      name: 'registration',
      flag: '--registration',
      ask: (context, current) =>
        askChoice(
          context,
          'Who may register?',
          [
            { value: 'open', name: 'anybody' },
            { value: 'closed', name: 'nobody: accounts come from the command line' },
          ],
          current === 'closed' ? 'closed' : 'open',
        ),
    },
  ];

/** Asks, checks all answers together, writes. `written`: the variables that were set. */
export async function writeSettings(
  context: Context,
  flags: SettingFlags,
  say: (line: string) => void,
): Promise<{ path: string; written: string[] }> {
  const path = join(context.folder, '.env');
  const text = await readEnvFile(path);
  const inFile: Env = text === undefined ? {} : parse(text);
  const env = readEnvironment(context.env, context.folder);
  // Faults in what is there come first: nothing is asked on wrong grounds.
  const config = loadConfig(env);
  const answers = new Map<string, string>();
  for (const { name, flag, ask } of questions) {
    const { key } = settings[name];
    const current = String(config[name]);
    const given = flags[name];
    // Empty, it wins over .env as well.
    if (context.env[key] !== undefined) {
      refuseEnvironment(key, context.env[key] ?? '', given);
      if (!flags.noinput) say(`${key}: ${show(config, name)} (from the environment).`);
    } else if (given === undefined && name === 'databaseUrl' && isDerived(config, env)) {
      if (!flags.noinput) say(`${key}: ${show(config, name)} (from POSTGRES_*).`);
    } else if (given !== undefined) {
      if (given === current) continue;
      if (isSet(inFile, key)) await confirmReplacement(context, flags, key, flag);
      answers.set(key, given);
    } else if (!flags.noinput) {
      const answer = isSet(inFile, key)
        ? await askAgain(context, key, show(config, name), () => ask(context, current))
        : await ask(context, current);
      if (answer !== undefined && answer !== current) answers.set(key, answer);
    }
  }
  loadConfig({ ...env, ...Object.fromEntries(answers) });
  await save(path, text, answers, say);
  return { path, written: [...answers.keys()] };
}

async function save(
  path: string,
  text: string | undefined,
  answers: ReadonlyMap<string, string>,
  say: (line: string) => void,
): Promise<void> {
  let changed = text ?? renderEnvSample();
  for (const [key, value] of answers) changed = setEnvValue(changed, key, value);
  if (changed !== text) {
    try {
      await writeEnvFile(path, changed);
      say(answers.size === 0 ? `${path} written.` : `${path} written: ${[...answers.keys()].join(', ')}.`);
    } catch (error) {
      // A container's folder may be read-only. Without answers the file would hold comments only.
      if (answers.size > 0) throw error;
      say('No .env written (the folder is not writable): the settings come from the environment.');
    }
  } else if (await closeEnvFile(path)) say(`${path} can be read by its owner only now.`);
}

/** Undefined: keep it. */
async function askAgain(
  context: Context,
  key: string,
  shown: string,
  ask: () => Promise<string>,
): Promise<string | undefined> {
  return (await askYesNo(context, `${key} is ${shown} in .env. Keep it?`, true)) ? undefined : ask();
}

async function confirmReplacement(context: Context, flags: SettingFlags, key: string, flag: string): Promise<void> {
  if (flags.yes) return;
  const isWanted = !flags.noinput && (await askYesNo(context, `${key} has another value in .env. Replace it?`, false));
  if (!isWanted) {
    throw new CommandError(
      `${key} has another value in .env. Leave ${flag} out to keep it, or give --yes to replace it.`,
    );
  }
}

function refuseEnvironment(key: string, current: string, given: string | undefined): void {
  if (given === undefined || given === current) return;
  throw new CommandError(`${key} is set in the environment, which wins over .env. Change it there, or unset it.`);
}

async function askDatabase(context: Context, current: string): Promise<string> {
  const isSqlite = current.startsWith('sqlite://');
  const kind = await askChoice(
    context,
    'Database:',
    [
      { value: 'sqlite', name: 'SQLite: one file, nothing to install' },
      { value: 'postgres', name: 'PostgreSQL' },
    ],
    isSqlite ? 'sqlite' : 'postgres',
  );
  if (kind === 'sqlite') {
    const preset = (isSqlite ? current : settings.databaseUrl.default).slice('sqlite://'.length);
    return `sqlite://${await askText(context, 'File:', { default: preset })}`;
  }
  const host = await askText(context, 'PostgreSQL host:', { default: 'localhost', validate: passing(hostAddress) });
  const port = await askText(context, 'PostgreSQL port:', { default: '5432', validate: passing(integer(1, 65535)) });
  const name = await askText(context, 'Database name:', { default: 'finchat' });
  const user = await askText(context, 'User:', { default: 'finchat' });
  const password = await askHidden(context, 'Password:');
  const login =
    password === '' ? encodeURIComponent(user) : `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return `postgres://${login}@${host.includes(':') ? `[${host}]` : host}:${port}/${encodeURIComponent(name)}`;
}

function validator(name: Asked): Validate {
  return passing(settings[name].parse, settings[name].key);
}

type Validate = (value: string) => true | string;

/** What the form says of an answer, after the name of what is asked for. */
function passing(parse: Parse<unknown>, what = 'It'): Validate {
  return (value) => {
    try {
      parse(value.trim());
      return true;
    } catch (error) {
      return `${what} ${error instanceof Error ? error.message : String(error)}`;
    }
  };
}

function show(config: Config, name: Asked): string {
  return showSetting(settings[name], config[name]);
}

/** Made from POSTGRES_*. */
function isDerived(config: Config, env: Env): boolean {
  return !isSet(env, settings.databaseUrl.key) && config.databaseUrl !== settings.databaseUrl.default;
}

function isSet(env: Env, key: string): boolean {
  return (env[key] ?? '') !== '';
}
