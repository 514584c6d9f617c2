/** Long rooms: history comes while one scrolls up, nothing jumps, and everything can be reached. */
import test, { type ExecutionContext } from 'ava';
import { startApp, type TestApp } from '../support/app.ts';
import { createPeopleTest, holds, type Person } from '../support/people.ts';
import { composer, messages, openRoom, register, say, says, sees } from './chat.ts';
import { topOf } from './page/look.ts';

const peopleTest = createPeopleTest(test);
const room = 'friends';
const bodyOf = (number: number): string => `message ${number}.`;
// With the stop: the next one's time follows at once.
const numbered = /message (\d+)\./g;

/** A room with that many messages, each a line or two. */
async function fill(app: TestApp, count: number): Promise<void> {
  await app.login('bob');
  const storage = await app.elsewhere();
  const bob = await storage.users.findByName('bob');
  const friends = await storage.rooms.findByName(room);
  if (bob === undefined || friends === undefined) throw new Error('Nobody is there.');
  const begun = Date.now() - count * 60_000;
  for (let from = 0; from < count; from += 500) {
    await storage.messages.append(
      Array.from({ length: Math.min(500, count - from) }, (_, index) => ({
        roomId: friends.id,
        userId: bob.id,
        body: bodyOf(from + index + 1),
        ref: `r${from + index}`,
        createdAt: begun + (from + index) * 60_000,
      })),
    );
  }
}

async function numbersShown(person: Person): Promise<number[]> {
  const text = (await messages(person, room).textContent()) ?? '';
  return Array.from(text.matchAll(numbered), ([, number]) => Number(number));
}

/** Puts the pointer over the messages, where the wheel scrolls them. */
async function pointAtMessages(person: Person): Promise<void> {
  await messages(person, room).hover();
}

async function isInSight(person: Person, text: string): Promise<boolean> {
  const found = messages(person, room).getByText(text, { exact: true });
  if ((await found.count()) === 0) return false;
  const top = await found.first().evaluate(topOf);
  return top > 0 && top < 800;
}

async function openFull(t: ExecutionContext, open: (url: string) => Promise<Person>, count: number): Promise<Person> {
  const app = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  await fill(app, count);
  const ada = await open(app.url);
  await register(ada, 'ada');
  await openRoom(ada, room);
  await sees(ada, room, bodyOf(count));
  return ada;
}

peopleTest('a room opens at its end, and older messages come while one scrolls up, without a jump', async (t, open) => {
  const ada = await openFull(t, open, 300);
  await holds('the newest is in sight', () => isInSight(ada, bodyOf(300)));
  await pointAtMessages(ada);
  let first = Math.min(...(await numbersShown(ada)));
  t.true(first <= 251, 'the last 50 at least');
  for (let round = 0; round < 3; round += 1) {
    // Upwards in small steps, as a wheel does, until something older is there; what was on top then has not moved.
    const anchor = messages(ada, room).getByText(bodyOf(first + 2), { exact: true });
    await holds('the oldest that is there is in sight', async () => {
      await ada.page.mouse.wheel(0, -400);
      return isInSight(ada, bodyOf(first + 2));
    });
    let before = await anchor.evaluate(topOf);
    const known = first;
    await holds('older ones have come', async () => {
      const now = await anchor.evaluate(topOf);
      first = Math.min(...(await numbersShown(ada)));
      if (first === known) before = now;
      return first < known;
    });
    const after = await anchor.evaluate(topOf);
    t.true(Math.abs(after - before) <= 2, `it has moved by ${after - before} pixels`);
  }
});

peopleTest('all of 5,000 messages can be reached by scrolling up', async (t, open) => {
  const ada = await openFull(t, open, 5000);
  await pointAtMessages(ada);
  const seen = new Set<number>(await numbersShown(ada));
  const deadline = performance.now() + 120_000;
  const beginning = messages(ada, room).getByText(says.messages.beginning(room));
  while (performance.now() < deadline) {
    await ada.page.mouse.wheel(0, -20_000);
    for (const number of await numbersShown(ada)) seen.add(number);
    if (seen.has(1) && (await beginning.count()) > 0) break;
  }
  for (const number of await numbersShown(ada)) seen.add(number);
  t.is(seen.size, 5000);
  await holds('the first is in sight', async () => {
    await ada.page.mouse.wheel(0, -20_000);
    return isInSight(ada, bodyOf(1));
  });
  // And back at once.
  await ada.page.getByRole('button', { name: says.messages.toEnd }).click();
  await holds('the newest is in sight', () => isInSight(ada, bodyOf(5000)));
  await say(ada, room, 'at the end');
  await holds('what one says is in sight', () => isInSight(ada, 'at the end'));
});

peopleTest('what comes while one reads older messages moves nothing, and is announced below', async (t, open) => {
  const ada = await openFull(t, open, 200);
  await pointAtMessages(ada);
  await holds('some older one is in sight', async () => {
    await ada.page.mouse.wheel(0, -300);
    return isInSight(ada, bodyOf(160));
  });
  const anchor = messages(ada, room).getByText(bodyOf(160), { exact: true });
  const bob = await open(ada.page.url().replace(/#.*/, ''));
  await register(bob, 'carol');
  await openRoom(bob, room);
  const before = await anchor.evaluate(topOf);
  await say(bob, room, 'news');
  await sees(ada, room, 'news');
  const button = ada.page.getByRole('button', {
    name: new RegExp(`${says.messages.toEnd}|${says.messages.newBelow(1)}`),
  });
  await button.first().waitFor();
  const after = await anchor.evaluate(topOf);
  t.true(Math.abs(after - before) <= 2, `it has moved by ${after - before} pixels`);
  await button.first().click();
  await holds('the news are in sight', () => isInSight(ada, 'news'));
  // At the end it sticks to the end.
  await say(bob, room, 'more news');
  await holds('more news are in sight', () => isInSight(ada, 'more news'));
  t.is(await composer(ada, room).inputValue(), '');
});
