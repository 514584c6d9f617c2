/** `finchat createsuperuser`, as manage.py's: prompts on a terminal, `--noinput` for scripts. */
import type { Accounts } from '../../src/core/accounts.ts';
import { userNamed } from '../../src/core/named.ts';
import type { Storage, User } from '../../src/core/ports.ts';
import type { Context, Define } from '../context.ts';
import { type Administering, withAdministration } from '../database.ts';
import { CommandError, UsageError } from '../errors.ts';
import { addExamples, addJsonOption } from '../help.ts';
import { askNewPassword, checkGivenPassword } from '../new-password.ts';
import { operatorName } from '../operator.ts';
import { askText, demandTerminal } from '../prompts.ts';
import { userRecord } from '../records.ts';

export type SuperuserOptions = {
  username?: string;
  email?: string;
  /** False with `--noinput`. */
  input: boolean;
  ifNotExists?: true;
  skipPasswordRules?: true;
};

export const define: Define = (command, context) => {
  command
    .option('--username <name>', 'its name (asked for; your own by default)')
    .option('--email <address>', 'its e-mail address (asked for; may be empty)')
    .option('--noinput', 'ask nothing; the password comes from FINCHAT_SUPERUSER_PASSWORD')
    .option('--no-input', 'the same')
    .option('--if-not-exists', 'do nothing when there is a user of this name')
    .option('--skip-password-rules', 'take a weak password without asking');
  addJsonOption(command);
  addExamples(command, [
    ['finchat createsuperuser', 'asks for name, address and password'],
    [
      'FINCHAT_SUPERUSER_PASSWORD=… finchat createsuperuser --noinput --username ada --email ada@example.org',
      'asks nothing',
    ],
  ]);
  command.action(async (options: SuperuserOptions & { noinput?: true; json?: true }) => {
    const isSilent = options.noinput === true || !options.input;
    const made = await withAdministration(context, (tools) =>
      createSuperuser(context, tools, { ...options, input: !isSilent }),
    );
    if (!made.user.isSuperuser) {
      const { username } = made.user;
      context.out.note(`User ${username} is no superuser. To make it one: finchat users promote ${username}`);
    }
    if (options.json) return context.out.json(userRecord(made.user));
    context.out.print(made.isNew ? 'Superuser created successfully.' : `User ${made.user.username} exists already.`);
  });
};

/** Also used by `setup`. With `input: false` the password is that of FINCHAT_SUPERUSER_PASSWORD. */
export async function createSuperuser(
  context: Context,
  { storage, config, accounts, administration, by }: Administering,
  options: SuperuserOptions,
): Promise<{ user: User; isNew: boolean }> {
  if (!options.input && options.username === undefined) {
    throw new UsageError(
      'With --noinput, give the name: --username NAME, and the password in FINCHAT_SUPERUSER_PASSWORD.',
    );
  }
  if (options.username !== undefined) {
    const present = await userNamed(storage.users, options.username);
    if (present !== undefined) return keepPresent(present, options);
  }
  const account = options.input
    ? await askAccount(context, storage, accounts, options)
    : takeAccount(accounts, options, config.superuserPassword);
  // Whoever asked for a weak password has already said so.
  const user = await administration.createUser(by, { ...account, isSuperuser: true, skipPasswordRules: true });
  return { user, isNew: true };
}

function keepPresent(present: User, options: SuperuserOptions): { user: User; isNew: boolean } {
  if (options.ifNotExists !== true) {
    throw new CommandError(
      `There is a user ${present.username} already. Choose another name, or make it a superuser with "finchat users promote ${present.username}".`,
    );
  }
  return { user: present, isNew: false };
}

type Account = { username: string; email: string; password: string };

function takeAccount(
  accounts: Accounts,
  { username = '', email = '', ...options }: SuperuserOptions,
  password: string | undefined,
): Account {
  if (password === undefined) {
    throw new CommandError('With --noinput, the password comes from the variable FINCHAT_SUPERUSER_PASSWORD: set it.');
  }
  checkGivenPassword(accounts, { username, email }, password, options);
  return { username, email, password };
}

async function askAccount(
  context: Context,
  storage: Storage,
  accounts: Accounts,
  options: SuperuserOptions,
): Promise<Account> {
  demandTerminal(
    context,
    'Use: finchat createsuperuser --noinput --username NAME --email ADDRESS, with FINCHAT_SUPERUSER_PASSWORD set.',
  );
  const nameFault = async (value: string): Promise<true | string> => {
    const username = value.trim().normalize('NFKC');
    const fault = accounts.checkFields({ username }).username?.[0];
    if (fault !== undefined) return fault;
    return (await userNamed(storage.users, username)) === undefined || 'That username is already taken.';
  };
  const mailFault = (value: string): true | string => accounts.checkFields({ email: value.trim() }).email?.[0] ?? true;
  const preset = operatorName();
  const username =
    options.username ??
    (await askText(context, 'Username:', {
      ...(preset === undefined ? {} : { default: preset }),
      validate: nameFault,
    }));
  const email = options.email ?? (await askText(context, 'Email address:', { validate: mailFault }));
  // What came by flag has not been looked at: say so before anybody types a password.
  const faults = accounts.checkFields({ username, email });
  for (const [field, sentences] of Object.entries(faults)) {
    throw new CommandError(`The ${field} cannot be taken: ${sentences.join(' ')}`);
  }
  const password = await askNewPassword(context, accounts, { username, email }, options);
  return { username, email, password };
}
