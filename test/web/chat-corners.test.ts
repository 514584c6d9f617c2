/** The corners of the chat page: mentions, many rooms, tokens that are worth nothing, ways back, restarts, closed doors. */
import { join } from 'node:path';
import test from 'ava';
import { startApp, temporaryFolder } from '../support/app.ts';
import { plainHost } from '../support/browser.ts';
import { becomes, brokenLine, createPeopleTest, holds, refusedForm } from '../support/people.ts';
import { startServerProcess } from '../support/server-process.ts';
import { findFreePort } from '../support/services.ts';
import { act, administer, says as adminSays, openRoomPage } from './admin.ts';
import {
  accountButton,
  composer,
  connected,
  enter,
  isIn,
  logIn,
  messages,
  openRoom,
  register,
  roomLink,
  rooms,
  say,
  says,
  sees,
  settled,
  tryToLogIn,
  whoIsHere,
} from './chat.ts';
import { lookAway, noteNotifications, notificationsShown } from './page/pretend.ts';

const peopleTest = createPeopleTest(test);
const room = 'friends';

peopleTest(
  'a mention is notified when it is wanted and one looks elsewhere, once until it is read',
  async (t, open) => {
    const app = await startApp(t);
    await app.login('ada');
    const ada = await open(app.url);
    await ada.context.addInitScript(noteNotifications);
    await ada.page.reload();
    await logIn(ada, 'ada');
    await openRoom(ada, room);
    const bob = await app.chat('bob');
    await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
    const mention = (body: string): Promise<unknown> =>
      bob.ask({ type: 'message', room_name: room, body }, { code: 'message', body });
    const shown = (): Promise<{ title: string; body: string }[]> => ada.page.evaluate(notificationsShown);

    await ada.page.evaluate(lookAway, true);
    await mention('@ada not wanted yet');
    await sees(ada, room, '@ada not wanted yet');
    t.deepEqual(await shown(), []);
    await ada.page.evaluate(lookAway, false);
    await accountButton(ada).click();
    await ada.page.getByRole('menuitemcheckbox', { name: says.account.notifications }).click();
    await ada.page.keyboard.press('Escape');
    await mention('@ada in sight');
    await sees(ada, room, '@ada in sight');
    t.deepEqual(await shown(), []);

    await ada.page.evaluate(lookAway, true);
    await mention('@ada look here');
    await mention('@ada and here');
    await sees(ada, room, '@ada and here');
    await becomes(t, shown, [{ title: says.attention.mentionedIn(room), body: 'bob: @ada look here' }]);
    await ada.page.evaluate(lookAway, false);
    await holds('it is read', async () => !(await roomLink(ada, room).innerText()).includes(says.rooms.mentioned));
    await ada.page.evaluate(lookAway, true);
    await mention('@ada once more');
    await becomes(t, async () => (await shown()).length, 2);
  },
);

peopleTest('many rooms are filtered by name and topic, and a room is found that is not joined', async (t, open) => {
  const app = await startApp(t);
  await app.login('ada');
  const storage = await app.elsewhere();
  for (let number = 1; number <= 40; number += 1) {
    const topic = number === 17 ? 'About umbrellas' : '';
    await storage.rooms.create({ name: `room-${number}`, topic, createdAt: Date.now() });
  }
  const ada = await enter(open, app.url, 'ada');
  await holds('all are there', async () => {
    await rooms(ada).getByRole('button', { name: says.rooms.refresh }).click();
    return (await roomLink(ada, 'room-40').count()) === 1;
  });
  await rooms(ada).getByRole('searchbox', { name: says.rooms.filter }).fill('UMBRELLA');
  await becomes(t, () => rooms(ada).getByRole('listitem').count(), 1);
  await openRoom(ada, 'room-17');
  await rooms(ada).getByRole('searchbox', { name: says.rooms.filter }).fill('xyzzy');
  await rooms(ada).getByText(says.rooms.noMatch).waitFor();
});

peopleTest('a token that is worth nothing leads to the log-in, with a word', async (t, open) => {
  const app = await startApp(t);
  const ada = await open(app.url);
  ada.expects(/status of 401/);
  await ada.page.evaluate(`localStorage.setItem('finchat.token', 'worth-nothing')`);
  await ada.page.reload();
  await ada.page.getByText(says.entry.reasons['not-authenticated']).waitFor();
  t.is(await ada.page.evaluate(`localStorage.getItem('finchat.token')`), null);
  await app.login('ada');
  await logIn(ada, 'ada');
});

peopleTest('whoever is deactivated, or gets another password, is out', async (t, open) => {
  const app = await startApp(t);
  await app.login('bob');
  const bob = await enter(open, app.url, 'bob');
  bob.expects(refusedForm, /status of 401/);
  await openRoom(bob, room);
  const storage = await app.elsewhere();
  const id = (await storage.users.findByName('bob'))?.id ?? 0;
  await storage.users.setActive(id, false);
  await bob.page.getByRole('tab', { name: says.entry.login }).waitFor();
  await tryToLogIn(bob, 'bob');
  await bob.page.getByRole('alert').waitFor();
  await storage.users.setActive(id, true);
  await logIn(bob, 'bob');
  await storage.users.setPassword(id, (await storage.users.findByName('bob'))?.passwordHash ?? '');
  await bob.page.getByRole('tab', { name: says.entry.login }).waitFor();
  t.is(await bob.page.evaluate(`localStorage.getItem('finchat.token')`), null);
});

