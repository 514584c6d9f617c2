/** The administration page as people use it. */
import type { Locator } from 'playwright-core';
import { en } from '../../src/web/texts/en.ts';
import type { TestApp } from '../support/app.ts';
import type { OpenPerson, Person } from '../support/people.ts';
import { password } from './town.ts';

export const says: typeof en.admin = en.admin;

/** Makes somebody a superuser, as the command line does: beside the running server. */
export async function appoint(app: TestApp, username: string): Promise<void> {
  await app.login(username);
  const storage = await app.elsewhere();
  const user = await storage.users.findByName(username);
  if (user === undefined) throw new Error(`Nobody is called ${username}.`);
  await storage.users.setSuperuser(user.id, true);
}

export async function logInToAdmin({ page }: Person, username: string, secret: string = password): Promise<void> {
  await page.getByRole('heading', { name: says.login.heading }).waitFor();
  await page.getByLabel(says.login.username, { exact: true }).fill(username);
  await page.getByLabel(says.login.password, { exact: true }).fill(secret);
  await page.getByRole('button', { name: says.login.submit }).click();
}

/** Opens the administration as a superuser. */
export async function administer(open: OpenPerson, app: TestApp, username = 'ada'): Promise<Person> {
  await appoint(app, username);
  const person = await open(`${app.url}/admin`);
  await logInToAdmin(person, username);
  await person.page.getByRole('heading', { level: 1, name: says.parts.now }).waitFor();
  return person;
}

export async function goTo({ page }: Person, part: keyof typeof says.parts): Promise<void> {
  await page.getByRole('navigation', { name: says.navigation }).getByRole('link', { name: says.parts[part] }).click();
  await page.getByRole('heading', { level: 1, name: says.parts[part], exact: true }).waitFor();
}

export async function openRoomPage(person: Person, name: string): Promise<void> {
  await goTo(person, 'rooms');
  await person.page.getByRole('table', { name: says.rooms.caption }).getByRole('link', { name, exact: true }).click();
  await person.page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

export async function openUserPage(person: Person, name: string): Promise<void> {
  await goTo(person, 'users');
  await person.page.getByRole('table', { name: says.users.caption }).getByRole('link', { name, exact: true }).click();
  await person.page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

export function dialog({ page }: Person, title: string): Locator {
  return page.getByRole('dialog', { name: title });
}

/** Presses the button that opens the question, answers it with what is to be filled in, and waits until it is done. */
export async function act(
  person: Person,
  button: string,
  title: string,
  doLabel: string,
  fill: (question: Locator) => Promise<void> = async () => {},
): Promise<void> {
  await person.page.getByRole('button', { name: button, exact: true }).click();
  const question = dialog(person, title);
  await fill(question);
  await question.getByRole('button', { name: doLabel, exact: true }).click();
  await question.waitFor({ state: 'detached' });
}

export async function createRoom(person: Person, name: string, topic: string): Promise<void> {
  await goTo(person, 'rooms');
  await act(person, says.rooms.create, says.rooms.createTitle, says.rooms.createDo, async (question) => {
    await question.getByLabel(says.rooms.name, { exact: true }).fill(name);
    await question.getByLabel(says.rooms.topic, { exact: true }).fill(topic);
  });
  await person.page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

/** What the page says has been done. */
export async function isTold({ page }: Person, sentence: string): Promise<void> {
  await page.getByRole('status').getByText(sentence, { exact: true }).first().waitFor();
}
