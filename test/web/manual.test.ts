/**
 * The manual test of the pages, by hand of nobody: an administrator is made on the command line and creates rooms,
 * several people register in browsers of their own, look at the logs, refresh the rooms, enter one, and see its history,
 * who is there, and messages, joins, parts and commands as they happen.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { program } from '../cli/command-line.ts';
import { temporaryFolder } from '../support/app.ts';
import { becomes, createPeopleTest, holds, type Person } from '../support/people.ts';
import { startServerProcess } from '../support/server-process.ts';
import { says as adminSays, createRoom, goTo, logInToAdmin } from './admin.ts';
import { logOut, messages, openRoom, register, roomLink, rooms, say, says, sees, settled, whoIsHere } from './chat.ts';
import { hueOf } from './page/look.ts';
import { password } from './town.ts';

const peopleTest = createPeopleTest(test);
const run = promisify(execFile);
const room = 'making_friends';
const between = (hue: number, from: number, to: number): boolean =>
  from <= to ? hue >= from && hue <= to : hue >= from || hue <= to;

async function colourOf(person: Person, text: string): Promise<{ hue: number; saturation: number }> {
  return messages(person, room).getByText(text).last().evaluate(hueOf);
}

for (const [colorScheme, count] of [
  ['light', 60],
  // For the colours: the rest is the same.
  ['dark', 3],
] as const) {
  peopleTest(`the manual test, step by step (${colorScheme})`, async (t, open) => {
    const env = { DATABASE_URL: `sqlite://${join(await temporaryFolder(t), 'finchat.sqlite')}` };
    const { url } = await startServerProcess(t, env);
    const arguments_ = ['createsuperuser', '--noinput', '--username', 'admin', '--email', 'admin@example.org'];
    await run(process.execPath, [program, ...arguments_], {
      env: { ...env, PATH: process.env['PATH'], BCRYPT_ROUNDS: '4', FINCHAT_SUPERUSER_PASSWORD: password },
    });

    // The rooms are created on the administration's page.
    const admin = await open(`${url}/admin`, { colorScheme });
    await logInToAdmin(admin, 'admin');
    await admin.page.getByRole('heading', { level: 1, name: adminSays.parts.now }).waitFor();
    await createRoom(admin, room, 'For people who have none yet');

    // Several people register, each in a browser session of their own.
    const ada = await open(url, { colorScheme });
    await register(ada, 'ada');
    const bob = await open(url, { colorScheme });
    await register(bob, 'bob');

    // "Server Logs": connection changes at least.
    await rooms(ada).getByRole('link', { name: says.rooms.logs }).click();
    await ada.page.getByRole('heading', { name: says.logs.title }).waitFor();
    await ada.page.getByRole('main').getByText(says.logs.kinds.connection).first().waitFor();

    // "Refresh rooms": a room that was made meanwhile is there then.
    await createRoom(admin, 'latecomers', '');
    await rooms(ada).getByRole('button', { name: says.rooms.refresh }).click();
    await roomLink(ada, 'latecomers').waitFor();
    await ada.page.getByRole('main').getByText(says.logs.kinds.rooms).first().waitFor();

    // A room's link leads into it; its last 50 messages are there.
    await openRoom(ada, room);
    for (let number = 1; number <= count; number += 1) await say(ada, room, `message number ${number}`);
    await settled(ada, room);
    await openRoom(bob, room);
    await sees(bob, room, `message number ${count}`);
    const history = await messages(bob, room)
      .getByText(/^message number \d+$/)
      .allTextContents();
    t.deepEqual(
      history.slice(-50),
      Array.from(
        { length: Math.min(count, 50) },
        (_, index) => `message number ${Math.max(count - 50, 0) + index + 1}`,
      ),
    );

    // Who is here.
    await becomes(t, () => whoIsHere(ada), ['ada', 'bob']);

    // Messages, commands, joins and parts as they happen, told apart by colour and without it.
    await say(bob, room, 'Hello everyone!');
    await sees(ada, room, 'Hello everyone!');
    await say(bob, room, '/foo=bar');
    await sees(ada, room, '/foo=bar');
    await rooms(bob).getByRole('link', { name: says.rooms.logs }).click();
    await openRoom(bob, room);
    await bob.page.getByRole('button', { name: says.room.leave }).click();
    await sees(ada, room, says.messages.parted('bob'));
    await becomes(t, () => whoIsHere(ada), ['ada']);

    const joined = await colourOf(ada, says.messages.joined('bob'));
    const parted = await colourOf(ada, says.messages.parted('bob'));
    const command = await colourOf(ada, '/foo=bar');
    t.true(between(joined.hue, 90, 170) && joined.saturation > 0.25, `joins are green: ${JSON.stringify(joined)}`);
    t.true(between(parted.hue, 335, 20) && parted.saturation > 0.25, `parts are red: ${JSON.stringify(parted)}`);
    t.true(
      between(command.hue, 255, 310) && command.saturation > 0.25,
      `commands are purple: ${JSON.stringify(command)}`,
    );
    t.regex(await messages(ada, room).ariaSnapshot(), new RegExp(says.messages.command), 'a command is called one');

    // Joins, parts and commands are not stored; messages are.
    await ada.page.getByRole('button', { name: says.room.leave }).click();
    await openRoom(ada, room);
    await sees(ada, room, 'Hello everyone!');
    t.is(await messages(ada, room).getByText('/foo=bar').count(), 0);
    t.is(await messages(ada, room).getByText(says.messages.parted('bob')).count(), 0);

    // The administrator sees it all.
    await goTo(admin, 'messages');
    await admin.page.getByText('Hello everyone!').waitFor();
    await logOut(ada);
    await holds('ada is out', async () => (await rooms(ada).count()) === 0);
  });
}
