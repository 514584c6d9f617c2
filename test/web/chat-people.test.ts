/** People who chat in browsers, as people do, against a real server. */
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { silentStore, startApp } from '../support/app.ts';
import { becomes, createPeopleTest, holds, refusedForm } from '../support/people.ts';
import {
  composer,
  connected,
  enter,
  isIn,
  logIn,
  logOut,
  messages,
  openRoom,
  register,
  roomLink,
  say,
  says,
  sees,
  settled,
  tabPicture,
  titleIs,
  tryToLogIn,
  whoIsHere,
} from './chat.ts';
import { hasFocus } from './page/look.ts';

const peopleTest = createPeopleTest(test);
const room = 'friends';

peopleTest('two people register in two browsers and chat, and each sees who is here', async (t, open) => {
  const { url } = await startApp(t);
  const ada = await open(url);
  await register(ada, 'ada');
  const bob = await open(url);
  await register(bob, 'bob');
  await openRoom(ada, room);
  await openRoom(bob, room);
  await becomes(t, () => whoIsHere(ada), ['ada', 'bob']);
  await becomes(t, () => whoIsHere(bob), ['ada', 'bob']);

  await say(ada, room, 'Hello Bob!');
  await sees(bob, room, 'Hello Bob!');
  await say(bob, room, 'Hello Ada!');
  await sees(ada, room, 'Hello Ada!');
  await settled(ada, room);
  await sees(ada, room, 'Hello Bob!');
  await becomes(t, () => composer(ada, room).inputValue(), '', 'what was sent is no draft any more');

  // Shift+Enter breaks the line.
  await composer(ada, room).pressSequentially('one');
  await composer(ada, room).press('Shift+Enter');
  await composer(ada, room).pressSequentially('two');
  await composer(ada, room).press('Enter');
  await holds('the lines are two', async () => /one\ntwo/.test(await messages(bob, room).innerText()));

  await logOut(bob);
  await bob.page.getByText(says.entry.reasons['signed-out']).waitFor();
  await becomes(t, () => whoIsHere(ada), ['ada']);
  await sees(ada, room, says.messages.parted('bob'));
});

peopleTest('a message is there at once, on its way, and settles when it is stored', async (t, open) => {
  const { wrapStorage, stored, answer } = silentStore();
  t.teardown(answer);
  const { url } = await startApp(t, { overrides: { wrapStorage } });
  const ada = await open(url);
  await register(ada, 'ada');
  await openRoom(ada, room);
  await say(ada, room, 'on its way');
  await sees(ada, room, 'on its way');
  await messages(ada, room).getByText(says.messages.pending).first().waitFor({ state: 'attached' });
  await stored;
  answer();
  await settled(ada, room);
  await sees(ada, room, 'on its way');
});

peopleTest('what is unread is counted at the room, in the title and in the tab’s picture', async (t, open) => {
  const app = await startApp(t);
  const ada = await open(app.url);
  await register(ada, 'ada');
  await openRoom(ada, room);
  const picture = await tabPicture(ada);
  await openRoom(ada, 'family');
  await titleIs(ada, says.attention.title(0, 'family'));
  const bob = await app.chat('bob');
  await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  await bob.ask({ type: 'message', room_name: room, body: 'one' }, { code: 'message' });
  await titleIs(ada, says.attention.title(1, 'family'));
  await bob.ask({ type: 'message', room_name: room, body: 'and two, @ada' }, { code: 'message' });
  await titleIs(ada, says.attention.title(2, 'family'));
  const name = async (): Promise<string> => (await roomLink(ada, room).ariaSnapshot()).replaceAll('\n', ' ');
  await holds('the room says how many', async () => (await name()).includes(says.rooms.unread(2)));
  t.true((await name()).includes(says.rooms.mentioned));
  await holds('the picture is another one', async () => (await tabPicture(ada)) !== picture);

  await openRoom(ada, room);
  await sees(ada, room, 'one');
  await messages(ada, room).getByText(says.messages.newDivider).waitFor();
  await titleIs(ada, says.attention.title(0, room));
  await becomes(t, () => tabPicture(ada), picture);
  t.false((await name()).includes(says.rooms.mentioned));
});

