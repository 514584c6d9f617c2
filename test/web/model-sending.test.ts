/** Messages and commands on their way: one item each, whatever the line and the server do. */
import test from 'ava';
import type { Timers } from '../../src/client/index.ts';
import { startApp, wrapMessages } from '../support/app.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { createTab, enter, enterRoom, openHouse, openPage, roomOf, shown, when } from './model-house.ts';

test('a message is one item with one key, from the typing to the end', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  ann.model.send('friends', '  hello \n there ');
  const pending = room.items.value.at(-1);
  t.like(pending, { kind: 'message', body: 'hello \n there', you: true, delivery: { state: 'pending' } });
  await when(() => room.items.value.at(-1)?.kind === 'message' && shown(room).at(-1) === 'ann: hello \n there', 'sent');
  const sent = room.items.value.at(-1);
  t.like(sent, { key: pending?.key ?? '', id: 1, delivery: { state: 'sent' } });
  t.is(room.items.value.length, 2);
});

test('nothing is sent of nothing', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  ann.model.send('friends', ' \n ');
  ann.model.send('nowhere', 'hello');
  t.deepEqual(shown(room), ['+ ann']);
});

test('what the server refuses says why, and can be given up', async (t) => {
  const { url } = await startApp(t, { env: { MESSAGE_MAX_LENGTH: '10' } });
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  t.is(ann.model.maxLength.value, 4096);
  ann.model.send('friends', 'x'.repeat(11));
  await when(() => shown(room).some((text) => text.endsWith('(failed)')), 'refused');
  const item = room.items.value.at(-1);
  t.like(item, { delivery: { state: 'failed', why: 'The text is too long: 10 characters fit.' } });
  t.is(ann.model.maxLength.value, 10);
  t.like(ann.model.log.value.at(-1), { kind: 'error', code: 'room:message-too-long' });
  ann.model.send('friends', '/foo=');
  await when(() => shown(room).at(-1) === 'ann: /foo= (failed)', 'refused too');
  t.like(room.items.value.at(-1), { delivery: { why: 'A command needs a value: /name=value.' } });
  for (const { key } of room.items.value) ann.model.discard('friends', key);
  t.deepEqual(shown(room), ['+ ann']);
});

test('messages over a line that breaks arrive once, in order, and are shown once', async (t) => {
  const { url } = await startApp(t);
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, proxy.url, 'ann');
  const hers = await enterRoom(ann, 'friends');
  const texts = Array.from({ length: 30 }, (_, n) => `m${n}`);
  for (const [n, text] of texts.entries()) {
    ann.model.send('friends', text);
    if (n % 10 !== 5) continue;
    proxy.cut();
    await when(() => ann.model.link.value.state === 'waiting', 'cut');
  }
  await when(() => shown(his).includes('ann: m29'), 'the last one');
  await when(() => !shown(hers).some((text) => text.endsWith('(pending)')), 'all settled');
  for (const room of [his, hers]) {
    t.deepEqual(
      shown(room).filter((text) => text.startsWith('ann:')),
      texts.map((text) => `ann: ${text}`),
    );
  }
});

test('messages typed while the server is away arrive once it is back', async (t) => {
  const house = await openHouse(t);
  const bob = await enter(t, house.url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, house.url, 'ann');
  const hers = await enterRoom(ann, 'friends');
  ann.model.send('friends', 'before');
  await when(() => shown(his).includes('ann: before'), 'before');
  await house.stop();
  ann.model.send('friends', 'meanwhile');
  ann.model.send('friends', '/foo=bar');
  await house.start();
  await when(() => shown(his).includes('ann: meanwhile'), 'meanwhile');
  await when(() => !shown(hers).some((text) => text.endsWith('(pending)')), 'all settled');
  ann.model.send('friends', 'after');
  for (const room of [his, hers]) await when(() => shown(room).includes('ann: after'), 'after');
  const said = (texts: readonly string[]): string[] => texts.filter((text) => /before|meanwhile|after/.test(text));
  t.deepEqual(said(shown(his)), ['ann: before', 'ann: meanwhile', 'ann: after']);
  t.deepEqual(said(shown(hers)), ['ann: before', 'ann: meanwhile', 'ann: after']);
});

test('a message waits for the server however long it is away', async (t) => {
  const house = await openHouse(t);
  let isAway = false;
  // Nothing in the client waits for minutes but what would give a message up.
  const timers: Timers = {
    setTimeout: (run, ms) => (isAway && ms > 60_000 ? queueMicrotask(run) : setTimeout(run, ms)),
    clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  };
  const ann = await enter(t, house.url, 'ann', { timers });
  const room = await enterRoom(ann, 'friends');
  isAway = true;
  await house.stop();
  ann.model.send('friends', 'meanwhile');
  await when(() => ann.model.link.value.state === 'waiting', 'away');
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(shown(room).slice(-1), ['ann: meanwhile (pending)']);
  await house.start();
  isAway = false;
  await when(() => shown(room).includes('ann: meanwhile'), 'settled');
});

