/** `finchat changepassword`, as manage.py's. The store revokes the user's log-in tokens with the change. */
import { userInfo } from 'node:os';
import type { Define } from '../context.ts';
import { findUser, openAccounts, withStorage } from '../database.ts';
import { CommandError } from '../errors.ts';
import { addExamples, addJsonOption } from '../help.ts';
import {
  addPasswordOptions,
  askNewPassword,
  checkGivenPassword,
  type PasswordOptions,
  readPasswordLine,
} from '../new-password.ts';
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
    const changed = await withStorage(context, async (storage, config) => {
      const user = await findUser(storage, name ?? userInfo().username);
      const accounts = await openAccounts(storage, config);
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
      if (!(await accounts.setPassword(user.id, password))) {
        throw new CommandError(`User ${user.username} was deleted in the meantime. See "finchat users list".`);
      }
      return user;
    });
    if (options.json) return context.out.json(userRecord(changed));
    context.out.print(`Password of ${changed.username} changed.`);
  });
};
