/** `finchat users …`: what is changed here reaches a running server through the `changes` table. */
import type { Command } from 'commander';
import { findUser, userNamed } from '../../src/core/named.ts';
import { banNow, mutedNow } from '../../src/core/permissions.ts';
import type { Storage, User } from '../../src/core/ports.ts';
import type { Context, Define } from '../context.ts';
import { type Administering, withAdministration, withStorage } from '../database.ts';
import { CommandError } from '../errors.ts';
import { addExamples, addJsonOption } from '../help.ts';
import {
  addPasswordOptions,
  askNewPassword,
  checkGivenPassword,
  type PasswordOptions,
  readPasswordLine,
} from '../new-password.ts';
import { formatFields, formatTable, formatTime } from '../output.ts';
import { demandTerminal } from '../prompts.ts';
import { userRecord } from '../records.ts';
import { defineModeration, howLong } from './users-moderation.ts';

type Json = { json?: true };

// Rows a query: a large list never holds a read transaction for long.
const pageSize = 1000;

export const define: Define = (users, context) => {
  addExamples(users, [
    ['finchat users create botuser', 'asks for a password'],
    ['finchat users mute mallory --minutes 10', 'nothing that mallory says is taken for ten minutes'],
    ['finchat users ban mallory --minutes 1440', 'throws mallory out at once, for a day'],
  ]);
  defineList(users, context);
  defineCreate(users, context);
  for (const switching of switches) defineSwitch(users, context, switching);
  defineModeration(users, context);
  defineShow(users, context);
};

function defineList(users: Command, context: Context): void {
  const command = users
    .command('list')
    .description('List the users, by name.')
    .option('--search <text>', 'only names and addresses that contain it');
  addJsonOption(command);
  addExamples(command, [
    ['finchat users list', 'a table'],
    ['finchat users list --search example.org --json', 'an array for scripts'],
  ]);
  command.action(async ({ json, search }: Json & { search?: string }) => {
    const found = await withStorage(context, (storage) => listUsers(storage, search));
    const now = Date.now();
    if (json) return context.out.json(found.map(userRecord));
    context.out.print(
      formatTable(
        ['username', 'email', 'role', 'state', 'last login'],
        found.map((user) => [
          user.username,
          user.email,
          role(user),
          state(user, now),
          formatTime(user.lastLoginAt) || 'never',
        ]),
        search === undefined
          ? 'No users yet. Make one with "finchat users create NAME" or "finchat createsuperuser".'
          : 'No such users.',
      ),
    );
  });
}

async function listUsers(storage: Storage, search: string | undefined): Promise<User[]> {
  const found: User[] = [];
  for (;;) {
    const after = found.at(-1)?.username;
    const page = await storage.users.list({
      limit: pageSize,
      ...(search === undefined ? {} : { search }),
      ...(after === undefined ? {} : { after }),
    });
    found.push(...page);
    if (page.length < pageSize) return found;
  }
}

function defineCreate(users: Command, context: Context): void {
  const command = users
    .command('create')
    .description('Make an ordinary account: for a person when registration is closed, or for a bot.')
    .argument('<username>', 'the name: letters, digits and @ . + - _')
    .option('--email <address>', 'the e-mail address', '');
  addPasswordOptions(command);
  addJsonOption(command);
  addExamples(command, [
    ['finchat users create ada --email ada@example.org', 'asks for the password twice'],
    ['finchat users create botuser --password-stdin < secret.txt', 'asks nothing'],
  ]);
  command.action(async (username: string, options: Json & PasswordOptions & { email: string }) => {
    const user = await withAdministration(context, async ({ storage, accounts, administration, by }) => {
      const owner = { username, email: options.email };
      await refuseFaults(storage, accounts.checkFields(owner), username);
      let password: string;
      if (options.passwordStdin) {
        password = await readPasswordLine(context);
        checkGivenPassword(accounts, owner, password, options);
      } else {
        demandTerminal(context, `Use: finchat users create ${username} --password-stdin, with the password on stdin.`);
        password = await askNewPassword(context, accounts, owner, options);
      }
      // Whoever asked for a weak password has already said so.
      return administration.createUser(by, { ...owner, password, isSuperuser: false, skipPasswordRules: true });
    });
    if (options.json) return context.out.json(userRecord(user));
    context.out.print(`User ${user.username} created.`);
  });
}

