/** `finchat rooms …`: what is changed here reaches a running server through the `changes` table. */
import type { Command } from 'commander';
import { findRoom } from '../../src/core/named.ts';
import type { Storage } from '../../src/core/ports.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Context, Define } from '../context.ts';
import { withAdministration, withStorage } from '../database.ts';
import { addExamples, addJsonOption, addYesOption } from '../help.ts';
import { count, formatFields, formatTable, formatTime, printable } from '../output.ts';
import { confirmDestruction } from '../prompts.ts';
import { roomRecord } from '../records.ts';
import { untilInterrupted } from '../signals.ts';

type Json = { json?: true };

export const define: Define = (rooms, context) => {
  addExamples(rooms, [
    ['finchat rooms create investments --topic "Quotes by /stock=aapl.us"', 'makes a room'],
    ['finchat rooms delete investments', 'asks, then deletes it with its messages'],
  ]);
  defineList(rooms, context);
  defineCreate(rooms, context);
  defineRename(rooms, context);
  defineTopic(rooms, context);
  defineShow(rooms, context);
  defineDelete(rooms, context);
};

function defineList(rooms: Command, context: Context): void {
  const command = addJsonOption(rooms.command('list').description('List the rooms, by name.'));
  addExamples(command, [
    ['finchat rooms list', 'a table'],
    ['finchat rooms list --json', 'an array for scripts'],
  ]);
  command.action(async ({ json }: Json) => {
    const found = await withStorage(context, (storage) => storage.rooms.list());
    if (json) return context.out.json(found.map(roomRecord));
    context.out.print(
      formatTable(
        ['name', 'topic', 'last message', 'created'],
        found.map((room) => [room.name, room.topic, room.lastId, formatTime(room.createdAt)]),
        'No rooms yet. Make one with "finchat rooms create NAME".',
      ),
    );
  });
}

function defineCreate(rooms: Command, context: Context): void {
  const command = rooms
    .command('create')
    .description(
      `Make a room. Its name: up to ${limits.roomNameLength} letters, digits and . _ -, beginning with a letter or digit.`,
    )
    .argument('<name>', 'the room’s name')
    .option('--topic <text>', 'one line about the room', '')
    .option('--if-not-exists', 'do nothing when there is a room of this name');
  addJsonOption(command);
  addExamples(command, [
    ['finchat rooms create friends', 'a room without a topic'],
    ['finchat rooms create investments --topic "Quotes" --if-not-exists', 'may be run again'],
  ]);
  command.action(async (name: string, options: Json & { topic: string; ifNotExists?: true }) => {
    const room = await withAdministration(context, async ({ storage, administration, by }) => {
      const present = options.ifNotExists ? await storage.rooms.findByName(name) : undefined;
      if (present !== undefined) return { ...present, isNew: false };
      return { ...(await administration.createRoom(by, { name, topic: options.topic })), isNew: true };
    });
    if (options.json) return context.out.json(roomRecord(room));
    context.out.print(room.isNew ? `Room ${name} created.` : `Room ${name} exists already.`);
  });
}

function defineRename(rooms: Command, context: Context): void {
  const command = rooms
    .command('rename')
    .description('Rename a room. Its messages stay; its members leave and join again under the new name.')
    .argument('<name>', 'its name now')
    .argument('<new-name>', 'its new name');
  addJsonOption(command);
  addExamples(command, [['finchat rooms rename friends old-friends', 'from friends to old-friends']]);
  command.action(async (name: string, newName: string, { json }: Json) => {
    const renamed = await withAdministration(context, ({ administration, by }) =>
      administration.changeRoom(by, name, { name: newName }),
    );
    if (json) return context.out.json(roomRecord(renamed));
    context.out.print(`Room ${name} is now ${renamed.name}.`);
  });
}

function defineTopic(rooms: Command, context: Context): void {
  const command = rooms
    .command('topic')
    .description('Show a room’s topic, or set it. An empty text takes it away.')
    .argument('<name>', 'the room’s name')
    .argument('[text]', 'the new topic');
  addJsonOption(command);
  addExamples(command, [
    ['finchat rooms topic friends', 'shows it'],
    ['finchat rooms topic friends "Be kind"', 'sets it'],
    ['finchat rooms topic friends ""', 'takes it away'],
  ]);
  command.action(async (name: string, text: string | undefined, { json }: Json) => {
    const room = await (text === undefined
      ? withStorage(context, (storage) => findRoom(storage.rooms, name))
      : withAdministration(context, ({ administration, by }) => administration.changeRoom(by, name, { topic: text })));
    if (json) return context.out.json(roomRecord(room));
    context.out.print(text === undefined ? printable(room.topic) : `Topic of ${name} set.`);
  });
}

function defineShow(rooms: Command, context: Context): void {
  const command = addJsonOption(
    rooms.command('show').description('Show a room’s details.').argument('<name>', 'the room’s name'),
  );
  addExamples(command, [['finchat rooms show friends', 'name, topic, last message and times']]);
  command.action(async (name: string, { json }: Json) => {
    const room = await withStorage(context, (storage) => findRoom(storage.rooms, name));
    if (json) return context.out.json(roomRecord(room));
    context.out.print(
      formatFields([
        ['id', room.id],
        ['name', room.name],
        ['topic', room.topic],
        ['last message', room.lastId],
        ['epoch', room.epoch],
        ['created', formatTime(room.createdAt)],
        ['changed', formatTime(room.updatedAt)],
      ]),
    );
  });
}

function defineDelete(rooms: Command, context: Context): void {
  const command = rooms
    .command('delete')
    .description('Delete a room with all its messages. Its members leave it at once.')
    .argument('<name>', 'the room’s name');
  addYesOption(command);
  addJsonOption(command);
  addExamples(command, [
    ['finchat rooms delete friends', 'asks first'],
    ['finchat rooms delete friends --yes', 'does not ask'],
  ]);
  command.action(async (name: string, { json, yes }: Json & { yes?: true }) => {
    const result = await withAdministration(context, async ({ storage, administration, by }) => {
      await findRoom(storage.rooms, name);
      await confirmDestruction(context, yes, `Delete room ${name} with all its messages? This cannot be undone.`);
      // The row goes first: from here on nobody can join or write. The messages can take their time.
      const room = await administration.deleteRoom(by, name);
      return { room, ...(await purge(context, storage)) };
    });
    if (result.isCutShort) {
      context.out.note(
        'Stopped. The room is gone; the rest of its messages goes while the server runs, or with the next deletion.',
      );
    }
    if (json) return context.out.json({ deleted: roomRecord(result.room), messages_deleted: result.messages });
    context.out.print(`Room ${name} deleted, with ${count(result.messages, 'message')}.`);
  });
}

/** Deletes the messages of deleted rooms. Ctrl-C ends it between two chunks. */
function purge(context: Context, storage: Storage): Promise<{ messages: number; isCutShort: boolean }> {
  return untilInterrupted(async (signal) => {
    context.out.progress('Deleting its messages …');
    try {
      return { messages: await storage.rooms.purge(signal), isCutShort: signal.aborted };
    } finally {
      context.out.progress('');
    }
  });
}
