/** The SDK in a browser, as it is built: every transport by every way, and what `auto` makes of a proxy that breaks WebSockets. */
import test, { type ExecutionContext } from 'ava';
import { createBrowserTest, type TestPage } from '../support/browser.ts';
import type { RawClient } from '../support/raw-client.ts';
import { patienceMs, until } from '../support/services.ts';
import type { SdkSeen } from './page/sdk-page.ts';
import { createRouteTest, type Way } from './routes.ts';

const browserTest = createBrowserTest(test);
const routeTest = createRouteTest(browserTest);
// The way on which the old connection's end and the new one may pass each other, and all transports work.
const proxiedTest = createRouteTest(browserTest, ['the documented nginx']);
// The way on which the browser asks leave before each kind of request, and no proxy has a say.
const directTest = createRouteTest(browserTest, ['another origin']);
const room = 'friends';
const wishes = ['auto', 'sse', 'poll'] as const;
type Said = SdkSeen & { kind: 'said' };

/** Ada by the SDK in her page. Resolves her token. */
async function enter(t: ExecutionContext, way: Way, page: TestPage, wish: (typeof wishes)[number]): Promise<string> {
  await way.app.login('ada');
  await page.load('sdk-page');
  const token = await page.page.evaluate(
    ([url, transport]) =>
      globalThis.sdkPage.enter(
        { url, transport },
        { username: 'ada', password: 'a long enough pass-phrase' },
        'friends',
      ),
    [way.url, wish] as const,
  );
  const best = way.route === 'the shortest nginx' ? 'sse' : 'websocket';
  t.is(await page.page.evaluate(() => globalThis.sdkPage.transport()), wish === 'auto' ? best : wish);
  return token;
}

async function withBob(way: Way): Promise<RawClient> {
  const bob = await way.app.chat('bob');
  await bob.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  return bob;
}

async function sayAs(bob: RawClient, ...bodies: string[]): Promise<void> {
  for (const body of bodies) await bob.ask({ type: 'message', room_name: room, body }, { code: 'message', body });
}

function heard(page: TestPage, body: string): Promise<Said> {
  return page.next<Said>((seen) => seen.kind === 'said' && seen.body === body);
}

for (const wish of wishes) {
  routeTest(`the SDK chats by ${wish}, and a cut costs and repeats nothing`, async (t, way, page) => {
    const token = await enter(t, way, page, wish);
    const bob = await withBob(way);
    await sayAs(bob, 'before');
    await heard(page, 'before');
    way.line.refuse();
    await sayAs(bob, 'missed 1', 'missed 2');
    const sending = page.page.evaluate(() => globalThis.sdkPage.send('friends', 'from the dark'));
    await sayAs(bob, 'missed 3');
    way.line.resume();
    const id = await sending;
    t.is((await bob.next({ code: 'message', body: 'from the dark' })).id, id);
    await sayAs(bob, 'after');
    await heard(page, 'after');
    const sessions = page.seen.flatMap((seen) => (seen.kind === 'session' ? [seen.resumed] : []));
    // A browser may ask again by itself when a connection that it uses again breaks: then the SDK has not noticed a cut.
    t.deepEqual(sessions, wish === 'poll' && sessions.length === 1 ? [false] : [false, true]);
    const bodies = page.seen.flatMap((seen) => (seen.kind === 'said' ? [seen.body] : []));
    t.deepEqual(bodies, ['before', 'missed 1', 'missed 2', 'missed 3', 'from the dark', 'after']);
    t.false(
      bob.frames.some(({ code }) => code === 'parted'),
      'the room has not noticed',
    );

    // Between two polls nothing can be told: the next one finds the token gone.
    const last = await page.page.evaluate(() => globalThis.sdkPage.transport());
    const reasons = last === 'poll' ? ['logged-out', 'not-authenticated'] : ['logged-out'];
    await way.app.request('POST', '/logout', { token });
    await page.next((seen) => seen.kind === 'end' && reasons.includes(seen.reason));
    await bob.next({ code: 'parted', user: 'ada' });
  });
}

