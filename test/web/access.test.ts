/** Everybody can use the pages: with the keyboard alone, on a phone, by hearing, in light and in dark. */
import test from 'ava';
import type { BrowserContextOptions } from 'playwright-core';
import { limits } from '../../src/protocol/limits.ts';
import { startApp } from '../support/app.ts';
import { createPeopleTest, holds, type Person, violations } from '../support/people.ts';
import { says as adminSays, appoint, goTo } from './admin.ts';
import {
  accountButton,
  composer,
  connected,
  logIn,
  messages,
  openRoom,
  roomLink,
  rooms,
  say,
  says,
  sees,
  settled,
} from './chat.ts';
import { focusNow, hasFocus, sidewaysBy } from './page/look.ts';
import { makeBusy, mayor, password, startTown } from './town.ts';

const peopleTest = createPeopleTest(test);
const room = 'friends';
const phone: BrowserContextOptions = { viewport: { width: 375, height: 667 }, hasTouch: true, isMobile: true };

/** Presses the key until what has the focus is called that; every stop on the way must be seen. */
async function press(person: Person, key: string, wanted: RegExp, limit = 40): Promise<void> {
  const stops: string[] = [];
  for (let count = 0; count < limit; count += 1) {
    await person.page.keyboard.press(key);
    const { role, name, isSeen } = await person.page.evaluate(focusNow);
    stops.push(`${role} ${name}`);
    if (!isSeen && role !== '') throw new Error(`The focus is not seen on ${role} "${name}".`);
    if (wanted.test(name)) return;
  }
  throw new Error(`${key} does not lead to ${String(wanted)}, but to ${stops.join(' | ')}`);
}

peopleTest('with the keyboard alone one logs in, enters a room, speaks, and administers', async (t, open) => {
  const app = await startApp(t);
  await appoint(app, 'ada');
  const ada = await open(app.url);
  const { keyboard } = ada.page;
  await ada.page.getByRole('tab', { name: says.entry.login }).waitFor();
  // The page begins in its first field; the tabs are before it.
  await press(ada, 'Shift+Tab', new RegExp(`^${says.entry.login}$`));
  await keyboard.press('ArrowRight');
  await ada.page.getByRole('tabpanel', { name: says.entry.register }).waitFor();
  await keyboard.press('ArrowLeft');
  await ada.page.getByRole('tabpanel', { name: says.entry.login }).waitFor();
  await keyboard.press('Tab');
  await keyboard.type('ada');
  await keyboard.press('Tab');
  await keyboard.type(password);
  await keyboard.press('Enter');
  await rooms(ada).waitFor();
  await connected(ada);

  await press(ada, 'Tab', /^friends/);
  await keyboard.press('Enter');
  await composer(ada, room).waitFor();
  await holds('the composer has the focus', () => composer(ada, room).evaluate(hasFocus));
  await keyboard.type('typed by hand');
  await keyboard.press('Enter');
  await sees(ada, room, 'typed by hand');
  await settled(ada, room);
  // From the composer back to the messages, which scroll by the keyboard.
  await press(ada, 'Shift+Tab', new RegExp(says.room.messages(room)));

  await press(ada, 'Shift+Tab', new RegExp(says.account.menu));
  await keyboard.press('Enter');
  await press(ada, 'ArrowDown', new RegExp(says.account.administration));
  await keyboard.press('Enter');
  await ada.page.getByRole('heading', { level: 1, name: adminSays.parts.now }).waitFor();
  await press(ada, 'Tab', new RegExp(`^${adminSays.parts.rooms}$`));
  await keyboard.press('Enter');
  const list = ada.page.getByRole('heading', { level: 1, name: adminSays.parts.rooms });
  await holds('the heading of the rooms has the focus', () => list.evaluate(hasFocus));
  await press(ada, 'Tab', new RegExp(adminSays.rooms.create));
  await keyboard.press('Enter');
  await ada.page.getByRole('dialog').waitFor();
  await keyboard.type('by-hand');
  await keyboard.press('Tab');
  await keyboard.type('Made without a mouse');
  await keyboard.press('Enter');
  const heading = ada.page.getByRole('heading', { level: 1, name: 'by-hand' });
  // Once the room has come: until then there is less to go to.
  await ada.page.getByRole('button', { name: adminSays.rooms.delete }).waitFor();
  await holds('the new page’s heading has the focus', () => heading.evaluate(hasFocus));
  // Escape closes a question, and the focus is where it was.
  await press(ada, 'Tab', new RegExp(`^${adminSays.rooms.delete}$`));
  await keyboard.press('Enter');
  await ada.page.getByRole('dialog').waitFor();
  await keyboard.press('Escape');
  await ada.page.getByRole('dialog').waitFor({ state: 'detached' });
  t.is((await ada.page.evaluate(focusNow)).name, adminSays.rooms.delete);
});

