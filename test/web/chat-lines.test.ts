/** Chatting on while the line breaks: killed servers, proxies without WebSockets, a network that is gone, a path of a proxy. */
import { join } from 'node:path';
import test from 'ava';
import { startApp, temporaryFolder } from '../support/app.ts';
import { startMiddleman } from '../support/middleman.ts';
import { becomes, brokenLine, createPeopleTest, holds, type Person } from '../support/people.ts';
import { startServerProcess } from '../support/server-process.ts';
import { findFreePort } from '../support/services.ts';
import {
  composer,
  connected,
  messages,
  openRoom,
  register,
  rooms,
  say,
  says,
  sees,
  settled,
  whoIsHere,
} from './chat.ts';

const peopleTest = createPeopleTest(test);
const room = 'friends';

/** What somebody reads in a room, without names and times: the bodies that this file has sent. */
async function bodies(person: Person): Promise<string[]> {
  return (await messages(person, room).innerText()).match(/\b(ada|bob) says \d+\b/g) ?? [];
}

/** How the page says that it is connected: in the list of the log, or beside the word. */
function connectedBy({ page }: Person, transport: keyof typeof says.connection.by): Promise<void> {
  return page
    .getByTitle(`${says.connection.open} ${says.connection.by[transport]}`)
    .first()
    .waitFor({ timeout: 60_000 });
}

peopleTest(
  'a server that is killed and started again between two messages costs no reload and no message',
  async (t, open) => {
    const env = {
      PORT: String(await findFreePort()),
      DATABASE_URL: `sqlite://${join(await temporaryFolder(t), 'finchat.sqlite')}`,
    };
    const first = await startServerProcess(t, env);
    const ada = await open(first.url);
    const bob = await open(first.url);
    for (const person of [ada, bob]) person.expects(brokenLine);
    await register(ada, 'ada');
    await register(bob, 'bob');
    for (const person of [ada, bob]) {
      await openRoom(person, room);
      await person.page.evaluate('globalThis.isSamePage = true');
    }
    await say(ada, room, 'ada says 1');
    await sees(bob, room, 'ada says 1');

    await first.end('SIGKILL');
    await say(ada, room, 'ada says 2');
    await messages(ada, room).getByText(says.messages.pending).first().waitFor({ state: 'attached' });
    await holds('it is said that the line is gone', async () => {
      return (
        (await bob.page.getByText(says.connection.waiting).or(bob.page.getByText(says.connection.connecting)).count()) >
        0
      );
    });
    await startServerProcess(t, env);
    await say(bob, room, 'bob says 3');
    for (const person of [ada, bob]) {
      await connected(person);
      await sees(person, room, 'ada says 2');
      await sees(person, room, 'bob says 3');
      await settled(person, room);
    }
    await say(ada, room, 'ada says 4');
    await sees(bob, room, 'ada says 4');
    const read = (await bodies(bob)).toSorted();
    t.deepEqual(read, ['ada says 1', 'ada says 2', 'ada says 4', 'bob says 3']);
    t.deepEqual((await bodies(ada)).toSorted(), read);
    await becomes(t, () => whoIsHere(ada), ['ada', 'bob']);
    for (const { page } of [ada, bob]) t.true(await page.evaluate('globalThis.isSamePage'), 'it is the same page');
  },
);

peopleTest(
  'where WebSockets do not get through, one chats by an event stream, and where that is held back, by polls',
  async (t, open) => {
    const app = await startApp(t);
    const proxy = await startMiddleman(t, app.url);
    const bob = await app.chat('bob');
    await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
    const hears = async (person: Person, number: number): Promise<void> => {
      await bob.ask({ type: 'message', room_name: room, body: `bob says ${number}` }, { code: 'message' });
      await sees(person, room, `bob says ${number}`);
      await say(person, room, `ada says ${number}`);
      await bob.next({ code: 'message', body: `ada says ${number}` });
    };
    const ada = await open(proxy.url);
    ada.expects(brokenLine);
    await register(ada, 'ada');
    await openRoom(ada, room);
    await connectedBy(ada, 'websocket');
    await hears(ada, 1);

    proxy.refuseUpgrades();
    await hears(ada, 2);
    await connectedBy(ada, 'sse');
    await hears(ada, 3);

    proxy.holdStreams();
    await hears(ada, 4);
    await connectedBy(ada, 'poll');
    await hears(ada, 5);

    t.deepEqual(
      await bodies(ada),
      [1, 2, 3, 4, 5].flatMap((number) => [`bob says ${number}`, `ada says ${number}`]),
    );
    t.false(
      bob.frames.some(({ code, user }) => code === 'parted' && user === 'ada'),
      'the room has noticed nothing',
    );
  },
);

peopleTest('a page that was opened where no WebSocket gets through chats all the same', async (t, open) => {
  const app = await startApp(t);
  const proxy = await startMiddleman(t, app.url);
  proxy.refuseUpgrades();
  const ada = await open(proxy.url);
  ada.expects(brokenLine);
  await register(ada, 'ada');
  await openRoom(ada, room);
  await connectedBy(ada, 'sse');
  await say(ada, room, 'ada says 1');
  await settled(ada, room);
  t.deepEqual(await bodies(ada), ['ada says 1']);
});

peopleTest('who goes offline is told so, and what was said meanwhile is there afterwards', async (t, open) => {
  const app = await startApp(t);
  const bob = await app.chat('bob');
  await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  const proxy = await startMiddleman(t, app.url);
  const ada = await open(proxy.url);
  ada.expects(brokenLine);
  await register(ada, 'ada');
  await openRoom(ada, room);
  // A cut network cuts no WebSocket that is open in this browser: the proxy does that.
  await ada.context.setOffline(true);
  proxy.refuseUpgrades();
  proxy.passAll();
  await ada.page
    .getByText(says.connection.waiting)
    .or(ada.page.getByText(says.connection.connecting))
    .first()
    .waitFor();
  await bob.ask({ type: 'message', room_name: room, body: 'bob says 1' }, { code: 'message' });
  await say(ada, room, 'ada says 1');
  await messages(ada, room).getByText(says.messages.pending).first().waitFor({ state: 'attached' });
  await ada.page.getByText(says.connection.away).first().waitFor();
  await ada.context.setOffline(false);
  await connected(ada);
  await sees(ada, room, 'bob says 1');
  await bob.next({ code: 'message', body: 'ada says 1' });
  await settled(ada, room);
  t.deepEqual((await bodies(ada)).toSorted(), ['ada says 1', 'bob says 1']);
});

peopleTest('the pages work behind a path of a proxy', async (t, open) => {
  const app = await startApp(t);
  const proxy = await startMiddleman(t, app.url, '/tools/chat');
  const ada = await open(`${proxy.url}/`);
  await register(ada, 'ada');
  await openRoom(ada, room);
  await connectedBy(ada, 'websocket');
  await say(ada, room, 'ada says 1');
  await settled(ada, room);
  await ada.page.reload();
  await rooms(ada).waitFor();
  await sees(ada, room, 'ada says 1');
  t.is(await composer(ada, room).inputValue(), '');
  ada.expects(/status of 403/);
  await ada.page.goto(`${proxy.url}/admin/`);
  t.is(ada.page.url().split('#')[0], `${proxy.url}/admin`);
  await ada.page.getByRole('heading', { level: 1 }).waitFor();
});
