/**
 * A browser's own EventSource: what is written arrives before anything else is, with nginx's buffering as Debian has
 * it; a cut stream comes back by itself and brings what was missed; one that was refused or taken over stays away.
 */
import test, { type ExecutionContext } from 'ava';
import { createBrowserTest, type TestPage } from '../support/browser.ts';
import type { RawClient } from '../support/raw-client.ts';
import { allArrived, ask, createRouteTest, nextFrame, openStream, type Way } from './routes.ts';

const browserTest = createBrowserTest(test);
const routeTest = createRouteTest(browserTest);
// What the server alone decides is asked without a proxy.
const directTest = createRouteTest(browserTest, ['another origin']);
// The way on which the old connection's end and the new one may pass each other.
const proxiedTest = createRouteTest(browserTest, ['the documented nginx']);
const inRoom = { room_name: 'friends' };

/** Ada, in the room by her page's stream. Resolves her token and the session's id. */
async function enter(t: ExecutionContext, way: Way, page: TestPage): Promise<{ token: string; session: string }> {
  const token = await way.app.login('ada');
  await openStream(page, `${way.url}/sse/chat?token=${token}`);
  const { id, frame } = await nextFrame(page, { code: 'session' });
  t.like(frame, { resumed: false, grace: 30 });
  t.is(id, '', 'it is not counted');
  const session = String(frame['session']);
  await nextFrame(page, { code: 'api-motd' });
  t.is((await say(way, page, token, { type: 'join', ...inRoom })).status, 202);
  await nextFrame(page, { code: 'joined', you: true });
  return { token, session };
}

function say(way: Way, page: TestPage, token: string, json: unknown): ReturnType<typeof ask> {
  return ask(page, `${way.url}/sse/chat`, { method: 'POST', token, json });
}

/** Bob, in the room by a WebSocket of his own, straight to the server. */
async function withBob(way: Way): Promise<RawClient> {
  const bob = await way.app.chat('bob');
  await bob.ask({ type: 'join', ...inRoom }, { code: 'joined', you: true });
  return bob;
}

/** Resolves once the room has them. */
async function sayAs(bob: RawClient, ...bodies: string[]): Promise<void> {
  for (const body of bodies) await bob.ask({ type: 'message', ...inRoom, body }, { code: 'message', body });
}

/** Every counted message once, in order. */
function isWhole(t: ExecutionContext, page: TestPage, session: string): void {
  // The browser shows the id of the message before on one that has none.
  const counted = allArrived(page).filter(({ frame }) => frame.code !== 'session');
  const cursors = counted.map(({ id }) => id);
  t.deepEqual(
    cursors,
    cursors.map((_cursor, index) => `${session}.${index + 1}`),
  );
}

routeTest('a stream brings each event before anything further is written', async (t, way, page) => {
  const { token, session } = await enter(t, way, page);
  const bob = await withBob(way);
  t.like((await nextFrame(page, { code: 'joined' })).frame, { user: 'bob', you: false });
  await sayAs(bob, 'hello');
  t.like((await nextFrame(page, { code: 'message' })).frame, { user: 'bob', you: false, body: 'hello' });
  const message = { type: 'message', ...inRoom, body: 'hello yourself', ref: 'r1' };
  t.is((await say(way, page, token, message)).status, 202);
  t.like((await nextFrame(page, { code: 'message' })).frame, { user: 'ada', you: true, ref: 'r1' });
  t.is((await say(way, page, token, { type: 'nonsense', ref: 'r2' })).status, 202);
  await nextFrame(page, { type: 'error', code: 'unsupported-command', ref: 'r2' });
  isWhole(t, page, session);

  t.is((await ask(page, `${way.url}/sse/chat`, { method: 'DELETE', token })).status, 204);
  await bob.next({ code: 'parted', user: 'ada' });
});