peopleTest('on a phone everything is reached, and nothing is wider than the screen', async (t, open) => {
  const town = await startTown(t);
  const ada = await open(town.app.url, phone);
  const fits = async (where: string): Promise<void> => void t.is(await ada.page.evaluate(sidewaysBy), 0, where);
  await fits('log-in');
  await ada.page.getByRole('tab', { name: says.entry.register }).tap();
  await fits('registration');
  await logIn(ada, mayor);
  await fits('rooms');
  await roomLink(ada, room).tap();
  await composer(ada, room).waitFor();
  await makeBusy(town, room);
  await messages(ada, room).getByText('AAPL.US quote is $189.98 per share').waitFor();
  await fits('room');
  await composer(ada, room).fill('from my phone');
  await ada.page.getByRole('button', { name: says.composer.send }).tap();
  await sees(ada, room, 'from my phone');
  await ada.page.getByRole('button', { name: new RegExp(`^${says.room.showPeople}`) }).tap();
  await ada.page.getByRole('dialog', { name: says.room.people }).getByText('linus').first().waitFor();
  await fits('people');
  await ada.page.getByRole('button', { name: says.room.hidePeople }).tap();
  await ada.page
    .getByRole('button', { name: says.room.back })
    .or(ada.page.getByRole('link', { name: says.room.back }))
    .first()
    .tap();
  await rooms(ada).waitFor();
  await rooms(ada).getByRole('link', { name: says.rooms.logs }).tap();
  await ada.page.getByRole('heading', { name: says.logs.title }).waitFor();
  await fits('logs');
  await ada.page.goBack();
  await rooms(ada).waitFor();
  await accountButton(ada).tap();
  await ada.page.getByRole('menuitem', { name: says.account.administration }).tap();
  await ada.page.getByRole('heading', { level: 1, name: adminSays.parts.now }).waitFor();
  await fits('administration');
  for (const part of ['rooms', 'messages', 'users', 'audit'] as const) {
    await ada.page.getByRole('button', { name: adminSays.menu }).tap();
    await goTo(ada, part);
    await ada.page.getByRole('main').getByRole('link').first().waitFor();
    await fits(part);
  }
});

