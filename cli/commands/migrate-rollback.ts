/** `finchat migrate:rollback`: for developers and for going back to an older release. */
import type { Define } from '../context.ts';
import { withMigrator } from '../database.ts';
import { addExamples, addJsonOption, addYesOption } from '../help.ts';
import { confirmDestruction } from '../prompts.ts';

export const define: Define = (command, context) => {
  command.description('Undo the migrations that were applied last. What their tables and columns held is lost.');
  addYesOption(command);
  addJsonOption(command);
  addExamples(command, [
    ['finchat migrate:rollback', 'asks first'],
    ['finchat migrate:rollback --yes', 'does not ask'],
  ]);
  command.action(async ({ yes, json }: { yes?: true; json?: true }) => {
    const names = await withMigrator(context, async (migrator) => {
      await confirmDestruction(context, yes, 'Undo the migrations applied last? What their tables held is lost.');
      return migrator.rollback();
    });
    if (json) return context.out.json({ rolled_back: names });
    if (names.length === 0) context.out.print('Nothing to undo.');
    for (const name of names) context.out.print(`Undone ${name}`);
  });
};