peopleTest('where registration is closed, the form says so', async (t, open) => {
  const app = await startApp(t, { env: { REGISTRATION: 'closed' } });
  const ada = await open(app.url);
  ada.expects(/status of 403/);
  await ada.page.getByRole('tab', { name: says.entry.register }).click();
  const form = ada.page.getByRole('tabpanel', { name: says.entry.register });
  await form.getByLabel(says.entry.username, { exact: true }).fill('ada');
  await form.getByLabel(says.entry.password, { exact: true }).fill('a long enough pass-phrase');
  await form.getByRole('button', { name: says.entry.submitRegister }).click();
  await form.getByRole('alert').waitFor();
  t.regex(await form.getByRole('alert').innerText(), /closed|administrator/i);
});

peopleTest('who looks at the administration and steps back is in the room as before', async (t, open) => {
  const app = await startApp(t);
  const ada = await administer(open, app);
  await ada.page.goto(app.url);
  await isIn(ada);
  await openRoom(ada, room);
  await say(ada, room, 'before');
  await settled(ada, room);
  const bob = await app.chat('bob');
  await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  await accountButton(ada).click();
  await ada.page.getByRole('menuitem', { name: says.account.administration }).click();
  await ada.page.getByRole('heading', { level: 1, name: adminSays.parts.now }).waitFor();
  await bob.ask({ type: 'message', room_name: room, body: 'meanwhile' }, { code: 'message' });
  await ada.page.goBack();
  await isIn(ada);
  await sees(ada, room, 'before');
  await sees(ada, room, 'meanwhile');
  await becomes(t, () => whoIsHere(ada), ['ada', 'bob']);
  await say(ada, room, 'after');
  await bob.next({ code: 'message', body: 'after' });
  t.false(
    bob.frames.some(({ code, user }) => code === 'parted' && user === 'ada'),
    'nobody has noticed',
  );
});

peopleTest('a server that is stopped and started again for a new version costs no message', async (t, open) => {
  const env = {
    PORT: String(await findFreePort()),
    DATABASE_URL: `sqlite://${join(await temporaryFolder(t), 'finchat.sqlite')}`,
  };
  const first = await startServerProcess(t, env);
  const ada = await open(first.url);
  ada.expects(brokenLine);
  await register(ada, 'ada');
  await openRoom(ada, room);
  await say(ada, room, 'before');
  await settled(ada, room);
  await first.end('SIGTERM');
  await say(ada, room, 'while it was away');
  await startServerProcess(t, env);
  await connected(ada);
  await settled(ada, room);
  await sees(ada, room, 'before');
  await sees(ada, room, 'while it was away');
  await say(ada, room, 'after');
  await settled(ada, room);
  await sees(ada, room, 'after');
  await ada.page.reload();
  await sees(ada, room, 'while it was away');
  t.pass();
});

peopleTest(
  'whoever stands in a room that gets another name is told so, and finds it under the new one',
  async (t, open) => {
    const app = await startApp(t);
    const ada = await administer(open, app);
    await app.login('bob');
    const bob = await enter(open, app.url, 'bob');
    await openRoom(bob, room);
    await say(bob, room, 'hello');
    await settled(bob, room);
    await openRoomPage(ada, room);
    await act(ada, adminSays.rooms.edit, adminSays.rooms.editTitle(room), adminSays.rooms.save, (question) =>
      question.getByLabel(adminSays.rooms.name, { exact: true }).fill('comrades'),
    );
    await composer(bob, room).waitFor({ state: 'detached' });
    await roomLink(bob, 'comrades').waitFor();
    await openRoom(bob, 'comrades');
    await sees(bob, 'comrades', 'hello');
    t.is(await messages(bob, 'comrades').count(), 1);
  },
);

peopleTest('a server in one’s own network, without TLS, is chatted on all the same', async (t, open) => {
  const app = await startApp(t);
  const ada = await open(app.url.replace('127.0.0.1', plainHost));
  // Chromium says that it ignores this header where there is no TLS.
  ada.expects(/Cross-Origin-Opener-Policy/);
  t.false(await ada.page.evaluate('isSecureContext'));
  await register(ada, 'ada');
  await openRoom(ada, room);
  await say(ada, room, 'without a lock');
  await settled(ada, room);
  await ada.page.reload();
  await sees(ada, room, 'without a lock');
});

peopleTest('links in messages lead to new windows that know nothing of this page', async (t, open) => {
  const app = await startApp(t);
  await app.login('ada');
  const ada = await enter(open, app.url, 'ada');
  await openRoom(ada, room);
  await say(ada, room, 'see https://example.org/a?b=c#d, and mail ada@example.org.');
  await settled(ada, room);
  const link = messages(ada, room).getByRole('link', { name: 'https://example.org/a?b=c#d' });
  t.is(await link.getAttribute('href'), 'https://example.org/a?b=c#d');
  t.is(await link.getAttribute('target'), '_blank');
  t.regex((await link.getAttribute('rel')) ?? '', /noopener/);
  t.regex((await link.getAttribute('rel')) ?? '', /noreferrer/);
});
