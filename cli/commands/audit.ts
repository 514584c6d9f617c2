/** `finchat audit`: the audit log, read only. Nothing on the command line changes it. */
import { Option } from 'commander';
import { auditEntry } from '../../src/core/admin-records.ts';
import type { AuditRecord, Storage } from '../../src/core/ports.ts';
import { type AuditAct, auditActs } from '../../src/protocol/admin.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Define } from '../context.ts';
import { withStorage } from '../database.ts';
import { addExamples, addJsonOption, wholeNumber } from '../help.ts';
import { formatTable, formatTime, oneLine } from '../output.ts';

type Filter = { actor?: string; act?: AuditAct; target?: string };
type Options = Filter & { limit: number; json?: true };

// What fits on a screen or two.
const defaultLimit = 50;

export const define: Define = (command, context) => {
  command
    .description('Show what administrators did, on the page and on the command line, newest first.')
    .option('--actor <name>', 'only what this superuser, or user of the operating system, did')
    .addOption(new Option('--act <act>', 'only acts of this kind').choices(auditActs))
    .option('--target <name>', 'only what was done to the user or in the room of this name')
    .option('--limit <number>', 'how many at most', wholeNumber, defaultLimit);
  addJsonOption(command);
  addExamples(command, [
    ['finchat audit', `the newest ${defaultLimit}`],
    ['finchat audit --target mallory', 'all that was done about mallory'],
    ['finchat audit --act message-deleted --limit 1000 --json', 'an array for scripts'],
  ]);
  command.action(async ({ json, limit, ...filter }: Options) => {
    const { found, isCut } = await withStorage(context, (storage) => listAll(storage, filter, limit));
    if (json) return context.out.json(found.map(auditEntry));
    context.out.print(
      formatTable(
        ['time', 'actor', 'via', 'act', 'target', 'details'],
        found.map((entry) => [
          formatTime(entry.createdAt),
          entry.actor,
          entry.via,
          entry.act,
          entry.target,
          oneLine(details(entry)),
        ]),
        Object.keys(filter).length === 0 ? 'Nothing yet.' : 'No such acts.',
      ),
    );
    if (isCut) context.out.note(`There are more: these are the newest ${limit}. See --limit.`);
  });
};

async function listAll(
  storage: Storage,
  filter: Filter,
  limit: number,
): Promise<{ found: AuditRecord[]; isCut: boolean }> {
  const found: AuditRecord[] = [];
  for (;;) {
    const before = found.at(-1)?.id;
    // One more than is shown says whether there are others.
    const wanted = Math.min(limit + 1 - found.length, limits.pageRows);
    const page = await storage.audit.list({ ...filter, ...(before === undefined ? {} : { before }), limit: wanted });
    found.push(...page);
    if (page.length < wanted || found.length > limit) break;
  }
  return { found: found.slice(0, limit), isCut: found.length > limit };
}

/** `until=2026-11-22T20:15:00.000Z reason=rude`; texts with blanks or nothing in them are quoted, what is null is left out. */
function details({ details }: AuditRecord): string {
  return Object.entries(details)
    .filter(([, value]) => value !== null)
    .map(
      ([name, value]) => `${name}=${typeof value === 'string' && !/^\S+$/.test(value) ? JSON.stringify(value) : value}`,
    )
    .join(' ');
}
