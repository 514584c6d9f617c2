/** `finchat messages …`: what was said, wherever it was said, and taking it away. */
import type { Command } from 'commander';
import { messageRecord } from '../../src/core/admin-records.ts';
import { FieldErrors, NotFound } from '../../src/core/errors.ts';
import { searchFault } from '../../src/core/fields.ts';
import { findRoom, findUser } from '../../src/core/named.ts';
import type { FoundMessage, MessageSearch, Storage, StoredMessage } from '../../src/core/ports.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Context, Define } from '../context.ts';
import { withAdministration, withStorage } from '../database.ts';
import { addExamples, addJsonOption, addYesOption, moment, wholeNumber } from '../help.ts';
import { formatTable, formatTime, oneLine, printable } from '../output.ts';
import { confirmDestruction } from '../prompts.ts';

type Json = { json?: true };

// What fits on a screen or two.
const defaultLimit = 50;

export const define: Define = (messages, context) => {
  addExamples(messages, [
    ['finchat messages search cheap watches', 'messages with both words, newest first'],
    ['finchat messages delete friends 17', 'asks, then takes message 17 of friends away'],
  ]);
  defineSearch(messages, context);
  defineList(messages, context);
  defineDelete(messages, context);
};

type SearchOptions = Json & { user?: string; room?: string; from?: number; to?: number; limit: number };

function defineSearch(messages: Command, context: Context): void {
  const command = messages
    .command('search')
    .description(
      'Search all messages, newest first. Each word must be there, whole or as the beginning of one; case does not count.',
    )
    .argument('[words...]', 'what was said (everything, if left out)')
    .option('--user <name>', 'only what this user said')
    .option('--room <name>', 'only what was said in this room')
    .option('--from <time>', 'only from this time on: 2026-11-22 or "2026-11-22 20:15", UTC', moment)
    .option('--to <time>', 'only before this time', moment)
    .option('--limit <number>', 'how many at most', wholeNumber, defaultLimit);
  addJsonOption(command);
  addExamples(command, [
    ['finchat messages search cheap watch', 'also finds "Cheap watches!"'],
    ['finchat messages search --user mallory --from 2026-11-22', 'all that mallory said since then'],
    ['finchat messages search pass --room friends --limit 1000 --json', 'an array for scripts'],
  ]);
  command.action(async (words: string[], options: SearchOptions) => {
    const fault = searchFault(words.join(' '));
    if (fault !== undefined) throw new FieldErrors({ words: [fault] });
    const { found, names, isCut } = await withStorage(context, async (storage) => {
      const wanted = await readSearch(storage, words, options);
      const rooms = await storage.rooms.list();
      return {
        ...(await searchAll(storage, wanted, options.limit)),
        names: new Map(rooms.map(({ id, name }) => [id, name])),
      };
    });
    const nameOf = (message: FoundMessage): string => names.get(message.roomId) ?? '';
    if (options.json) return context.out.json(found.map((message) => messageRecord(message, nameOf(message))));
    context.out.print(
      formatTable(
        ['time', 'room', 'id', 'user', 'message'],
        found.map((message) => [formatTime(message.createdAt), nameOf(message), ...cells(message)]),
        'No such messages.',
      ),
    );
    if (isCut) context.out.note(`There are more: these are the newest ${found.length}. See --limit.`);
  });
}

async function readSearch(
  storage: Storage,
  words: readonly string[],
  { user, room, from, to }: SearchOptions,
): Promise<Omit<MessageSearch, 'limit'>> {
  return {
    words: words.join(' '),
    ...(user === undefined ? {} : { userId: (await findUser(storage.users, user)).id }),
    ...(room === undefined ? {} : { roomId: (await findRoom(storage.rooms, room)).id }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

/** Page by page: a long list never holds a read transaction for long. */
async function searchAll(
  storage: Storage,
  wanted: Omit<MessageSearch, 'limit'>,
  limit: number,
): Promise<{ found: FoundMessage[]; isCut: boolean }> {
  const found: FoundMessage[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<Storage['messages']['search']>> = await storage.messages.search({
      ...wanted,
      ...(after === null ? {} : { after }),
      limit: Math.min(limit - found.length, limits.pageRows),
    });
    found.push(...page.messages);
    after = page.next;
  } while (after !== null && found.length < limit);
  return { found, isCut: after !== null };
}

function defineList(messages: Command, context: Context): void {
  const command = messages
    .command('list')
    .description('List a room’s newest messages, newest first.')
    .argument('<room>', 'the room’s name')
    .option('--limit <number>', 'how many at most', wholeNumber, defaultLimit);
  addJsonOption(command);
  addExamples(command, [
    ['finchat messages list friends', `the newest ${defaultLimit}`],
    ['finchat messages list friends --limit 5 --json', 'an array for scripts'],
  ]);
  command.action(async (name: string, { json, limit }: Json & { limit: number }) => {
    const { room, found } = await withStorage(context, async (storage) => {
      const room = await findRoom(storage.rooms, name);
      return { room, found: (await searchAll(storage, { roomId: room.id }, limit)).found };
    });
    if (json) return context.out.json(found.map((message) => messageRecord(message, room.name)));
    context.out.print(
      formatTable(
        ['time', 'id', 'user', 'message'],
        found.map((message) => [formatTime(message.createdAt), ...cells(message)]),
        'No messages.',
      ),
    );
  });
}

function defineDelete(messages: Command, context: Context): void {
  const command = messages
    .command('delete')
    .description(
      'Delete a message. It disappears from the screens of the room’s members; the audit log keeps who did it.',
    )
    .argument('<room>', 'the room’s name')
    .argument('<id>', 'its number in "finchat messages list"', wholeNumber);
  addYesOption(command);
  addJsonOption(command);
  addExamples(command, [
    ['finchat messages delete friends 17', 'shows it and asks first'],
    ['finchat messages delete friends 17 --yes', 'does not ask'],
  ]);
  command.action(async (name: string, id: number, { json, yes }: Json & { yes?: true }) => {
    const { room, message } = await withAdministration(context, async ({ storage, administration, by }) => {
      const room = await findRoom(storage.rooms, name);
      const [message] = await storage.messages.range(room.id, id, id, 1);
      if (message === undefined) throw new NotFound('message', id);
      const question = `Delete message ${id} of ${message.username} in ${name}, "${shortened(message.body)}"?`;
      await confirmDestruction(context, yes, `${question} This cannot be undone.`);
      await administration.deleteMessage(by, name, id);
      return { room, message };
    });
    if (json) return context.out.json({ deleted: messageRecord({ ...message, roomId: room.id }, room.name) });
    context.out.print(`Message ${id} of ${message.username} deleted from ${name}.`);
  });
}

function cells({ id, username, body }: StoredMessage): (string | number)[] {
  return [id, username, oneLine(body)];
}

// A question is one line of a terminal.
const shownLength = 40;

function shortened(body: string): string {
  const line = printable(oneLine(body));
  return line.length <= shownLength ? line : `${line.slice(0, shownLength).toWellFormed()}…`;
}
