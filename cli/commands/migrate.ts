/** `finchat migrate`: creates the database where there is none, and brings its schema up to the code's. */
import type { Define } from '../context.ts';
import { withMigrator } from '../database.ts';
import { ExitWith, exitCodes, UsageError } from '../errors.ts';
import { addExamples, addJsonOption } from '../help.ts';

export const define: Define = (command, context) => {
  command
    .option('--plan', 'show what would be applied, and apply nothing')
    .option('--check', 'the same, with exit 1 when there is something to apply');
  addJsonOption(command);
  addExamples(command, [
    ['finchat migrate', 'applies what is missing'],
    ['finchat migrate --plan', 'shows it only'],
    ['finchat migrate --check', 'for scripts: exit 1 when something is missing'],
  ]);
  command.action(async ({ plan, check, json }: { plan?: true; check?: true; json?: true }) => {
    if (plan && check) throw new UsageError('Give --plan or --check, not both.');
    const isDry = plan === true || check === true;
    const names = await withMigrator(context, (migrator) => (isDry ? migrator.pending() : migrator.up()));
    if (json) context.out.json(isDry ? { pending: names } : { applied: names });
    else if (names.length === 0) context.out.print('No migrations to apply.');
    else for (const name of names) context.out.print(isDry ? `To apply: ${name}` : `Applied ${name}`);
    if (check && names.length > 0) {
      context.out.note('The database is not up to date: run finchat migrate.');
      throw new ExitWith(exitCodes.failed);
    }
  });
};