test('a message that was stored while nobody could say so is shown once', async (t) => {
  let calls = 0;
  const wrapStorage = wrapMessages((messages) => ({
    async append(batch, node) {
      const outcomes = await messages.append(batch, node);
      calls += 1;
      if (calls === 1) throw new Error('the answer is lost');
      return outcomes;
    },
  }));
  const { url } = await startApp(t, { overrides: { wrapStorage } });
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  let most = 0;
  room.items.subscribe(() => {
    most = Math.max(most, shown(room).filter((text) => text.includes('once')).length);
  });
  ann.model.send('friends', 'once');
  await when(() => shown(room).includes('ann: once'), 'told');
  ann.model.send('friends', 'end');
  await when(() => shown(room).includes('ann: end'), 'the end');
  t.is(most, 1);
  t.deepEqual(shown(room), ['+ ann', 'ann: once', 'ann: end']);
});

test('a failed command is sent again as a new one', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  const hers = await enterRoom(ann, 'friends');
  const other = openPage(t, url, createTab(ann.tab.local));
  await when(() => other.model.phase.value.kind === 'elsewhere', 'elsewhere');
  await other.model.useHere();
  await when(() => ann.model.phase.value.kind === 'elsewhere', 'told');
  ann.model.send('friends', '/foo=bar');
  await when(() => shown(hers).includes('ann: /foo=bar (failed)'), 'failed');
  await ann.model.useHere();
  const { key } = hers.items.value.find((item) => item.kind === 'command') ?? { key: '' };
  ann.model.resend('friends', key);
  await when(() => shown(his).includes('ann: /foo=bar'), 'the command');
  await when(() => shown(hers).includes('ann: /foo=bar'), 'its echo');
  t.is(hers.items.value.filter((item) => item.kind === 'command').length, 1);
});

test('a user who is muted is told until when, and can send it again after that', async (t) => {
  const app = await startApp(t);
  const ann = await enter(t, app.url, 'ann');
  const room = await enterRoom(ann, 'friends');
  const storage = await app.elsewhere();
  const id = (await storage.users.findByName('ann'))?.id ?? 0;
  await storage.users.mute(id, Date.now() + 3_600_000);
  // Another process's changes take a moment.
  const failed = (): boolean => shown(room).some((text) => text.endsWith('(failed)'));
  for (let n = 0; !failed(); n += 1) {
    ann.model.send('friends', `m${n}`);
    await when(() => !shown(room).some((text) => text.endsWith('(pending)')), 'settled');
  }
  const item = room.items.value.at(-1);
  const why = item?.kind === 'message' && item.delivery.state === 'failed' ? item.delivery.why : '';
  const key = item?.key ?? '';
  t.regex(why, /has muted you until \w+ \d+, \d{4}/);
  await storage.users.mute(id, null);
  for (let isMuted = true; isMuted; ) {
    ann.model.resend('friends', key);
    await when(() => !shown(room).some((text) => text.endsWith('(pending)')), 'settled');
    isMuted = failed();
  }
  t.is(room.items.value.at(-1)?.key, key);
});

for (const transport of ['websocket', 'sse', 'poll'] as const) {
  test(`a message that was deleted before its author knew of it is shown as deleted (${transport})`, async (t) => {
    const app = await startApp(t);
    const proxy = await openTcpProxy(app.url);
    t.teardown(() => proxy.close());
    const bob = await enter(t, app.url, 'bob');
    const his = await enterRoom(bob, 'friends');
    const ann = await enter(t, proxy.url, 'ann', { transport });
    await enterRoom(ann, 'friends');
    await when(() => shown(his).includes('+ ann'), 'in');
    proxy.stall('down');
    ann.model.send('friends', 'regretted');
    await when(() => shown(his).includes('ann: regretted'), 'stored');
    ann.model.suspend();
    proxy.cut();
    await ann.client().suspend();
    const storage = await app.elsewhere();
    await storage.messages.delete((await storage.rooms.findByName('friends'))?.id ?? 0, 1);
    await when(() => shown(his).includes('ann deleted'), 'deleted');
    // The session may go on or not: both end the same.
    proxy.resume();
    const next = openPage(t, proxy.url, ann.tab, { transport });
    await when(() => shown(roomOf(next, 'friends')).includes('ann deleted'), 'deleted here');
    t.deepEqual(shown(roomOf(next, 'friends')), ['+ ann', 'ann deleted']);
  });
}
