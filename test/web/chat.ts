/** The chat page as people use it: by what it is called and what it is, never by how it looks. */
import type { Locator } from 'playwright-core';
import { en } from '../../src/web/texts/en.ts';
import { holds, type OpenPerson, type Person } from '../support/people.ts';
import { password } from './town.ts';

export const says: typeof en.chat = en.chat;

export async function register(person: Person, username: string): Promise<void> {
  const { page } = person;
  await page.getByRole('tab', { name: says.entry.register }).click();
  const form = page.getByRole('tabpanel', { name: says.entry.register });
  await form.getByLabel(says.entry.username, { exact: true }).fill(username);
  await form.getByLabel(says.entry.email, { exact: true }).fill(`${username}@example.org`);
  await form.getByLabel(says.entry.password, { exact: true }).fill(password);
  await form.getByRole('button', { name: says.entry.submitRegister }).click();
  await isIn(person);
}

/** Fills the form and sends it; what comes of it is for the test to see. */
export async function tryToLogIn(person: Person, username: string, secret: string = password): Promise<void> {
  const { page } = person;
  await page.getByRole('tab', { name: says.entry.login }).click();
  const form = page.getByRole('tabpanel', { name: says.entry.login });
  await form.getByLabel(says.entry.username, { exact: true }).fill(username);
  await form.getByLabel(says.entry.password, { exact: true }).fill(secret);
  await form.getByRole('button', { name: says.entry.submitLogin }).click();
}

export async function logIn(person: Person, username: string): Promise<void> {
  await tryToLogIn(person, username);
  await isIn(person);
}

/** Opens the chat as somebody who is known to the server. */
export async function enter(open: OpenPerson, url: string, username: string): Promise<Person> {
  const person = await open(url);
  await logIn(person, username);
  return person;
}

export async function isIn(person: Person): Promise<void> {
  await rooms(person).waitFor();
  await connected(person);
}

/** What opens the menu of the account. */
export function accountButton({ page }: Person): Locator {
  return page.getByRole('button', { name: says.account.menu });
}

export async function logOut(person: Person): Promise<void> {
  await accountButton(person).click();
  await person.page.getByRole('menuitem', { name: says.account.logout }).click();
}

/** Waits until the page says that it is connected. */
export async function connected({ page }: Person): Promise<void> {
  await page.getByText(says.connection.open, { exact: true }).first().waitFor({ state: 'attached' });
}

export function rooms({ page }: Person): Locator {
  return page.getByRole('navigation', { name: says.rooms.navigation });
}

/** What opens a room. Its name is followed by whether it is joined, and by what is unread. */
export function roomLink(person: Person, name: string): Locator {
  return rooms(person).getByRole('link', { name: new RegExp(`^${name}\\b`) });
}

export async function openRoom(person: Person, name: string): Promise<void> {
  await roomLink(person, name).click();
  await composer(person, name).waitFor();
}

export function messages({ page }: Person, room: string): Locator {
  return page.getByRole('log', { name: says.room.messages(room) });
}

export function composer({ page }: Person, room: string): Locator {
  return page.getByLabel(says.composer.label(room), { exact: true });
}

export async function say(person: Person, room: string, text: string): Promise<void> {
  const field = composer(person, room);
  await field.fill(text);
  await field.press('Enter');
}

/** Waits until the text is in the room's messages, as often as it is said to be (once). */
export async function sees(person: Person, room: string, text: string, times = 1): Promise<void> {
  const found = messages(person, room).getByText(text, { exact: true });
  await found
    .nth(times - 1)
    .waitFor()
    .catch((error: unknown) => {
      throw new Error(`"${text}" is not there.`, { cause: error });
    });
  const count = await found.count();
  if (count !== times) throw new Error(`"${text}" is there ${count} times.`);
}

/** Waits until what was said is stored: nothing is on its way any more. */
export async function settled(person: Person, room: string): Promise<void> {
  await messages(person, room).getByText(says.messages.pending).first().waitFor({ state: 'detached' });
}

/** Who is here, as the list says. */
export async function whoIsHere({ page }: Person): Promise<string[]> {
  const list = page.getByLabel(says.room.people, { exact: true });
  const names = await list.getByRole('listitem').getByTitle(/./).allInnerTexts();
  return names.map((name) => name.trim()).toSorted((a, b) => a.localeCompare(b, 'en'));
}

/** The page's title as it is shown in a tab. */
export async function titleIs({ page }: Person, title: string): Promise<void> {
  await holds(`the title is ${title}`, async () => (await page.title()) === title);
}

/** The address of the picture in the tab. */
export async function tabPicture({ page }: Person): Promise<string> {
  return (await page.locator('link[rel="icon"]').getAttribute('href')) ?? '';
}

export async function goneFrom(person: Person, room: string, text: string): Promise<void> {
  const found = messages(person, room).getByText(text, { exact: true });
  await holds(`"${text}" is gone`, async () => (await found.count()) === 0);
}
