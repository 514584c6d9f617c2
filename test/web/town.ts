/**
 * A server with a life: people who have talked for two days, rooms of several sizes, some who are here now, and acts of
 * an administrator. For pictures of the pages, and for tests that look at pages full of things.
 */
import type { ExecutionContext } from 'ava';
import type { Actor, Storage } from '../../src/core/ports.ts';
import { startApp, type TestApp } from '../support/app.ts';
import type { RawClient } from '../support/raw-client.ts';

export const password = 'a long enough pass-phrase';

/** Who runs the server. */
export const mayor = 'ada';

type Line = [who: string, minutesAgo: number, said: string];

const rooms: readonly { name: string; topic: string; lines: readonly Line[] }[] = [
  { name: 'book-club', topic: 'This month: The Left Hand of Darkness', lines: bookClub() },
  { name: 'kitchen', topic: 'Recipes, and what to do with a kilo of quinces', lines: kitchen() },
  { name: 'releases', topic: 'What ships when. Next: Thursday', lines: [] },
  { name: 'weekend-hikes', topic: 'Meeting point and train times', lines: hikes() },
  { name: 'friends', topic: '', lines: friends() },
  { name: 'family', topic: '', lines: [['grace', 2900, 'Who brings the cake on Sunday?']] },
  { name: 'investments', topic: '', lines: [['ken', 300, 'Morning. Anybody looking at semiconductors?']] },
];

const people = ['grace', 'linus', 'margaret', 'dennis', 'barbara', 'ken', 'katherine', 'finbot'];

export type Town = {
  app: TestApp;
  storage: Storage;
  /** Somebody who is in the chat now, by a raw client. */
  visitor(name: string): Promise<RawClient>;
};

/** Everything of it is closed in teardown. */
export async function startTown(t: ExecutionContext, env: Record<string, string> = {}): Promise<Town> {
  const app = await startApp(t, { env: { RATE_LIMITS: 'off', ...env } });
  const storage = await app.elsewhere();
  for (const username of [mayor, ...people]) {
    await app.request('POST', '/register', { body: { username, password, email: `${username}@example.org` } });
  }
  const ada = await storage.users.findByName(mayor);
  if (ada === undefined) throw new Error('The mayor has moved away.');
  await storage.users.setSuperuser(ada.id, true, { userId: null, name: 'operator', via: 'command' });
  await fillRooms(storage, { userId: ada.id, name: mayor, via: 'page' });
  // The running server learns of rooms made beside it within a second.
  const here = new Map<string, Promise<RawClient>>();
  const visitor = (name: string): Promise<RawClient> => {
    const client = here.get(name) ?? app.chat(name);
    here.set(name, client);
    return client;
  };
  return { app, storage, visitor };
}

async function fillRooms(storage: Storage, by: Actor): Promise<void> {
  const now = Date.now();
  for (const { name, topic, lines } of rooms) {
    const room =
      (await storage.rooms.findByName(name)) ??
      (await storage.rooms.create({ name, topic, createdAt: now - 3 * 86_400_000 }, by));
    const batch = [];
    for (const [index, [who, minutesAgo, body]] of lines.entries()) {
      const user = await storage.users.findByName(who);
      if (user === undefined) throw new Error(`Nobody is called ${who}.`);
      const createdAt = now - minutesAgo * 60_000;
      batch.push({ roomId: room.id, userId: user.id, body, ref: `${name}-${index}`, createdAt });
    }
    if (batch.length > 0) await storage.messages.append(batch);
  }
}

/** Lets people come, talk and leave in a room, as it happens. */
export async function makeBusy(town: Town, room: string): Promise<void> {
  for (const name of ['grace', 'linus', 'margaret', 'finbot']) {
    await (await town.visitor(name)).ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  }
  const say = async (name: string, body: string): Promise<void> => {
    await (await town.visitor(name)).ask({ type: 'message', room_name: room, body }, { code: 'message', body });
  };
  await say('grace', `Good to see you, ${mayor}! The minutes are at https://wiki.example.org/minutes/42?draft=yes`);
  await say('linus', 'Thanks. Three things for today:\n1. the train times\n2. who brings the map\n3. quinces');
  const linus = await town.visitor('linus');
  const stock = { type: 'message', room_name: room, command: 'stock', payload: 'aapl.us' };
  await linus.ask(stock, { code: 'custom', command: 'stock' });
  await say('finbot', 'AAPL.US quote is $189.98 per share');
  await (await town.visitor('margaret')).ask({ type: 'part', room_name: room }, { code: 'parted', you: true });
  await say('grace', `@${mayor} could you have a look at the second one?`);
}

function friends(): Line[] {
  return [
    ['linus', 2990, 'Has anybody seen my umbrella? The green one.'],
    ['grace', 2985, 'You left it at mine. It is drying in the bathtub.'],
    ['linus', 2984, 'Of course it is.'],
    ['margaret', 1610, 'I have tickets for the observatory on Friday, two to give away 🔭'],
    ['barbara', 1602, 'Me! Me!'],
    ['katherine', 1600, 'And me, if Barbara can live with it.'],
    ['barbara', 1599, 'Barbara can.'],
    ['dennis', 1420, 'Next time warn us before there is only one seat left.'],
    ['margaret', 1418, 'There were two, you were asleep.'],
    [
      'ken',
      240,
      'Long story short: the workshop has the bicycle, they need a part that is no longer made, and somebody called Ulf knows somebody who has one in a barn. I will believe it when I see it.',
    ],
    ['grace', 236, 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft'],
    ['grace', 235, 'Sorry, that was a test of my new keyboard.'],
    ['linus', 64, 'Lunch at one? The place with the dumplings.'],
    ['grace', 61, 'Yes, but not the corner table.'],
    ['ada', 58, 'I will be there at ten past.'],
    ['linus', 57, 'So half past.'],
    ['ada', 56, 'That is slander. Accurate slander.'],
  ];
}

function bookClub(): Line[] {
  return [
    ['katherine', 1500, 'Finished! No spoilers, but the crossing of the ice is as good as everybody says.'],
    ['barbara', 1490, 'I am on page 80 and still sorting out the calendar.'],
    ['katherine', 1488, 'It is always the Year One. That is all you need.'],
    ['ada', 90, 'Shall we meet on the 4th? I have the room until nine.'],
  ];
}

function kitchen(): Line[] {
  return [
    ['margaret', 400, 'What does one do with a kilo of quinces?'],
    ['dennis', 396, 'Jelly. Then more jelly. Then give jelly to people at Christmas.'],
    ['grace', 390, 'Or a tajine: https://recipes.example.org/quince-tajine'],
  ];
}

function hikes(): Line[] {
  return [
    ['dennis', 1300, 'Saturday, 9:12 from platform 4. Bring a jumper, it is above the tree line after noon.'],
    ['linus', 1290, 'Is there a hut, or do we need to carry lunch?'],
    ['dennis', 1288, 'There is a hut. There is also cake.'],
  ];
}
