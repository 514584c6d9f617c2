/**
 * `finchat setup`: settings into `.env`, then the schema, a superuser and rooms. Each step looks first at what is there
 * and adds only what is missing, so that running it again harms nothing.
 */
import { type Command, Option } from 'commander';
import { StoreError } from '../../src/core/ports.ts';
import { roomNameFault } from '../../src/protocol/names.ts';
import type { Context, Define } from '../context.ts';
import { type Administering, withAdministration, withMigrator } from '../database.ts';
import { CommandError } from '../errors.ts';
import { addExamples, addJsonOption } from '../help.ts';
import { count } from '../output.ts';
import { askText, askYesNo, demandTerminal } from '../prompts.ts';
import { type SettingFlags, writeSettings } from '../settings-file.ts';
import { createSuperuser } from './createsuperuser.ts';

type Options = SettingFlags & {
  superuser?: string | false;
  email?: string;
  skipPasswordRules?: true;
  rooms?: string | false;
  noinput?: true;
  yes?: true;
  json?: true;
};

// As the server's own sample rooms.
const sampleRooms = 'friends,family,investments';

export const define: Define = (command, context) => {
  addOptions(command);
  addExamples(command, [
    ['finchat setup', 'asks'],
    ['finchat setup --noinput', 'asks nothing: defaults, and what .env and the environment say'],
    ['finchat setup --noinput --port 8080 --rooms friends,family', 'every question has a flag'],
  ]);
  command.action(async (options: Options) => {
    if (!options.noinput)
      demandTerminal(context, 'Give --noinput, and flags for what you want otherwise than by default.');
    const say = (line: string): void => (options.json ? context.out.note(line) : context.out.print(line));
    const settings = await writeSettings(context, options, say);
    const applied = await withMigrator(context, (migrator) => migrator.up());
    say(
      applied.length === 0
        ? 'The database is up to date.'
        : `The database is ready (${count(applied.length, 'migration')} applied).`,
    );
    const { superuser, rooms } = await withAdministration(context, async (tools) => ({
      superuser: await offerSuperuser(context, tools, options, say),
      rooms: await offerRooms(context, tools, options, say),
    }));
    if (options.json) {
      return context.out.json({
        env_file: settings.path,
        settings_written: settings.written,
        migrations_applied: applied,
        superuser_created: superuser,
        rooms_created: rooms,
      });
    }
    const { host, port } = await context.config();
    const url = `http://${shownHost(host)}:${port}`;
    say(
      `\nReady. Start the server with "npm start" or "finchat serve". The chat is at ${url}, administration at ${url}/admin.`,
    );
  });
};

function addOptions(command: Command): void {
  command
    .description('Prepare everything, with a few questions: .env, database, superuser, rooms. May be run again.')
    .option('--database-url <url>', 'postgres://user:password@host:port/name, or sqlite:// and a path')
    .option('--host <address>', 'address to listen on')
    .option('--port <number>', 'port to listen on')
    .addOption(
      new Option('--registration <who>', 'open: anybody may register; closed: nobody').choices(['open', 'closed']),
    )
    .option('--superuser <name>', 'make this superuser, if there is no such user')
    .option('--no-superuser', 'make no superuser')
    .option('--email <address>', 'the superuser’s e-mail address')
    .option('--skip-password-rules', 'take a weak password without asking')
    .option('--rooms <names>', 'make these rooms, with commas between, where they are missing')
    .option('--no-rooms', 'make no rooms')
    .option('-y, --yes', 'replace what .env says without asking')
    .option('--noinput', 'ask nothing; a superuser’s password comes from FINCHAT_SUPERUSER_PASSWORD');
  addJsonOption(command);
}

type Say = (line: string) => void;

/** The new superuser's name, or null. */
async function offerSuperuser(
  context: Context,
  tools: Administering,
  options: Options,
  say: Say,
): Promise<string | null> {
  if (options.superuser === false) return null;
  if (options.superuser === undefined) {
    if (options.noinput) return null;
    const present = (await tools.storage.users.list()).find((user) => user.isSuperuser && user.isActive);
    if (present !== undefined) {
      say(`Superuser: ${present.username} is there already.`);
      return null;
    }
    if (!(await askYesNo(context, 'Create a superuser now?', true))) return null;
  }
  const { user, isNew } = await createSuperuser(context, tools, {
    input: options.noinput !== true,
    ifNotExists: true,
    ...(typeof options.superuser === 'string' ? { username: options.superuser } : {}),
    ...(options.email === undefined ? {} : { email: options.email }),
    ...(options.skipPasswordRules ? { skipPasswordRules: true as const } : {}),
  });
  say(isNew ? `Superuser ${user.username} created.` : `User ${user.username} is there already.`);
  return isNew ? user.username : null;
}

/** The names of the rooms it made. */
async function offerRooms(
  context: Context,
  { storage, administration, by }: Administering,
  options: Options,
  say: Say,
): Promise<string[]> {
  if (options.rooms === false) return [];
  let names = options.rooms;
  if (names === undefined) {
    if (options.noinput) return [];
    const present = await storage.rooms.list();
    if (present.length > 0) {
      say(`Rooms: ${present.map(({ name }) => name).join(', ')}.`);
      return [];
    }
    names = await askText(context, 'Rooms to create, with commas between:', {
      default: sampleRooms,
      validate: (answer) =>
        splitNames(answer)
          .map(roomNameFault)
          .find((fault) => fault !== undefined) ?? true,
    });
  }
  const made: string[] = [];
  for (const name of checkedNames(names)) {
    try {
      made.push((await administration.createRoom(by, { name, topic: '' })).name);
    } catch (error) {
      // There already, perhaps by a second setup at the same time.
      if (!(error instanceof Error && error.cause instanceof StoreError && error.cause.kind === 'conflict'))
        throw error;
    }
  }
  say(made.length === 0 ? 'No rooms to create.' : `Rooms created: ${made.join(', ')}.`);
  return made;
}

function splitNames(names: string): string[] {
  return names
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function checkedNames(names: string): string[] {
  const wanted = splitNames(names);
  for (const name of wanted) {
    const fault = roomNameFault(name);
    if (fault !== undefined) throw new CommandError(`${name}: ${fault} Choose another name.`);
  }
  return wanted;
}

function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '127.0.0.1') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