/** Before anybody types a password. */
async function refuseFaults(storage: Storage, faults: Record<string, string[]>, username: string): Promise<void> {
  for (const [field, sentences] of Object.entries(faults)) {
    throw new CommandError(`The ${field} cannot be taken: ${sentences.join(' ')}`);
  }
  if ((await userNamed(storage.users, username)) !== undefined) {
    throw new CommandError(`There is a user ${username} already (case does not count). Choose another name.`);
  }
}

type Switch = {
  name: string;
  description: string;
  /** What the example's comment says. */
  example: string;
  isSo: (user: User) => boolean;
  act: (tools: Administering, username: string) => Promise<User>;
  done: (username: string) => string;
  already: (username: string) => string;
};

const switches: readonly Switch[] = [
  {
    name: 'deactivate',
    description: 'Throw a user out and refuse every log-in and token until activated again. Messages stay.',
    example: 'out within a second',
    isSo: (user) => !user.isActive,
    act: ({ administration, by }, username) => administration.setActive(by, username, false),
    done: (username) => `User ${username} deactivated.`,
    already: (username) => `User ${username} is not active anyway.`,
  },
  {
    name: 'activate',
    description: 'Let a deactivated user in again.',
    example: 'may log in again',
    isSo: (user) => user.isActive,
    act: ({ administration, by }, username) => administration.setActive(by, username, true),
    done: (username) => `User ${username} activated.`,
    already: (username) => `User ${username} is active already.`,
  },
  {
    name: 'promote',
    description: 'Make a user a superuser.',
    example: 'an administrator from now on',
    isSo: (user) => user.isSuperuser,
    act: ({ administration, by }, username) => administration.setSuperuser(by, username, true),
    done: (username) => `User ${username} is a superuser now.`,
    already: (username) => `User ${username} is a superuser already.`,
  },
  {
    name: 'demote',
    description: 'Make a superuser an ordinary user.',
    example: 'an ordinary user from now on',
    isSo: (user) => !user.isSuperuser,
    act: ({ administration, by }, username) => administration.setSuperuser(by, username, false),
    done: (username) => `User ${username} is an ordinary user now.`,
    already: (username) => `User ${username} is an ordinary user anyway.`,
  },
];

function defineSwitch(users: Command, context: Context, { name, description, example, ...switching }: Switch): void {
  const command = addJsonOption(users.command(name).description(description).argument('<username>', 'the user’s name'));
  addExamples(command, [[`finchat users ${name} ada`, example]]);
  command.action(async (username: string, { json }: Json) => {
    const { before, after } = await withAdministration(context, async (tools) => ({
      before: await findUser(tools.storage.users, username),
      after: await switching.act(tools, username),
    }));
    if (json) return context.out.json(userRecord(after));
    const say = switching.isSo(before) ? switching.already : switching.done;
    context.out.print(say(after.username));
  });
}

function defineShow(users: Command, context: Context): void {
  const command = addJsonOption(
    users.command('show').description('Show a user’s details.').argument('<username>', 'the user’s name'),
  );
  addExamples(command, [['finchat users show ada', 'name, address, role, state and times']]);
  command.action(async (username: string, { json }: Json) => {
    const user = await withStorage(context, (storage) => findUser(storage.users, username));
    const now = Date.now();
    const ban = banNow(user, now);
    if (json) return context.out.json(userRecord(user));
    context.out.print(
      formatFields([
        ['id', user.id],
        ['username', user.username],
        ['email', user.email],
        ['role', role(user)],
        ['state', state(user, now)],
        ...(ban === null || ban.reason === '' ? [] : [['ban reason', ban.reason] as const]),
        ['created', formatTime(user.createdAt)],
        ['last login', formatTime(user.lastLoginAt) || 'never'],
      ]),
    );
  });
}

function role(user: User): string {
  return user.isSuperuser ? 'superuser' : 'user';
}

/** What keeps the user from logging in and from speaking, at this moment. */
function state(user: User, now: number): string {
  const ban = banNow(user, now);
  const mutedUntil = mutedNow(user, now);
  const faults = [
    ...(user.isActive ? [] : ['deactivated']),
    ...(ban === null ? [] : [`banned ${howLong(ban.until)}`]),
    ...(mutedUntil === null ? [] : [`muted ${howLong(mutedUntil)}`]),
  ];
  return faults.length === 0 ? 'active' : faults.join(', ');
}
