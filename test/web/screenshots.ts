/**
 * Pictures of every page, light and dark, on a desktop and on a phone, of a town with a life:
 * `npm run build && node dist/test/web/screenshots.js FOLDER`. To be looked at; no test.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { BrowserContextOptions } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { openPerson, type Person } from '../support/people.ts';
import { says as adminSays, logInToAdmin } from './admin.ts';
import { accountButton, composer, enter, messages, openRoom, rooms, say, says } from './chat.ts';
import { comesToRest } from './page/watch.ts';
import { makeBusy, mayor, password, startTown, type Town } from './town.ts';

const room = 'friends';
const devices: Readonly<Record<string, BrowserContextOptions>> = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 375, height: 720 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
};

type Shoot = (name: string, person: Person) => Promise<void>;

await main(process.argv[2] ?? 'screenshots');

async function main(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const closers: (() => unknown)[] = [];
  // All that the town wants of a test is its end.
  const t = { teardown: (run: () => unknown) => void closers.push(run) } as unknown as ExecutionContext;
  try {
    const browser = await launchBrowser();
    closers.push(() => browser.close());
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const [device, options] of Object.entries(devices)) {
        const town = await startTown(t);
        const how = { ...options, colorScheme };
        const shoot: Shoot = async (name, { page }) => {
          // Nothing is pointed at, or it would look different.
          await page.mouse.move(0, 0);
          await page.evaluate(comesToRest);
          await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${device}.png`) });
        };
        const open = (url: string): Promise<Person> => openPerson(browser.newContext, url, how);
        await shootChat(town, open, shoot, device === 'phone');
        await shootAdmin(town, open, shoot);
      }
    }
  } finally {
    for (const close of closers.toReversed()) await close();
  }
  console.log(`The pictures are in ${folder}.`);
}

type Open = (url: string) => Promise<Person>;

async function shootChat(town: Town, open: Open, shoot: Shoot, isPhone: boolean): Promise<void> {
  const stranger = await open(town.app.url);
  await stranger.page.getByRole('tab', { name: says.entry.login }).waitFor();
  await shoot('chat-log-in', stranger);
  await stranger.page.getByRole('tab', { name: says.entry.register }).click();
  await stranger.page.getByLabel(says.entry.username, { exact: true }).fill(mayor);
  await stranger.page.getByLabel(says.entry.password, { exact: true }).fill('12345678');
  await stranger.page.getByRole('button', { name: says.entry.submitRegister }).click();
  await stranger.page.locator('[aria-invalid="true"]').first().waitFor();
  await shoot('chat-register', stranger);

  const ada = await enter(open, town.app.url, mayor);
  await shoot('chat-welcome', ada);
  const back = async (): Promise<void> => {
    if (isPhone) await ada.page.goBack();
    await rooms(ada).waitFor();
  };
  await openRoom(ada, 'book-club');
  await back();
  await openRoom(ada, 'weekend-hikes');
  await back();
  await openRoom(ada, room);
  await makeBusy(town, room);
  const dennis = await town.visitor('dennis');
  await dennis.ask({ type: 'join', room_name: 'book-club' }, { code: 'joined', you: true });
  const news = { type: 'message', room_name: 'book-club', body: 'Bring cushions!' };
  await dennis.ask(news, { code: 'message' });
  await say(ada, room, 'Will do. Platform 4, was it?');
  await messages(ada, room).getByText('Will do. Platform 4, was it?').waitFor();
  await shoot('chat-room', ada);
  await composer(ada, room).fill('/st');
  await ada.page.getByRole('listbox', { name: says.composer.commands }).waitFor();
  await shoot('chat-commands', ada);
  await composer(ada, room).fill('');
  if (isPhone) {
    await ada.page.getByRole('button', { name: new RegExp(`^${says.room.showPeople}`) }).click();
    await ada.page.getByRole('dialog', { name: says.room.people }).waitFor();
    await shoot('chat-people', ada);
    await ada.page.getByRole('button', { name: says.room.hidePeople }).click();
  }
  await back();
  if (isPhone) await shoot('chat-rooms', ada);
  await rooms(ada).getByRole('link', { name: says.rooms.logs }).click();
  await ada.page.getByRole('heading', { name: says.logs.title }).waitFor();
  await shoot('chat-logs', ada);
  await back();
  await accountButton(ada).click();
  await shoot('chat-account', ada);
  await ada.page.keyboard.press('Escape');

  const elsewhere = await open(town.app.url);
  const token = await ada.page.evaluate(`localStorage.getItem('finchat.token')`);
  await elsewhere.page.evaluate(`localStorage.setItem('finchat.token', ${JSON.stringify(token)})`);
  await elsewhere.page.reload();
  await elsewhere.page.getByRole('button', { name: says.elsewhere.useHere }).waitFor();
  await shoot('chat-elsewhere', elsewhere);
  for (const person of [stranger, elsewhere]) await person.context.close();
}

async function shootAdmin(town: Town, open: Open, shoot: Shoot): Promise<void> {
  const { storage, app } = town;
  const [ada, ken] = [await storage.users.findByName(mayor), await storage.users.findByName('ken')];
  const barbara = await storage.users.findByName('barbara');
  if (ada === undefined || ken === undefined || barbara === undefined) throw new Error('The town is empty.');
  const by = { userId: ada.id, name: mayor, via: 'page' } as const;
  await storage.users.mute(ken.id, Date.now() + 3_600_000, by);
  await storage.users.ban(barbara.id, { until: null, reason: 'Sells umbrellas in every room' }, by);

  const person = await open(`${app.url}/admin`);
  const { page } = person;
  await page.getByRole('heading', { name: adminSays.login.heading }).waitFor();
  await shoot('admin-log-in', person);
  await logInToAdmin(person, mayor, password);
  await page.getByRole('heading', { level: 1, name: adminSays.parts.now }).waitFor();
  await page.getByText(adminSays.loading).first().waitFor({ state: 'detached' });
  await shoot('admin-now', person);
  for (const [name, hash, button] of [
    ['rooms', '#/rooms', adminSays.rooms.create],
    ['room', '#/rooms/friends', adminSays.rooms.delete],
    ['messages', '#/messages?q=quince', undefined],
    ['users', '#/users', undefined],
    ['user', '#/users/linus', adminSays.user.mute],
    ['audit', '#/audit', undefined],
  ] as const) {
    await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.getByText(adminSays.loading).first().waitFor({ state: 'detached' });
    await page.getByRole('main').getByRole('link').first().waitFor();
    await shoot(`admin-${name}`, person);
    if (button === undefined) continue;
    await page.getByRole('main').getByRole('button', { name: button, exact: true }).click();
    await page.getByRole('dialog').waitFor();
    await shoot(`admin-${name}-dialog`, person);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  await person.context.close();
}
