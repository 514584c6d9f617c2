/** `finchat migrate:status`. */

import { isoTimeOrNull } from '../../src/protocol/text.ts';
import type { Define } from '../context.ts';
import { withMigrator } from '../database.ts';
import { addExamples, addJsonOption } from '../help.ts';
import { formatTable, formatTime } from '../output.ts';

export const define: Define = (command, context) => {
  addJsonOption(command);
  addExamples(command, [
    ['finchat migrate:status', 'a table'],
    ['finchat migrate:status --json', 'an array for scripts'],
  ]);
  command.action(async ({ json }: { json?: true }) => {
    const status = await withMigrator(context, (migrator) => migrator.status());
    if (json)
      return context.out.json(status.map(({ name, appliedAt }) => ({ name, applied_at: isoTimeOrNull(appliedAt) })));
    context.out.print(
      formatTable(
        ['migration', 'applied'],
        status.map(({ name, appliedAt }) => [name, formatTime(appliedAt) || 'no']),
        'There are no migrations.',
      ),
    );
  });
};
