/** Administrators at their page, and what it does to people who chat at the same moment. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { becomes, createPeopleTest, refusedForm } from '../support/people.ts';
import {
  act,
  administer,
  createRoom,
  dialog,
  goTo,
  isTold,
  logInToAdmin,
  openRoomPage,
  openUserPage,
  says,
} from './admin.ts';
import {
  accountButton,
  says as chatSays,
  composer,
  enter,
  goneFrom,
  messages,
  openRoom,
  roomLink,
  rooms,
  say,
  sees,
  settled,
  tryToLogIn,
  whoIsHere,
} from './chat.ts';

const peopleTest = createPeopleTest(test);
const room = 'friends';

peopleTest('an administrator deletes the room that somebody stands in', async (t, open) => {
  const app = await startApp(t);
  const ada = await administer(open, app);
  await app.login('bob');
  const bob = await enter(open, app.url, 'bob');
  await openRoom(bob, 'family');
  await openRoom(bob, room);
  await say(bob, room, 'soon to be gone');
  await settled(bob, room);

  await openRoomPage(ada, room);
  await ada.page.getByRole('button', { name: says.rooms.delete, exact: true }).click();
  const question = dialog(ada, says.rooms.deleteTitle(room));
  await question.getByText(says.rooms.deleteSays(1, 1)).waitFor();
  // Without its name nothing happens.
  await question.getByRole('button', { name: says.rooms.deleteDo }).click();
  await question.getByText(says.rooms.deleteMismatch).waitFor();
  t.is(await composer(bob, room).count(), 1);
  await question.getByLabel(says.rooms.deleteType(room)).fill(room);
  await question.getByRole('button', { name: says.rooms.deleteDo }).click();
  await isTold(ada, says.rooms.deleted(room));

  await composer(bob, room).waitFor({ state: 'detached' });
  await roomLink(bob, room).waitFor({ state: 'detached' });
  await rooms(bob).getByRole('link', { name: chatSays.rooms.logs }).click();
  await bob.page
    .getByRole('main')
    .getByText(new RegExp(`\\b${room}\\b`))
    .first()
    .waitFor();
  await openRoom(bob, 'family');
  await say(bob, 'family', 'still here');
  await settled(bob, 'family');
});

peopleTest('an administrator deletes a message, and it is gone for everybody', async (t, open) => {
  const app = await startApp(t);
  const ada = await administer(open, app);
  await app.login('bob');
  const bob = await enter(open, app.url, 'bob');
  await openRoom(bob, room);
  await say(bob, room, 'something regrettable');
  await say(bob, room, 'something fine');
  await settled(bob, room);

  await goTo(ada, 'messages');
  const search = ada.page.getByRole('search', { name: says.messages.formLabel });
  await search.getByLabel(says.messages.words, { exact: true }).fill('regret');
  await search.getByRole('button', { name: says.list.apply }).click();
  const found = ada.page.getByRole('list', { name: says.messages.results }).getByRole('listitem');
  await becomes(t, () => found.count(), 1);
  await found.getByRole('button', { name: /^Delete the message of bob/ }).click();
  await dialog(ada, says.messages.deleteTitle).getByRole('button', { name: says.messages.deleteDo }).click();
  await isTold(ada, says.messages.deleted);
  await ada.page.getByText(says.messages.emptyHint).waitFor();

  await goneFrom(bob, room, 'something regrettable');
  await sees(bob, room, chatSays.messages.deletedYours);
  await sees(bob, room, 'something fine');
  await bob.page.reload();
  await sees(bob, room, 'something fine');
  await goneFrom(bob, room, 'something regrettable');
});

peopleTest('whoever is muted is told until when, and may speak again afterwards', async (t, open) => {
  const app = await startApp(t);
  await app.login('bob');
  const bob = await enter(open, app.url, 'bob');
  await openRoom(bob, room);
  const ada = await administer(open, app);
  await openUserPage(ada, 'bob');
  await act(ada, says.user.mute, says.user.muteTitle('bob'), says.user.mute);
  await isTold(ada, says.user.muted('bob'));
  await say(bob, room, 'hush');
  await messages(bob, room).getByRole('button', { name: chatSays.messages.resend }).waitFor();
  t.regex(await messages(bob, room).innerText(), /muted you until/);

  await act(ada, says.user.unmute, says.user.unmuteTitle('bob'), says.user.unmute);
  await messages(bob, room).getByRole('button', { name: chatSays.messages.resend }).click();
  await settled(bob, room);
  await sees(bob, room, 'hush');
  t.is(await messages(bob, room).getByRole('button', { name: chatSays.messages.resend }).count(), 0);
});

peopleTest('whoever is kicked is told so and may come back; whoever is banned may not', async (t, open) => {
  const app = await startApp(t);
  await app.login('bob');
  const bob = await enter(open, app.url, 'bob');
  bob.expects(refusedForm);
  await openRoom(bob, room);
  const ada = await administer(open, app);
  await openUserPage(ada, 'bob');
  await act(ada, says.user.kick, says.user.kickTitle('bob'), says.user.kick);
  await bob.page.getByText(chatSays.entry.reasons.kicked).waitFor();

  await tryToLogIn(bob, 'bob');
  await rooms(bob).waitFor();
  await act(ada, says.user.ban, says.user.banTitle('bob'), says.user.ban, (question) =>
    question.getByLabel(says.user.reason).fill('Sold umbrellas'),
  );
  await bob.page.getByText(chatSays.entry.reasons.kicked).waitFor();
  await tryToLogIn(bob, 'bob');
  await bob.page.getByRole('alert').waitFor();
  t.false((await bob.page.getByRole('main').innerText()).includes('umbrellas'), 'the reason is not for the user');
  await ada.page.getByText(/Sold umbrellas/).waitFor();
});

peopleTest('what administrators do is on the audit log, whoever did it where', async (t, open) => {
  const app = await startApp(t);
  const ada = await administer(open, app);
  await createRoom(ada, 'gardening', 'Seeds and weeds');
  await act(ada, says.rooms.edit, says.rooms.editTitle('gardening'), says.rooms.save, async (question) => {
    await question.getByLabel(says.rooms.name, { exact: true }).fill('garden');
  });
  await ada.page.getByRole('heading', { level: 1, name: 'garden', exact: true }).waitFor();
  await goTo(ada, 'audit');
  const table = ada.page.getByRole('table', { name: says.audit.caption });
  await table.getByText(says.audit.acts['room-renamed']).waitFor();
  await table.getByText(says.audit.acts['room-created']).waitFor();
  t.regex(await table.innerText(), /gardening/);
});

peopleTest(
  'people who are no superusers see nothing of the administration, and find their way to the chat',
  async (t, open) => {
    const app = await startApp(t);
    await app.login('bob');
    const bob = await enter(open, app.url, 'bob');
    bob.expects(/status of 403/);
    await accountButton(bob).click();
    t.is(await bob.page.getByRole('menuitem', { name: chatSays.account.administration }).count(), 0);
    await bob.page.goto(`${app.url}/admin`);
    await bob.page.getByRole('heading', { name: says.login.forbidden('bob') }).waitFor();
    t.is(await bob.page.getByRole('navigation').count(), 0);
    await bob.page.getByRole('link', { name: says.toChat }).click();
    await rooms(bob).waitFor();
  },
);

peopleTest('a superuser goes from the chat to the administration and back without a second log-in', async (t, open) => {
  const app = await startApp(t);
  const ada = await administer(open, app);
  await ada.page.getByRole('link', { name: says.toChat }).click();
  await rooms(ada).waitFor();
  await openRoom(ada, room);
  await becomes(t, () => whoIsHere(ada), ['ada']);
  await accountButton(ada).click();
  await ada.page.getByRole('menuitem', { name: chatSays.account.administration }).click();
  await ada.page.getByRole('heading', { level: 1, name: says.parts.now }).waitFor();
  // What the chat showed is kept for the way back, but for nobody else.
  const kept = (): Promise<string> => ada.page.evaluate('JSON.stringify(sessionStorage)');
  t.regex(await kept(), /friends/);
  await ada.page.getByRole('button', { name: says.logOut }).click();
  await ada.page.getByText(says.login.loggedOut).waitFor();
  t.is(await kept(), '{}');
  ada.expects(refusedForm);
  await logInToAdmin(ada, 'ada', 'not her password');
  await ada.page.getByRole('alert').waitFor();
});
