/** `finchat db copy`: moves a database, and shows that nothing was lost. */
import { InvalidArgumentError } from 'commander';
import { databaseUrl } from '../../src/settings-forms.ts';
import type { CopyReport, CopyStep } from '../../src/storage/copy/copy-database.ts';
import type { Context, Define } from '../context.ts';
import { ExitWith, exitCodes } from '../errors.ts';
import { addExamples, addJsonOption } from '../help.ts';
import { count, formatTable, type Output } from '../output.ts';
import { untilInterrupted } from '../signals.ts';

type Options = { from: string; to: string; startOver?: true; json?: true };

/** A terminal is written to at most this often. */
const progressEveryMs = 100;

export const define: Define = (db, context) => {
  const command = db
    .command('copy')
    .summary('copy a database into an empty one')
    .description(
      `Copy a database into an empty one, of the same or the other kind: users, tokens, rooms, messages, bans and mutes, and the audit log.

Stop the server first: while it is copied, nobody writes to the source. A copy that is broken off goes on where it was when the same command is run again; until it is finished, no server starts on the target. In the end both databases are read and compared, and the checksums of each table and of each room's messages are shown. The rooms get new epochs, so clients read them anew.`,
    )
    .requiredOption('--from <url>', 'the source: sqlite:// and a path, or postgres://user@host:port/name', readUrl)
    .requiredOption('--to <url>', 'the target, which must be empty; SQLite’s file is made', readUrl)
    .option('--start-over', 'empty a target that is an unfinished copy, and begin anew');
  addJsonOption(command);
  const examples = [
    ['finchat db copy --from sqlite://data/finchat.sqlite --to postgres://finchat@localhost/finchat', 'to PostgreSQL'],
    [
      'finchat db copy --from postgres://finchat@db/finchat --to sqlite://copy.sqlite --json',
      'back, with the proof as JSON',
    ],
  ] as const;
  addExamples(command, examples);
  command.addHelpText('after', '\nPasswords that are in no URL are read from PGPASSWORD or ~/.pgpass.');
  addExamples(db, [examples[0]]);
  command.action(({ from, to, startOver, json }: Options) => copy(context, { from, to, startOver, json }));
};

function readUrl(value: string): string {
  try {
    return databaseUrl(value);
  } catch (error) {
    throw new InvalidArgumentError(`It ${(error as Error).message}`);
  }
}

type Wanted = { from: string; to: string; startOver: true | undefined; json: true | undefined };

async function copy({ out }: Context, { from, to, startOver, json }: Wanted): Promise<void> {
  const [{ copyDatabase }, { randomText }] = await Promise.all([
    import('../../src/storage/copy/copy-database.ts'),
    import('../../src/core/clock.ts'),
  ]);
  const show = createProgress(out, json === true);
  const report = await untilInterrupted((signal) =>
    copyDatabase({ from, to, startOver: startOver === true, random: randomText, signal, onStep: show }),
  ).finally(() => out.progress(''));
  if (json) out.json(asJson(report));
  else printReport(out, report);
  if (report.isEqual) return;
  out.note(`The copy differs from its source: ${differences(report)}. No server starts on it. ${whatNext}`);
  throw new ExitWith(exitCodes.failed);
}

const whatNext = 'Find out who wrote to it, then run the command again with --start-over, which copies all of it anew.';

function createProgress(out: Output, isQuiet: boolean): (step: CopyStep) => void {
  const words = { copying: 'Copied', indexing: 'Indexed for the search', comparing: 'Compared' };
  let shownAt = 0;
  return (step) => {
    if (step.kind === 'begun') {
      if (isQuiet) return;
      if (step.isResumed) out.note(`Going on: ${step.done} of ${count(step.all, 'message')} are there.`);
      if (step.removedRooms.length > 0) {
        out.note(`Removed the empty rooms of a server that was never used: ${step.removedRooms.join(', ')}.`);
      }
      return;
    }
    const now = performance.now();
    if (now - shownAt < progressEveryMs) return;
    shownAt = now;
    const share = step.all === 0 ? 100 : Math.floor((step.done / step.all) * 100);
    out.progress(`${words[step.kind]}: ${step.done} of ${step.all} messages (${share} %)`);
  };
}

/** So many hex digits of a checksum tell rooms apart on a screen; `--json` has them all. */
const shownDigits = 16;

function printReport(out: Output, report: CopyReport): void {
  const verdict = (isEqual: boolean): string => (isEqual ? 'yes' : 'NO');
  const short = (text: string): string => text.slice(0, shownDigits);
  out.print(
    formatTable(
      ['table', 'source', 'target', 'source’s checksum', 'target’s checksum', 'equal'],
      report.tables.map(({ name, source, target, isEqual }) => [
        name,
        source.rows,
        target.rows,
        short(source.checksum),
        short(target.checksum),
        verdict(isEqual),
      ]),
      '',
    ),
  );
  out.print('');
  out.print(
    formatTable(
      ['room', 'source', 'target', 'source’s checksum', 'target’s checksum', 'equal'],
      report.rooms.map(({ id, name, source, target, isEqual }) => [
        name ?? `(deleted, ${id})`,
        source.rows,
        target.rows,
        short(source.checksum),
        short(target.checksum),
        verdict(isEqual),
      ]),
      'No rooms.',
    ),
  );
  if (!report.isEqual) return;
  const { copying, indexing, comparing } = report.seconds;
  const times = [
    `copied in ${copying.toFixed(1)} s`,
    `indexed in ${indexing.toFixed(1)} s`,
    `compared in ${comparing.toFixed(1)} s`,
  ];
  out.print(`\nThe copy equals its source: ${count(report.storedMessages, 'message')} ${times.join(', ')}.`);
  out.print(`Set DATABASE_URL to ${report.to} and start the server. Keep the source until you have seen it run.`);
}

function asJson(report: CopyReport): unknown {
  return {
    from: report.from,
    to: report.to,
    equal: report.isEqual,
    resumed: report.isResumed,
    stored_messages: report.storedMessages,
    seconds: report.seconds,
    tables: report.tables.map(({ isEqual, ...table }) => ({ ...table, equal: isEqual })),
    rooms: report.rooms.map(({ isEqual, hasNewEpoch, ...room }) => ({
      ...room,
      equal: isEqual,
      new_epoch: hasNewEpoch,
    })),
    last_ids: report.given.map(({ isEqual, ...last }) => ({ ...last, equal: isEqual })),
    unindexed_messages: report.unindexed,
  };
}

/** How many differences are named: the tables show all. */
const namedAtMost = 5;

function differences({ tables, rooms, given, unindexed }: CopyReport): string {
  const found = [
    ...tables.filter(({ isEqual }) => !isEqual).map(({ name }) => `table ${name}`),
    ...rooms.filter(({ isEqual }) => !isEqual).map(({ id, name }) => `room ${name ?? id}`),
    ...rooms.filter(({ hasNewEpoch }) => !hasNewEpoch).map(({ id, name }) => `the epoch of room ${name ?? id}`),
    ...given.filter(({ isEqual }) => !isEqual).map(({ name }) => `the last id of ${name}`),
    ...(unindexed > 0 ? [`${count(unindexed, 'message')} unknown to the search`] : []),
  ];
  const more = found.length - namedAtMost;
  return found.slice(0, namedAtMost).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