peopleTest('a form says beside its fields what is wrong with them, and is filled still', async (t, open) => {
  const app = await startApp(t);
  await app.login('ada');
  const person = await open(app.url);
  person.expects(refusedForm);
  await tryToLogIn(person, 'ada', 'not her password');
  await person.page.getByRole('alert').waitFor();
  t.is(await person.page.getByLabel(says.entry.username, { exact: true }).inputValue(), 'ada');

  await person.page.getByRole('tab', { name: says.entry.register }).click();
  const form = person.page.getByRole('tabpanel', { name: says.entry.register });
  await form.getByLabel(says.entry.username, { exact: true }).fill('ada');
  await form.getByLabel(says.entry.password, { exact: true }).fill('12345678');
  await form.getByRole('button', { name: says.entry.submitRegister }).click();
  for (const label of [says.entry.username, says.entry.password]) {
    const field = form.getByLabel(label, { exact: true });
    await holds(`${label} is marked`, async () => (await field.getAttribute('aria-invalid')) === 'true');
    const ids = (await field.getAttribute('aria-describedby'))?.split(' ') ?? [];
    const said = await Promise.all(ids.map((id) => person.page.locator(`[id="${id}"]`).innerText()));
    t.regex(said.join(' '), label === says.entry.username ? /already exists/ : /numeric|common/);
  }
  await holds('the first field with a fault has the focus', () =>
    form.getByLabel(says.entry.username, { exact: true }).evaluate(hasFocus),
  );
});

peopleTest('a reload keeps the log-in, the room, its messages and who is here, and nobody notices', async (t, open) => {
  const app = await startApp(t);
  const bob = await app.chat('bob');
  await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  const ada = await open(app.url);
  await register(ada, 'ada');
  await openRoom(ada, 'family');
  await openRoom(ada, room);
  await bob.ask({ type: 'message', room_name: room, body: 'before' }, { code: 'message' });
  await sees(ada, room, 'before');
  await say(ada, room, '/foo=bar');
  await sees(ada, room, '/foo=bar');
  await composer(ada, room).fill('half a sent');
  await ada.page.reload();
  await isIn(ada);
  await sees(ada, room, 'before');
  await becomes(t, () => whoIsHere(ada), ['ada', 'bob']);
  await bob.ask({ type: 'message', room_name: room, body: 'after' }, { code: 'message' });
  await sees(ada, room, 'after');
  await sees(ada, room, 'before');
  t.false(
    bob.frames.some(({ code, user }) => code === 'parted' && user === 'ada'),
    'the room has seen nobody leave',
  );
  t.regex(await roomLink(ada, 'family').ariaSnapshot(), new RegExp(says.rooms.isJoined));
});

peopleTest('who chats in another window already is told so, and can go on here', async (t, open) => {
  const { url } = await startApp(t);
  const first = await open(url);
  await register(first, 'ada');
  await openRoom(first, room);
  const second = await open(url);
  await tryToLogIn(second, 'ada');
  await second.page.getByRole('heading', { name: says.elsewhere.titles['already-chatting'] }).waitFor();
  await second.page.getByText(says.elsewhere.explained['already-chatting']).waitFor();
  await say(first, room, 'still here');
  await sees(first, room, 'still here');

  await second.page.getByRole('button', { name: says.elsewhere.useHere }).click();
  await isIn(second);
  await first.page.getByText(says.elsewhere.explained['resumed-elsewhere']).waitFor();
  await openRoom(second, room);
  await sees(second, room, 'still here');
  // And back.
  await first.page.getByRole('button', { name: says.elsewhere.useHere }).click();
  await isIn(first);
  await second.page.getByText(says.elsewhere.explained['resumed-elsewhere']).waitFor();
});

peopleTest('two tabs of one browser: the second is told of the first', async (t, open) => {
  const { url } = await startApp(t);
  const ada = await open(url);
  await register(ada, 'ada');
  await openRoom(ada, room);
  const tab = await ada.context.newPage();
  await tab.goto(url);
  await tab.getByRole('heading', { name: says.elsewhere.titles['already-chatting'] }).waitFor();
  await say(ada, room, 'unharmed');
  await sees(ada, room, 'unharmed');
  t.pass();
});

peopleTest('whose log-in ends elsewhere is back at the log-in, with a word', async (t, open) => {
  const app = await startApp(t);
  const ada = await open(app.url);
  await register(ada, 'ada');
  await openRoom(ada, room);
  const token = await ada.page.evaluate(`localStorage.getItem('finchat.token')`);
  await app.request('POST', '/logout', { token: String(token) });
  await ada.page.getByText(says.entry.reasons['logged-out']).waitFor();
  await logIn(ada, 'ada');
  t.is(await ada.page.getByText(says.entry.reasons['logged-out']).count(), 0);
});

peopleTest('who logs out in one tab is logged out in the other', async (t, open) => {
  const { url } = await startApp(t);
  const ada = await open(url);
  await register(ada, 'ada');
  const tab = await ada.context.newPage();
  await tab.goto(`${url}/#/rooms/${room}`);
  await tab.getByRole('button', { name: says.elsewhere.logout }).click();
  await tab.getByRole('tab', { name: says.entry.login }).waitFor();
  await ada.page.getByRole('tab', { name: says.entry.login }).waitFor();
  await holds('whoever comes next is not led into her room', async () => new URL(tab.url()).hash === '#/');
  t.is(await ada.page.evaluate(`localStorage.getItem('finchat.token')`), null);
});

