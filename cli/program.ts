/**
 * The Commander program: the list of commands, help, and what ends with which exit code. A command's module is imported
 * only when it runs or its own help is asked for, so that `finchat --help` stays fast. Knows no command's workings.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { type Context, createContext, type Define, type Surroundings } from './context.ts';
import { describeError, ExitWith, exitCodes, UsageError } from './errors.ts';
import { addExamples } from './help.ts';

type Entry = { name: string; summary: string; load: () => Promise<{ define: Define }> };

export const commands: readonly Entry[] = [
  {
    name: 'serve',
    summary: 'run the server (migrates the database first)',
    load: () => import('./commands/serve.ts'),
  },
  {
    name: 'setup',
    summary: 'guided set-up: .env, database, superuser, rooms',
    load: () => import('./commands/setup.ts'),
  },
  { name: 'migrate', summary: 'bring the database up to date', load: () => import('./commands/migrate.ts') },
  {
    name: 'migrate:status',
    summary: 'list the migrations and when each was applied',
    load: () => import('./commands/migrate-status.ts'),
  },
  {
    name: 'migrate:rollback',
    summary: 'undo the migrations applied last',
    load: () => import('./commands/migrate-rollback.ts'),
  },
  {
    name: 'db',
    summary: 'copy a database: from SQLite to PostgreSQL, or back',
    load: () => import('./commands/db.ts'),
  },
  { name: 'createsuperuser', summary: 'create an administrator', load: () => import('./commands/createsuperuser.ts') },
  { name: 'changepassword', summary: 'change a user’s password', load: () => import('./commands/changepassword.ts') },
  {
    name: 'rooms',
    summary: 'list, create, rename, describe, show and delete rooms',
    load: () => import('./commands/rooms.ts'),
  },
  {
    name: 'users',
    summary: 'list, create, show, promote, kick, mute, ban and deactivate users',
    load: () => import('./commands/users.ts'),
  },
  {
    name: 'messages',
    summary: 'search, list and delete messages',
    load: () => import('./commands/messages.ts'),
  },
  {
    name: 'tokens',
    summary: 'list, create and revoke long-lived tokens for bots',
    load: () => import('./commands/tokens.ts'),
  },
  {
    name: 'audit',
    summary: 'what administrators did, on the page and on the command line',
    load: () => import('./commands/audit.ts'),
  },
  {
    name: 'check',
    summary: 'check settings, database, file rights, Redis and port',
    load: () => import('./commands/check.ts'),
  },
  { name: 'config', summary: 'show the settings in effect', load: () => import('./commands/config.ts') },
  { name: 'bot', summary: 'run the bot that answers /stock commands', load: () => import('./commands/bot.ts') },
];

/** Runs one command line; resolves its exit code. */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const context = createContext(surroundings);
  try {
    const program = await createProgram(context, wantedCommand(args));
    if (args.length === 0) {
      program.outputHelp();
      return exitCodes.done;
    }
    await program.parseAsync([...args], { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (error instanceof ExitWith) return error.code;
    context.out.note(describeError(error));
    return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
  }
}

/** The program with the modules of the named commands loaded; the others are a name and a line of help. */
export async function createProgram(context: Context, wanted: readonly string[]): Promise<Command> {
  const program = new Command('finchat')
    .description('A chat server with rooms, history and bots.')
    .version(readVersion(), '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show a command’s help')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .showHelpAfterError('Add --help to see what can be given here.');
  addExamples(program, [
    ['finchat setup', 'asks a few questions and prepares everything'],
    ['finchat serve', 'runs the server'],
    ['finchat rooms --help', 'shows what can be done with rooms'],
  ]);
  for (const { name, summary, load } of commands) {
    const command = program.command(name).description(sentence(summary)).summary(summary);
    if (wanted.includes(name)) (await load()).define(command, context);
  }
  // Names only: what they take is not known before they are loaded. After the loop, so that groups do not inherit it.
  program.configureHelp({ subcommandTerm: (command) => command.name() });
  return program;
}

/** The command that runs or whose help is shown; nothing for `finchat --help`. */
function wantedCommand(args: readonly string[]): string[] {
  const operands = args.filter((arg) => !arg.startsWith('-'));
  return operands[0] === 'help' ? operands.slice(1, 2) : operands.slice(0, 1);
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

function readVersion(): string {
  // dist/cli/program.js → package.json of the package.
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  return manifest.version;
}
