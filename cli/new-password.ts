/** Where a new password comes from: two hidden prompts, or one line of stdin. Applies the rules; stores nothing. */
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import type { Accounts } from '../src/core/accounts.ts';
import { passwordHardFaults } from '../src/core/password-rules.ts';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { askHidden, askYesNo } from './prompts.ts';

export type PasswordOwner = { username: string; email: string };

export function addPasswordOptions(command: Command): Command {
  return command
    .option('--password-stdin', 'read the password from one line of stdin')
    .option('--skip-password-rules', 'take a weak password without asking');
}

export type PasswordOptions = { passwordStdin?: true; skipPasswordRules?: true };

/** Asks twice, until a password passes or is wanted all the same. */
export async function askNewPassword(
  context: Context,
  accounts: Accounts,
  owner: PasswordOwner,
  options: PasswordOptions,
): Promise<string> {
  for (;;) {
    const password = await askHidden(context, 'Password:');
    if ((await askHidden(context, 'Password (again):')) !== password) {
      context.out.note("Your passwords didn't match. Try again.");
      continue;
    }
    const hardFaults = passwordHardFaults(password);
    if (hardFaults.length > 0) {
      context.out.note(hardFaults.join('\n'));
      continue;
    }
    const faults = options.skipPasswordRules ? [] : ruleFaults(accounts, owner, password);
    if (faults.length === 0) return password;
    context.out.note(faults.join('\n'));
    if (await askYesNo(context, 'Bypass password validation and use it anyway?', false)) return password;
  }
}

/** @throws CommandError when the rules are broken and not skipped. */
export function checkGivenPassword(
  accounts: Accounts,
  owner: PasswordOwner,
  password: string,
  options: PasswordOptions,
): void {
  const hardFaults = passwordHardFaults(password);
  if (hardFaults.length > 0) throw new CommandError(`The password cannot be used. ${hardFaults.join(' ')}`);
  const faults = options.skipPasswordRules ? [] : ruleFaults(accounts, owner, password);
  if (faults.length === 0) return;
  throw new CommandError(
    `${faults.join(' ')} Choose another password, or give --skip-password-rules to use it anyway.`,
  );
}

/** The first line of stdin. */
export async function readPasswordLine(context: Context): Promise<string> {
  if (context.stdin.isTTY) {
    throw new CommandError('--password-stdin reads from a pipe or a file: leave it out to be asked.');
  }
  const lines = createInterface({ input: context.stdin });
  for await (const line of lines) return line;
  throw new CommandError('There was no password on stdin.');
}

function ruleFaults(accounts: Accounts, owner: PasswordOwner, password: string): string[] {
  return accounts.checkFields({ ...owner, password }).password ?? [];
}