peopleTest('a message that cannot be stored says why, and is stored once when it is sent again', async (t, open) => {
  const app = await startApp(t);
  const ada = await open(app.url);
  await register(ada, 'ada');
  const bob = await app.chat('bob');
  await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  await openRoom(ada, room);
  const storage = await app.elsewhere();
  const user = await storage.users.findByName('ada');
  t.truthy(user);
  const id = user?.id ?? 0;
  await storage.users.mute(id, Date.now() + 3_600_000);
  // The running server learns of it within a second: until then what is said goes through.
  await holds('ada is muted', async () => {
    await say(ada, room, 'is it so?');
    await settled(ada, room);
    return (await messages(ada, room).getByRole('button', { name: says.messages.resend }).count()) > 0;
  });
  const failed = messages(ada, room).getByRole('button', { name: says.messages.resend }).first();
  await failed.waitFor();
  t.regex(await messages(ada, room).innerText(), /muted/i);
  await storage.users.mute(id, null);
  await holds('ada may speak again', async () => {
    const resend = messages(ada, room).getByRole('button', { name: says.messages.resend }).first();
    if ((await resend.count()) === 0) return true;
    await resend.click();
    await settled(ada, room);
    return (await messages(ada, room).getByRole('button', { name: says.messages.resend }).count()) === 0;
  });
  const said = (): number => bob.frames.filter(({ code, body }) => code === 'message' && body === 'is it so?').length;
  const shown = await messages(ada, room).getByText('is it so?', { exact: true }).count();
  await holds('each is there once', () => said() === shown);
  t.is(said(), shown);
});

peopleTest('how much may still be written is said when it gets near, and what is too long stays', async (t, open) => {
  const { url } = await startApp(t);
  const ada = await open(url);
  await register(ada, 'ada');
  await openRoom(ada, room);
  const field = composer(ada, room);
  const most = limits.bodyLength;
  await field.fill('x'.repeat(100));
  t.is(await ada.page.getByText(/characters? left/).count(), 0);
  await field.fill('x'.repeat(most - 1));
  await ada.page.getByText(says.composer.left(1)).first().waitFor();
  await field.fill('x'.repeat(most + 3));
  await ada.page.getByText(says.composer.tooLong(3)).first().waitFor();
  await field.press('Enter');
  t.is(
    await messages(ada, room)
      .getByText(/x{100}/)
      .count(),
    0,
  );
  await field.press('Backspace');
  await field.press('Backspace');
  await field.press('Backspace');
  await field.press('Enter');
  await messages(ada, room).getByText('x'.repeat(most), { exact: true }).waitFor();
  await settled(ada, room);
});

peopleTest('commands are sent as commands, and known ones are offered while one types', async (t, open) => {
  const app = await startApp(t);
  const ada = await enterAs(open, app.url);
  const bob = await app.chat('bob');
  await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  await openRoom(ada, room);
  await say(ada, room, '/dice=6');
  await bob.next({ code: 'custom', command: 'dice', payload: '6' });
  await sees(ada, room, '/dice=6');
  const field = composer(ada, room);
  await field.pressSequentially('/di');
  const offer = ada.page.getByRole('listbox', { name: says.composer.commands }).getByRole('option', { name: /dice/ });
  await offer.waitFor();
  await field.press('Enter');
  await becomes(t, () => field.inputValue(), '/dice=');
  await field.pressSequentially('20');
  await field.press('Enter');
  await bob.next({ code: 'custom', command: 'dice', payload: '20' });
  // No command: a message that begins with a slash.
  await say(ada, room, '/ is a slash');
  await bob.next({ code: 'message', body: '/ is a slash' });
  await connected(ada);
});

async function enterAs(open: Parameters<typeof enter>[0], url: string): ReturnType<typeof enter> {
  const person = await open(url);
  await register(person, 'ada');
  return person;
}

peopleTest('a page that is open over midnight says which day was which', async (t, open) => {
  const { url } = await startApp(t);
  const ada = await open(url);
  await register(ada, 'ada');
  await openRoom(ada, room);
  await say(ada, room, 'good night');
  await settled(ada, room);
  await messages(ada, room).getByText('Today').waitFor();
  await ada.page.clock.setFixedTime(Date.now() + 86_400_000);
  await ada.page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
  await messages(ada, room).getByText('Yesterday').waitFor();
  await ada.page.getByRole('link', { name: says.rooms.logs }).click();
  await ada.page.getByRole('button', { name: says.rooms.refresh }).click();
  const log = ada.page.getByRole('log', { name: says.logs.title });
  await holds('yesterday is above today', async () => /^Yesterday\n[^]*\nToday\n/.test(await log.innerText()));
});
