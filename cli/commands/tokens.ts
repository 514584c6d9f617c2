/** `finchat tokens …`: long-lived tokens for bots. A token is shown once, when it is made; the store has its hash only. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Context, Define } from '../context.ts';
import { findUser, openAccounts, withStorage } from '../database.ts';
import { CommandError } from '../errors.ts';
import { addExamples, addJsonOption, addYesOption } from '../help.ts';
import { formatTable, formatTime } from '../output.ts';
import { confirmDestruction } from '../prompts.ts';
import { tokenRecord } from '../records.ts';

type Json = { json?: true };

export const define: Define = (tokens, context) => {
  addExamples(tokens, [
    ['finchat tokens create botuser --label quotes', 'prints the token, once'],
    ['finchat tokens list', 'what there is'],
  ]);
  defineList(tokens, context);
  defineCreate(tokens, context);
  defineRevoke(tokens, context);
};

function defineList(tokens: Command, context: Context): void {
  const command = tokens
    .command('list')
    .description('List the long-lived tokens.')
    .argument('[username]', 'only this user’s')
    .option('--all', 'the tokens of log-ins too');
  addJsonOption(command);
  addExamples(command, [
    ['finchat tokens list', 'long-lived ones of all users'],
    ['finchat tokens list ada --all --json', 'all of one user, for scripts'],
  ]);
  command.action(async (username: string | undefined, { json, all }: Json & { all?: true }) => {
    const listed = await withStorage(context, async (storage) =>
      storage.tokens.list(username === undefined ? undefined : (await findUser(storage, username)).id),
    );
    const found = listed.filter((token) => all === true || token.label !== null);
    if (json) return context.out.json(found.map(tokenRecord));
    context.out.print(
      formatTable(
        ['id', 'username', 'label', 'created', 'last used', 'expires'],
        found.map((token) => [
          token.id,
          token.username,
          token.label ?? '(log-in)',
          formatTime(token.createdAt),
          formatTime(token.lastUsedAt) || 'never',
          formatTime(token.expiresAt) || 'never',
        ]),
        'No tokens. Make one with "finchat tokens create USERNAME".',
      ),
    );
  });
}

function defineCreate(tokens: Command, context: Context): void {
  const command = tokens
    .command('create')
    .description('Make a long-lived token. It is printed once and cannot be shown again.')
    .argument('<username>', 'whose token')
    .option('--label <text>', 'what it is for', 'bot')
    .option('--days <number>', 'days until it expires (never, if left out)', wholeDays);
  addJsonOption(command);
  addExamples(command, [
    ['finchat tokens create botuser', 'never expires'],
    ['finchat tokens create botuser --label quotes --days 90', 'expires after 90 days'],
    ['FINBOT_TOKEN=$(finchat tokens create botuser) finchat bot', 'stdout is the token alone'],
  ]);
  command.action(async (username: string, { json, label, days }: Json & { label: string; days?: number }) => {
    // As long as a topic: one line of a table.
    if (label.trim() === '' || label.length > 250 || /\p{Cc}/u.test(label)) {
      throw new CommandError('A label is one line of 1 to 250 characters: give another one with --label.');
    }
    const made = await withStorage(context, async (storage, config) => {
      const user = await findUser(storage, username);
      if (!user.isActive)
        context.out.note(
          `User ${user.username} is not active: the token works after "finchat users activate ${user.username}".`,
        );
      const { token, record } = await (await openAccounts(storage, config)).createToken(user.id, label, days ?? null);
      return { token, record: { ...record, username: user.username } };
    });
    if (json) return context.out.json({ ...tokenRecord(made.record), token: made.token });
    context.out.note(`Token ${made.record.id} of ${made.record.username}. It is shown this once: keep it safe.`);
    context.out.print(made.token);
  });
}

function defineRevoke(tokens: Command, context: Context): void {
  const command = tokens
    .command('revoke')
    .description('Revoke a token. Whoever uses it is out within a second.')
    .argument('<id>', 'its number in "finchat tokens list"', wholeId);
  addYesOption(command);
  addJsonOption(command);
  addExamples(command, [
    ['finchat tokens revoke 7', 'asks first'],
    ['finchat tokens revoke 7 --yes', 'does not ask'],
  ]);
  command.action(async (id: number, { json, yes }: Json & { yes?: true }) => {
    const revoked = await withStorage(context, async (storage) => {
      const token = (await storage.tokens.list()).find((entry) => entry.id === id);
      if (token === undefined) throw unknownToken(id);
      const purpose = token.label === null ? 'log-in' : `"${token.label}"`;
      await confirmDestruction(context, yes, `Revoke token ${id} (${purpose}) of ${token.username}?`);
      if (!(await storage.tokens.revoke(id))) throw unknownToken(id);
      return token;
    });
    if (json) return context.out.json({ revoked: tokenRecord(revoked) });
    context.out.print(`Token ${id} of ${revoked.username} revoked.`);
  });
}

function unknownToken(id: number): CommandError {
  return new CommandError(`There is no token ${id}. See "finchat tokens list --all".`);
}

function wholeDays(value: string): number {
  const days = Number(value);
  // A hundred years: beyond them, "never" is what is meant.
  if (!/^\d+$/.test(value) || days < 1 || days > 36_500) throw new InvalidArgumentError('Give 1 to 36500 days.');
  return days;
}

function wholeId(value: string): number {
  const id = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(id) || id < 1)
    throw new InvalidArgumentError('Give a token’s number.');
  return id;
}
