/** Long words, long names, many of everything, and small windows: nothing is wider than the window, nothing is out of reach. */
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { startApp } from '../support/app.ts';
import { createPeopleTest, type Person, violations } from '../support/people.ts';
import { says as adminSays, appoint, goTo } from './admin.ts';
import { composer, logIn, messages, openRoom, rooms, say, says, settled } from './chat.ts';
import { sidewaysBy } from './page/look.ts';

const peopleTest = createPeopleTest(test);
const longName = `a${'-long'.repeat(12)}`.slice(0, limits.roomNameLength);
const longUser = 'Wolfeschlegelsteinhausenbergerdorff'.repeat(5).slice(0, limits.usernameLength);
const longTopic = 'Donaudampfschifffahrtsgesellschaft'.repeat(8).slice(0, limits.topicLength);

for (const [what, viewport] of [
  ['a phone', { width: 375, height: 667 }],
  // WCAG 2.2, 1.4.10: 1280 pixels at 400 %.
  ['a window at 400 %', { width: 320, height: 256 }],
  ['a tablet', { width: 820, height: 1180 }],
] as const) {
  peopleTest(`long words and long names fit into ${what}`, async (t, open) => {
    const app = await startApp(t);
    await appoint(app, longUser);
    const storage = await app.elsewhere();
    await storage.rooms.create({ name: longName, topic: longTopic, createdAt: Date.now() });
    const person: Person = await open(app.url, { viewport });
    const { page } = person;
    const fits = async (where: string): Promise<void> => void t.is(await page.evaluate(sidewaysBy), 0, where);
    await logIn(person, longUser);
    await rooms(person).getByRole('button', { name: says.rooms.refresh }).click();
    await fits('rooms');
    await openRoom(person, longName);
    await say(person, longName, 'x'.repeat(limits.bodyLength));
    await say(person, longName, `/${'c'.repeat(limits.commandLength)}=${'p'.repeat(1000)}`);
    await say(person, longName, `https://example.org/${'y'.repeat(1000)}`);
    await say(person, longName, 'line\n'.repeat(200).trim());
    await settled(person, longName);
    await fits('room');
    t.is(await messages(person, longName).evaluate((log) => log.scrollWidth - log.clientWidth), 0, 'messages');
    const field = await composer(person, longName).boundingBox();
    t.true(field !== null && field.y >= 0 && field.y + field.height <= viewport.height, 'the composer is in sight');
    await composer(person, longName).fill('line\n'.repeat(100));
    const grown = await composer(person, longName).boundingBox();
    t.true(grown !== null && grown.y >= 0 && grown.y + grown.height <= viewport.height, 'and stays there');
    t.deepEqual(await violations(page), [], 'room');

    await page.goto(`${app.url}/admin`);
    await page.getByRole('heading', { level: 1, name: adminSays.parts.now }).waitFor();
    await fits('now');
    for (const part of ['rooms', 'messages', 'users', 'audit'] as const) {
      const menu = page.getByRole('button', { name: adminSays.menu });
      if (await menu.isVisible()) await menu.click();
      await goTo(person, part);
      await page.getByText(adminSays.loading).first().waitFor({ state: 'detached' });
      await fits(part);
    }
    for (const hash of [`#/rooms/${longName}`, `#/users/${longUser}`]) {
      await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
      await page.getByText(adminSays.loading).first().waitFor({ state: 'detached' });
      await page.getByRole('heading', { level: 1 }).waitFor();
      await fits(hash);
    }
  });
}
