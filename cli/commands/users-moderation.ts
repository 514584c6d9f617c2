/** `finchat users kick|mute|unmute|ban|unban`: what is to be done about a troublemaker. */
import type { Command } from 'commander';
import type { User } from '../../src/core/ports.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Context } from '../context.ts';
import { type Administering, withAdministration } from '../database.ts';
import { addExamples, addJsonOption, wholeNumber } from '../help.ts';
import { formatTime } from '../output.ts';
import { userRecord } from '../records.ts';

type Json = { json?: true };

export function defineModeration(users: Command, context: Context): void {
  defineKick(users, context);
  defineMute(users, context);
  defineUnmute(users, context);
  defineBan(users, context);
  defineUnban(users, context);
}

function defineKick(users: Command, context: Context): void {
  const command = onUser(users, 'kick', 'Throw a user out of the chat. Nothing keeps the user from coming back.');
  addExamples(command, [['finchat users kick mallory', 'out within a second']]);
  command.action((username: string, { json }: Json) =>
    act(
      context,
      json,
      ({ administration, by }) => administration.kick(by, username),
      (user) => `User ${user.username} kicked.`,
    ),
  );
}

function defineMute(users: Command, context: Context): void {
  const command = onUser(
    users,
    'mute',
    'Take nothing that a user says, in any room, for a time. The user still reads.',
  ).requiredOption('--minutes <number>', `for how long, 1 to ${limits.banMinutes}`, wholeNumber);
  addExamples(command, [
    ['finchat users mute mallory --minutes 10', 'may speak again in ten minutes'],
    ['finchat users mute mallory --minutes 1440', 'a day'],
  ]);
  command.action((username: string, { json, minutes }: Json & { minutes: number }) =>
    act(
      context,
      json,
      ({ administration, by }) => administration.mute(by, username, minutes),
      (user) => `User ${user.username} is muted until ${formatTime(user.mutedUntil)} UTC.`,
    ),
  );
}

function defineUnmute(users: Command, context: Context): void {
  const command = onUser(users, 'unmute', 'Let a muted user speak again.');
  addExamples(command, [['finchat users unmute mallory', 'may speak again']]);
  command.action((username: string, { json }: Json) =>
    act(
      context,
      json,
      ({ administration, by }) => administration.unmute(by, username),
      (user) => `User ${user.username} may speak.`,
    ),
  );
}

function defineBan(users: Command, context: Context): void {
  const command = onUser(
    users,
    'ban',
    'Throw a user out and refuse every log-in and token, for a time or for good. Messages stay.',
  )
    .option('--minutes <number>', `for how long, 1 to ${limits.banMinutes} (for good, if left out)`, wholeNumber)
    .option('--reason <text>', 'why: one line, for administrators only', '');
  addExamples(command, [
    ['finchat users ban mallory', 'until unbanned'],
    ['finchat users ban mallory --minutes 10080 --reason "Advertising"', 'a week'],
  ]);
  command.action((username: string, { json, minutes, reason }: Json & { minutes?: number; reason: string }) =>
    act(
      context,
      json,
      ({ administration, by }) => administration.ban(by, username, { minutes, reason }),
      (user) => `User ${user.username} is banned ${howLong(user.ban?.until ?? null)}.`,
    ),
  );
}

function defineUnban(users: Command, context: Context): void {
  const command = onUser(users, 'unban', 'Take a ban back.');
  addExamples(command, [['finchat users unban mallory', 'may log in again']]);
  command.action((username: string, { json }: Json) =>
    act(
      context,
      json,
      ({ administration, by }) => administration.unban(by, username),
      ({ username, isActive }) =>
        isActive
          ? `User ${username} may log in.`
          : `User ${username} is not banned any more, but not active: see "finchat users activate".`,
    ),
  );
}

/** `for good`, or `until` a time in UTC. */
export function howLong(until: number | null): string {
  return until === null ? 'for good' : `until ${formatTime(until)} UTC`;
}

function onUser(users: Command, name: string, description: string): Command {
  return addJsonOption(users.command(name).description(description).argument('<username>', 'the user’s name'));
}

async function act(
  context: Context,
  json: true | undefined,
  run: (tools: Administering) => Promise<User>,
  say: (user: User) => string,
): Promise<void> {
  const user = await withAdministration(context, run);
  if (json) return context.out.json(userRecord(user));
  context.out.print(say(user));
}
