/** `finchat tokens …`: long-lived tokens for bots. A token is shown once, when it is made; the store has its hash only. */
import type { Command } from 'commander';
import { NotFound } from '../../src/core/errors.ts';
import { findUser } from '../../src/core/named.ts';
import { banNow } from '../../src/core/permissions.ts';
import type { Context, Define } from '../context.ts';
import { withAdministration, withStorage } from '../database.ts';
import { addExamples, addJsonOption, addYesOption, wholeNumber } from '../help.ts';
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
      storage.tokens.list(username === undefined ? undefined : (await findUser(storage.users, username)).id),
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
    .option('--days <number>', 'days until it expires (never, if left out)', wholeNumber);
  addJsonOption(command);
  addExamples(command, [
    ['finchat tokens create botuser', 'never expires'],
    ['finchat tokens create botuser --label quotes --days 90', 'expires after 90 days'],
    ['FINBOT_TOKEN=$(finchat tokens create botuser) finchat bot', 'stdout is the token alone'],
  ]);
  command.action(async (username: string, { json, label, days }: Json & { label: string; days?: number }) => {
    const { token, record, user } = await withAdministration(context, ({ administration, by }) =>
      administration.createToken(by, username, { label, ttlDays: days ?? null }),
    );
    const { username: name } = user;
    if (!user.isActive) {
      context.out.note(`User ${name} is not active: the token works after "finchat users activate ${name}".`);
    } else if (banNow(user, Date.now()) !== null) {
      context.out.note(
        `User ${name} is banned: the token works when the ban is over, or after "finchat users unban ${name}".`,
      );
    }
    if (json) return context.out.json({ ...tokenRecord({ ...record, username: user.username }), token });
    context.out.note(`Token ${record.id} of ${user.username}. It is shown this once: keep it safe.`);
    context.out.print(token);
  });
}

function defineRevoke(tokens: Command, context: Context): void {
  const command = tokens
    .command('revoke')
    .description('Revoke a token. Whoever uses it is out within a second.')
    .argument('<id>', 'its number in "finchat tokens list"', wholeNumber);
  addYesOption(command);
  addJsonOption(command);
  addExamples(command, [
    ['finchat tokens revoke 7', 'asks first'],
    ['finchat tokens revoke 7 --yes', 'does not ask'],
  ]);
  command.action(async (id: number, { json, yes }: Json & { yes?: true }) => {
    const revoked = await withAdministration(context, async ({ storage, administration, by }) => {
      const token = await storage.tokens.findById(id);
      if (token === undefined) throw new NotFound('token', id);
      const purpose = token.label === null ? 'log-in' : `"${token.label}"`;
      await confirmDestruction(context, yes, `Revoke token ${id} (${purpose}) of ${token.username}?`);
      return administration.revokeToken(by, undefined, id);
    });
    if (json) return context.out.json({ revoked: tokenRecord(revoked) });
    context.out.print(`Token ${id} of ${revoked.username} revoked.`);
  });
}
