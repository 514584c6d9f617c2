/** Polls by a browser's fetch: a waiting one is answered when there is something, through nginx too. */
import test from 'ava';
import { createBrowserTest } from '../support/browser.ts';
import type { RawFrame } from '../support/raw-client.ts';
import { ask, createRouteTest } from './routes.ts';

const browserTest = createBrowserTest(test);
const routeTest = createRouteTest(browserTest);
const inRoom = { room_name: 'friends' };

type PollAnswer = { cursor: string; messages: RawFrame[] };

routeTest('a page has the whole chat by polls', async (t, way, page) => {
  const token = await way.app.login('ada');
  const poll = async (query: string): Promise<PollAnswer> => {
    const { status, body } = await ask(page, `${way.url}/poll/chat?${query}`, { token });
    if (status !== 200) throw new Error(`The poll was answered ${status}: ${body}`);
    return JSON.parse(body) as PollAnswer;
  };
  const say = async (json: unknown): Promise<number> =>
    (await ask(page, `${way.url}/poll/chat`, { method: 'POST', token, json })).status;
  /** Polls until the message with this ref or body is among the answers; resolves the cursor after it. */
  const pollFor = async (from: string, key: 'ref' | 'body', value: string): Promise<string> => {
    let cursor = from;
    for (;;) {
      const answer = await poll(`cursor=${cursor}&wait=25`);
      const again = await poll(`cursor=${cursor}&wait=25`);
      t.deepEqual(again.messages.slice(0, answer.messages.length), answer.messages, 'asking again repeats');
      cursor = again.cursor;
      if (again.messages.some((frame) => frame[key] === value)) return cursor;
    }
  };

  const first = await poll('');
  t.is(first.messages[0]?.code, 'api-motd');
  t.is(await say({ type: 'join', ...inRoom, ref: 'r1' }), 202);
  let cursor = await pollFor(first.cursor, 'ref', 'r1');
  t.is(
    await say([
      { type: 'list', ref: 'r2' },
      { type: 'message', ...inRoom, body: 'hello', ref: 'r3' },
    ]),
    202,
  );
  cursor = await pollFor(cursor, 'ref', 'r3');

  // Bob is there before the poll waits: the next thing that comes is what he says while it does.
  const bob = await way.app.chat('bob');
  await bob.ask({ type: 'join', ...inRoom }, { code: 'joined', you: true });
  cursor = (await poll(`cursor=${cursor}&wait=25`)).cursor;
  const waiting = poll(`cursor=${cursor}&wait=25`);
  await bob.ask({ type: 'message', ...inRoom, body: 'hello yourself' }, { code: 'message' });
  const { messages } = await waiting;
  t.is(messages.length, 1);
  t.like(messages[0], { code: 'message', user: 'bob', body: 'hello yourself' });

  t.is((await ask(page, `${way.url}/poll/chat`, { method: 'DELETE', token })).status, 204);
  await bob.next({ code: 'parted', user: 'ada' });
  const over = await ask(page, `${way.url}/poll/chat?cursor=${cursor}`, { token });
  t.is(over.status, 410);
  t.like(JSON.parse(over.body), { type: 'fatal', code: 'session-expired' });
});