for (const wish of wishes) {
  proxiedTest(
    `while nginx finds no server, the SDK waits by ${wish}, and goes on where it was`,
    async (t, way, page) => {
      await enter(t, way, page, wish);
      const bob = await withBob(way);
      await sayAs(bob, 'before');
      await heard(page, 'before');
      way.behind?.refuse();
      const sending = page.page.evaluate(() => globalThis.sdkPage.send('friends', 'from the dark'));
      await sayAs(bob, 'missed');
      // What nginx answers in place of the server is no answer of the chat.
      await until(patienceMs, async () => {
        if (!page.said.some((line) => line.includes('502'))) throw new Error('The page has met no answer of nginx.');
      });
      way.behind?.resume();
      await sending;
      await sayAs(bob, 'after');
      await heard(page, 'after');
      const bodies = page.seen.flatMap((seen) => (seen.kind === 'said' ? [seen.body] : []));
      t.deepEqual(bodies, ['before', 'missed', 'from the dark', 'after']);
      t.false(page.seen.some((seen) => seen.kind === 'error' || seen.kind === 'end'));
      t.false(
        bob.frames.some(({ code }) => code === 'parted'),
        'the room has not noticed',
      );
    },
  );
}

for (const wish of wishes) {
  proxiedTest(`a page that is loaded again is let in at once by ${wish}`, async (t, way, page) => {
    await enter(t, way, page, wish);
    const bob = await withBob(way);
    await page.page.reload();
    await page.load('chat-page');
    await enter(t, way, page, wish);
    await bob.next({ code: 'parted', user: 'ada' });
    await bob.next({ code: 'joined', user: 'ada' });
    await page.page.evaluate(() => globalThis.sdkPage.close());
    await bob.next({ code: 'parted', user: 'ada' });
  });
}

for (const wish of wishes) {
  proxiedTest(`a page that is loaded again goes on in its session by ${wish}`, async (t, way, page) => {
    const token = await enter(t, way, page, wish);
    const bob = await withBob(way);
    await sayAs(bob, 'before');
    await heard(page, 'before');
    await page.page.evaluate(() => globalThis.sdkPage.keepForNextPage());
    await page.page.reload();
    await sayAs(bob, 'between');
    await page.load('chat-page');
    await page.load('sdk-page');
    await page.page.evaluate((options) => globalThis.sdkPage.goOn(options), { url: way.url, transport: wish, token });
    await sayAs(bob, 'after');
    await heard(page, 'after');
    const bodies = page.seen.flatMap((seen) => (seen.kind === 'said' ? [seen.body] : []));
    t.deepEqual(bodies, ['before', 'between', 'after']);
    t.false(
      bob.frames.some(({ code }) => code === 'parted'),
      'the room has not noticed',
    );
  });
}

for (const wish of ['sse', 'poll'] as const) {
  directTest(`what the browser posts twice by itself takes effect once by ${wish}`, async (t, way, page) => {
    await enter(t, way, page, wish);
    const bob = await withBob(way);
    await bob.ask({ type: 'join', room_name: 'family' }, { code: 'joined', you: true });
    await sayAs(bob, 'before');
    await heard(page, 'before');
    // The server has read the POST, and its answer does not arrive: Chromium asks again over a new connection.
    way.line.stall('down');
    const passing = page.page.evaluate(() => globalThis.sdkPage.pass('family', 'friends', 'wave'));
    await bob.next({ code: 'custom', command: 'wave' });
    way.line.cut();
    way.line.resume();
    await passing;
    await sayAs(bob, 'after');
    await heard(page, 'after');
    const waves = bob.frames.filter(({ command }) => command === 'wave');
    t.is(waves.length, 1);
    const moves = bob.frames.filter(({ room_name, user }) => room_name === 'family' && user === 'ada');
    t.deepEqual(
      moves.map(({ code }) => code),
      ['joined', 'parted'],
    );
    t.deepEqual(
      page.seen.filter(({ kind }) => kind === 'error'),
      [],
    );
  });
}

for (const wish of wishes) {
  directTest(`a page that goes away takes leave by ${wish}`, async (t, way, page) => {
    await enter(t, way, page, wish);
    const bob = await withBob(way);
    await page.page.evaluate(() => globalThis.sdkPage.leaveWithPage());
    await page.page.goto('about:blank');
    // Long before the grace of a page that was cut is over.
    await bob.next({ code: 'parted', user: 'ada' });
  });
}
