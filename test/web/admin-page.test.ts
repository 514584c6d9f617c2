/** The administration page itself: its addresses, its questions, its tables, and what it says when something is in the way. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { becomes, brokenLine, createPeopleTest } from '../support/people.ts';
import { act, administer, createRoom, dialog, goTo, isTold, logInToAdmin, openRoomPage, says } from './admin.ts';

const peopleTest = createPeopleTest(test);

peopleTest('every place has an address that survives a reload and the back button', async (t, open) => {
  const app = await startApp(t);
  const ada = await administer(open, app);
  ada.expects(/status of 404/);
  const { page } = ada;
  await openRoomPage(ada, 'friends');
  t.true(page.url().endsWith('/admin#/rooms/friends'));
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'friends', exact: true }).waitFor();
  await page.getByRole('link', { name: says.rooms.openSearch }).click();
  await page.getByRole('heading', { level: 1, name: says.parts.messages }).waitFor();
  t.is(await page.getByLabel(says.messages.room, { exact: true }).inputValue(), 'friends');
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'friends', exact: true }).waitFor();
  await page.goBack();
  const search = page.getByRole('searchbox', { name: says.rooms.search });
  await search.fill('fam');
  await becomes(t, async () => new URL(page.url()).hash, '#/rooms?search=fam');
  await page.reload();
  await becomes(t, () => search.inputValue(), 'fam');
  await page.getByRole('link', { name: 'family', exact: true }).waitFor();
  t.is(await page.getByRole('link', { name: 'friends', exact: true }).count(), 0);
  await page.goto(`${app.url}/admin#/rooms/nothing`);
  await page.getByText(says.rooms.gone('nothing')).waitFor();
});

peopleTest('a double click acts once, and what is refused is said beside its field', async (t, open) => {
  const app = await startApp(t);
  const ada = await administer(open, app);
  ada.expects(/status of 400/);
  await goTo(ada, 'rooms');
  const posted: string[] = [];
  ada.page.on('request', (request) => {
    if (request.method() === 'POST') posted.push(request.url());
  });
  await ada.page.getByRole('button', { name: says.rooms.create, exact: true }).click();
  const question = dialog(ada, says.rooms.createTitle);
  const name = question.getByLabel(says.rooms.name, { exact: true });
  await name.fill('Family');
  await question.getByRole('button', { name: says.rooms.createDo }).click();
  await question.getByText('A room named Family exists already').waitFor();
  t.true(await name.evaluate((field) => field === field.ownerDocument.activeElement));
  await name.fill('attic');
  posted.length = 0;
  await question.getByRole('button', { name: says.rooms.createDo }).dblclick();
  await isTold(ada, says.rooms.created('attic'));
  t.is(posted.length, 1);
});

peopleTest('a log-in that ends in the middle is said, and one goes on where one was', async (t, open) => {
  const app = await startApp(t);
  const ada = await administer(open, app);
  ada.expects(/status of 401/);
  await goTo(ada, 'users');
  const storage = await app.elsewhere();
  const user = await storage.users.findByName('ada');
  for (const { id } of await storage.tokens.list(user?.id)) await storage.tokens.revoke(id);
  const link = ada.page.getByRole('link', { name: says.parts.audit, exact: true });
  await link.click();
  await ada.page.getByText(says.login.ended).waitFor();
  await logInToAdmin(ada, 'ada');
  await ada.page.getByRole('heading', { level: 1, name: says.parts.audit }).waitFor();
});

peopleTest('rooms are put in the order of a column, and its heading says so', async (t, open) => {
  const app = await startApp(t);
  const bob = await app.chat('bob');
  await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  await bob.ask({ type: 'message', room_name: 'friends', body: 'Hello' }, { code: 'message' });
  const ada = await administer(open, app);
  await goTo(ada, 'rooms');
  const table = ada.page.getByRole('table', { name: says.rooms.caption });
  const names = (): Promise<string[]> => table.getByRole('rowheader').getByRole('link').allInnerTexts();
  await becomes(t, names, ['family', 'friends', 'investments']);
  const heading = table.getByRole('columnheader', { name: says.rooms.messages });
  t.is(await heading.getAttribute('aria-sort'), 'none');
  await heading.getByRole('button').click();
  await becomes(t, names, ['friends', 'family', 'investments']);
  t.is(await heading.getAttribute('aria-sort'), 'descending');
  await heading.getByRole('button').click();
  t.is(await heading.getAttribute('aria-sort'), 'ascending');
});

peopleTest('a line that is away is said, what was typed stays, and trying again works', async (t, open) => {
  const app = await startApp(t);
  const ada = await administer(open, app);
  ada.expects(brokenLine);
  await goTo(ada, 'rooms');
  await ada.page.getByRole('button', { name: says.rooms.create, exact: true }).click();
  const question = dialog(ada, says.rooms.createTitle);
  await question.getByLabel(says.rooms.name, { exact: true }).fill('attic');
  await ada.context.setOffline(true);
  await question.getByRole('button', { name: says.rooms.createDo }).click();
  await question.getByText(says.faults.unreachable).waitFor();
  await ada.context.setOffline(false);
  await question.getByRole('button', { name: says.rooms.createDo }).click();
  await isTold(ada, says.rooms.created('attic'));
  await ada.context.setOffline(true);
  await ada.page.getByRole('link', { name: says.parts.users, exact: true }).click();
  // The room's own page, which was read when the line went, has an alert of its own until this one is there.
  await ada.page.getByRole('heading', { level: 1, name: says.parts.users }).waitFor();
  await ada.page.getByRole('alert').getByText(says.faults.unreachable).waitFor();
  await ada.context.setOffline(false);
  await ada.page.getByRole('button', { name: says.tryAgain }).click();
  await ada.page.getByRole('table', { name: says.users.caption }).waitFor();
});

peopleTest('the focus goes on where one works, though an act took its button away', async (t, open) => {
  const app = await startApp(t);
  const bob = await app.chat('bob');
  await bob.ask({ type: 'join', room_name: 'family' }, { code: 'joined' });
  for (const body of ['one', 'two', 'three']) {
    await bob.ask({ type: 'message', room_name: 'family', body }, { code: 'message' });
  }
  const ada = await administer(open, app);
  const focused = (): Promise<string> =>
    ada.page.evaluate('document.activeElement.ariaLabel ?? document.activeElement.textContent');
  await createRoom(ada, 'attic', '');
  await becomes(t, focused, 'attic');
  await openRoomPage(ada, 'family');
  const buttons = ada.page.getByRole('button', { name: /^Delete the message of bob/ });
  await becomes(t, () => buttons.count(), 3);
  await buttons.nth(1).click();
  await dialog(ada, says.messages.deleteTitle).getByRole('button', { name: says.messages.deleteDo }).click();
  await isTold(ada, says.messages.deleted);
  await becomes(t, () => buttons.count(), 2);
  t.true(await buttons.nth(1).evaluate((button) => button === button.ownerDocument.activeElement));
  await ada.page.goto(`${app.url}/admin#/users/bob`);
  await act(ada, says.user.kick, says.user.kickTitle('bob'), says.user.kick);
  await ada.page.getByText(says.user.offline).waitFor();
  await becomes(t, focused, 'bob');
});
