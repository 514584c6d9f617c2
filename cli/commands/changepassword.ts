/** `finchat changepassword`, as manage.py's. The store revokes the user's log-in tokens with the change. */

import { findUser } from '../../src/core/named.ts';
import type { Define } from '../context.ts';
import { withAdministration } from '../database.ts';
import { UsageError } from '../errors.ts';
import { addExamples, addJsonOption } from '../help.ts';
import {
  addPasswordOptions,
  askNewPassword,
  checkGivenPassword,
  type PasswordOptions,
  readPasswordLine,
} from '../new-password.ts';
import { operatorName } from '../operator.ts';
import { demandTerminal } from '../prompts.ts';
import { userRecord } from '../records.ts';

export const define: Define = (command, context) => {
  command
    .description('Change a user’s password. It ends the user’s log-ins; long-lived tokens stay.')
    .argument('[user]', 'the user’s name (your own by default)');
  addPasswordOptions(command);
  addJsonOption(command);
  addExamples(command, [
    ['finchat changepassword ada', 'asks twice'],
    ['finchat changepassword ada --password-stdin < secret.txt', 'asks nothing'],
  ]);
  command.action(async (name: string | undefined, options: PasswordOptions & { json?: true }) => {
    const username = name ?? operatorName();
    if (username === undefined) throw new UsageError('Give the user’s name: this system has none for you.');
    const changed = await withAdministration(context, async ({ storage, accounts, administration, by }) => {
      const user = await findUser(storage.users, username);
      let password: string;
      if (options.passwordStdin) {
        password = await readPasswordLine(context);
        checkGivenPassword(accounts, user, password, options);
      } else {
        demandTerminal(
          context,
          `Use: finchat changepassword ${user.username} --password-stdin, with the password on stdin.`,
        );
        context.out.note(`Changing the password of ${user.username}.`);
        password = await askNewPassword(context, accounts, user, options);
      }
      // Whoever asked for a weak password has already said so.
      return administration.setPassword(by, user.username, password, { skipPasswordRules: true });
    });
    if (options.json) return context.out.json(userRecord(changed));
    context.out.print(`Password of ${changed.username} changed.`);
  });
};