peopleTest('light and dark follow the system, and what one chooses instead stays', async (t, open) => {
  const { url } = await startApp(t);
  const ada = await open(url, { colorScheme: 'dark' });
  const background = (): Promise<string> => ada.page.evaluate('getComputedStyle(document.body).backgroundColor');
  const dark = await background();
  await ada.page.emulateMedia({ colorScheme: 'light' });
  await holds('it is light', async () => (await background()) !== dark);
  const light = await background();
  await ada.page.getByRole('radio', { name: 'Dark' }).check({ force: true });
  await holds('it is dark', async () => (await background()) === dark);
  await ada.page.reload();
  await ada.page.getByRole('tab', { name: says.entry.login }).waitFor();
  t.is(await background(), dark);
  await ada.page.goto(`${url}/admin`);
  await ada.page.getByRole('heading', { name: adminSays.login.heading }).waitFor();
  t.is(await background(), dark, 'for both pages');
  await ada.page.getByRole('radio', { name: 'System' }).check({ force: true });
  await holds('it is light again', async () => (await background()) === light);
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const device of ['desktop', 'phone'] as const) {
    peopleTest(`axe-core finds nothing on any page of the chat (${colorScheme}, ${device})`, async (t, open) => {
      const town = await startTown(t);
      const ada = await open(town.app.url, { colorScheme, ...(device === 'phone' && phone) });
      const found: Record<string, string[]> = {};
      const isFine = async (where: string): Promise<void> => void (found[where] = await violations(ada.page));
      await ada.page.getByRole('tab', { name: says.entry.login }).waitFor();
      await isFine('log-in');
      await ada.page.getByRole('tab', { name: says.entry.register }).click();
      ada.expects(/status of 400/);
      await ada.page.getByRole('button', { name: says.entry.submitRegister }).click();
      await ada.page.locator('[aria-invalid="true"]').first().waitFor();
      await isFine('registration with faults');
      await logIn(ada, mayor);
      await isFine('rooms');
      await openRoom(ada, room);
      await makeBusy(town, room);
      await messages(ada, room).getByText('AAPL.US quote is $189.98 per share').waitFor();
      await isFine('room');
      await composer(ada, room).fill('/st');
      await isFine('commands');
      await composer(ada, room).fill('x'.repeat(limits.bodyLength + 1));
      await isFine('too long');
      if (device === 'phone') {
        await composer(ada, room).fill('');
        await ada.page.getByRole('button', { name: new RegExp(`^${says.room.showPeople}`) }).click();
        await ada.page.getByRole('dialog', { name: says.room.people }).waitFor();
        await isFine('people');
        await ada.page.getByRole('button', { name: says.room.hidePeople }).click();
        await ada.page.goBack();
      }
      await rooms(ada).getByRole('link', { name: says.rooms.logs }).click();
      await ada.page.getByRole('heading', { name: says.logs.title }).waitFor();
      await isFine('logs');
      if (device === 'phone') await ada.page.goBack();
      await accountButton(ada).click();
      await isFine('account');
      const other = await open(town.app.url, { colorScheme });
      await other.page.evaluate(`localStorage.setItem('finchat.token', ${JSON.stringify(await token(ada))})`);
      await other.page.reload();
      await other.page.getByRole('heading', { name: says.elsewhere.titles['already-chatting'] }).waitFor();
      found['elsewhere'] = await violations(other.page);
      t.deepEqual(faulty(found), []);
    });

    peopleTest(
      `axe-core finds nothing on any page of the administration (${colorScheme}, ${device})`,
      async (t, open) => {
        const town = await startTown(t);
        await makeBusy(town, room);
        const ada = await open(`${town.app.url}/admin`, { colorScheme, ...(device === 'phone' && phone) });
        const { page } = ada;
        const found: Record<string, string[]> = {};
        const isFine = async (where: string): Promise<void> => void (found[where] = await violations(page));
        ada.expects(/status of 404/);
        await page.getByRole('heading', { name: adminSays.login.heading }).waitFor();
        await isFine('log-in');
        await page.getByLabel(adminSays.login.username, { exact: true }).fill(mayor);
        await page.getByLabel(adminSays.login.password, { exact: true }).fill(password);
        await page.getByRole('button', { name: adminSays.login.submit }).click();
        await page.getByRole('heading', { level: 1, name: adminSays.parts.now }).waitFor();
        await isFine('now');
        for (const [where, hash] of [
          ['rooms', '#/rooms'],
          ['room', '#/rooms/friends'],
          ['messages', '#/messages'],
          ['users', '#/users'],
          ['user', '#/users/linus'],
          ['yourself', `#/users/${mayor}`],
          ['audit', '#/audit'],
          ['nowhere', '#/nowhere'],
          ['no such room', '#/rooms/nowhere'],
          ['no such user', '#/users/nobody'],
          ['nothing found', '#/messages?q=xyzzy'],
        ] as const) {
          await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
          await page.getByRole('heading', { level: 1 }).waitFor();
          await page.getByText(adminSays.loading).first().waitFor({ state: 'detached' });
          await isFine(where);
        }
        for (const [hash, button] of [
          ['#/rooms', adminSays.rooms.create],
          ['#/rooms/friends', adminSays.rooms.edit],
          ['#/rooms/friends', adminSays.rooms.delete],
          ['#/users', adminSays.users.create],
          ['#/users/linus', adminSays.user.mute],
          ['#/users/linus', adminSays.user.ban],
          ['#/users/linus', adminSays.user.password],
        ] as const) {
          await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
          await page.getByRole('main').getByRole('button', { name: button, exact: true }).click();
          await page.getByRole('dialog').waitFor();
          await isFine(button);
          await page.keyboard.press('Escape');
          await page.getByRole('dialog').waitFor({ state: 'detached' });
        }
        t.deepEqual(faulty(found), []);
      },
    );
  }
}

/** The states with violations, each with them. */
function faulty(found: Record<string, string[]>): [where: string, violations: string[]][] {
  return Object.entries(found).filter(([, all]) => all.length > 0);
}

async function token(person: Person): Promise<string> {
  return String(await person.page.evaluate(`localStorage.getItem('finchat.token')`));
}

peopleTest('what one says is read out once, by a region that says so', async (t, open) => {
  const app = await startApp(t);
  await app.login('ada');
  const ada = await open(app.url);
  await logIn(ada, 'ada');
  await openRoom(ada, room);
  await say(ada, room, 'hear hear');
  await sees(ada, room, 'hear hear');
  t.is(await ada.page.getByRole('log').count(), 1);
});