routeTest('a cut stream comes back by itself with exactly what it has missed', async (t, way, page) => {
  const { session } = await enter(t, way, page);
  const bob = await withBob(way);
  await sayAs(bob, 'before');
  await nextFrame(page, { body: 'before' });
  for (const round of ['first', 'second']) {
    way.line.refuse();
    await page.next((seen) => seen.kind === 'error' && seen.readyState === 0);
    await sayAs(bob, `${round} 1`, `${round} 2`, `${round} 3`);
    way.line.resume();
    t.like((await nextFrame(page, { code: 'session' })).frame, { session, resumed: true });
    await sayAs(bob, `after ${round}`);
    await nextFrame(page, { body: `after ${round}` });
  }
  isWhole(t, page, session);
  const bodies = allArrived(page).flatMap(({ frame }) => (frame.code === 'message' ? [frame.body] : []));
  const told = (round: string): string[] => [`${round} 1`, `${round} 2`, `${round} 3`, `after ${round}`];
  t.deepEqual(bodies, ['before', ...told('first'), ...told('second')]);
  t.false(
    bob.frames.some(({ code }) => code === 'parted'),
    'the room has not noticed',
  );
});

routeTest('a stream whose session goes on elsewhere stays away', async (t, way, page) => {
  const { token } = await enter(t, way, page);
  const cursor = allArrived(page).at(-1)?.id;
  const elsewhere = await way.openPage();
  await openStream(elsewhere, `${way.url}/sse/chat?token=${token}&cursor=${cursor}`);
  t.like((await nextFrame(elsewhere, { code: 'session' })).frame, { resumed: true });
  const { id } = await nextFrame(page, { type: 'fatal', code: 'resumed-elsewhere' });
  t.is(id, 'resumed-elsewhere');
  await page.next((seen) => seen.kind === 'error' && seen.readyState === 2);

  // It has come back once, and was refused: the other stream goes on, in the same session and without a break.
  const bob = await withBob(way);
  await sayAs(bob, 'still there?');
  await nextFrame(elsewhere, { body: 'still there?' });
  t.is(elsewhere.seen.filter(({ kind }) => kind === 'open').length, 1);
  t.false(elsewhere.seen.some(({ kind }) => kind === 'error'));
  t.is(allArrived(page).at(-1)?.id, 'resumed-elsewhere', 'the first has heard nothing more');
});

directTest('a second stream of a user who chats is refused, and the first notices nothing', async (t, way, page) => {
  const { token, session } = await enter(t, way, page);
  const second = await way.openPage();
  await openStream(second, `${way.url}/sse/chat?token=${token}`);
  await second.next((seen) => seen.kind === 'error' && seen.readyState === 2);
  t.deepEqual(allArrived(second), []);
  t.is((await say(way, page, token, { type: 'list', ref: 'r1' })).status, 202);
  await nextFrame(page, { code: 'list', ref: 'r1' });
  isWhole(t, page, session);
});

directTest('a stream that was used elsewhere by force stays away', async (t, way, page) => {
  const { token, session } = await enter(t, way, page);
  const other = await way.openPage();
  await openStream(other, `${way.url}/sse/chat?token=${token}&takeover=1`);
  t.not((await nextFrame(other, { code: 'session' })).frame['session'], session);
  await nextFrame(page, { type: 'fatal', code: 'resumed-elsewhere' });
  await page.next((seen) => seen.kind === 'error' && seen.readyState === 2);
  t.is((await say(way, other, token, { type: 'list', ref: 'r1' })).status, 202);
  await nextFrame(other, { code: 'list', ref: 'r1' });
  t.is(other.seen.filter(({ kind }) => kind === 'open').length, 1);
});

directTest('a stream ends with its log-in, and does not come back', async (t, way, page) => {
  const { token } = await enter(t, way, page);
  t.is((await ask(page, `${way.url}/logout`, { method: 'POST', token })).status, 204);
  await nextFrame(page, { code: 'logged-out' });
  await page.next((seen) => seen.kind === 'error' && seen.readyState === 2);
  const refused = await ask(page, `${way.url}/sse/chat?token=${token}`);
  t.is(refused.status, 401);
  t.like(JSON.parse(refused.body), { type: 'fatal', code: 'not-authenticated' });
});

proxiedTest(
  'a page that is loaded again is let in at once, and the room sees one person leave and come',
  async (t, way, page) => {
    const { token, session } = await enter(t, way, page);
    const bob = await withBob(way);
    await page.page.reload();
    await page.load('chat-page');
    await openStream(page, `${way.url}/sse/chat?token=${token}`);
    const { frame } = await nextFrame(page, { code: 'session' });
    t.false(frame['resumed']);
    t.not(frame['session'], session);
    await bob.next({ code: 'parted', user: 'ada' });
    t.is((await say(way, page, token, { type: 'join', ...inRoom })).status, 202);
    await bob.next({ code: 'joined', user: 'ada' });
  },
);
