/** A reload goes on as if nothing had been; a later visit goes on where the one before was. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { createFakeStorage } from './fake-storage.ts';
import { createTab, enter, enterRoom, openHouse, openPage, roomOf, shown, when } from './model-house.ts';

const snapshotKey = 'finchat.chat';

test('a reload resumes the session: everything is as it was, and nobody sees a part', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  const hers = await enterRoom(ann, 'friends');
  await enterRoom(ann, 'family');
  await ann.model.openRoom('friends');
  hers.draft = 'half a thou';
  bob.model.send('friends', 'one');
  bob.model.send('friends', '/foo=bar');
  await when(() => shown(hers).includes('bob: /foo=bar'), 'one');
  const before = shown(hers);

  ann.model.suspend();
  await ann.client().suspend();
  bob.model.send('friends', 'meanwhile');
  bob.model.send('friends', '/and=so');
  await when(() => shown(his).includes('bob: /and=so'), 'meanwhile');
  const next = openPage(t, url, ann.tab);
  t.is(next.model.phase.value.kind, 'chatting');
  t.is(next.model.username.value, 'ann');
  t.deepEqual(shown(roomOf(next, 'friends')), before);
  t.is(roomOf(next, 'friends').draft, 'half a thou');
  t.deepEqual(
    next.model.rooms.value.filter(({ isJoined }) => isJoined).map(({ name }) => name),
    ['family', 'friends'],
  );
  await when(() => shown(roomOf(next, 'friends')).includes('bob: /and=so'), 'what was missed');
  t.deepEqual(shown(roomOf(next, 'friends')), [...before, 'bob: meanwhile', 'bob: /and=so']);
  t.false(shown(his).includes('- ann'));
});

test('a reload in the middle of a reload loses nothing', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  let page = await ann.reload();
  page.model.send('friends', 'on the way');
  for (let n = 0; n < 3; n += 1) page = await page.reload();
  const room = roomOf(page, 'friends');
  await when(() => shown(room).includes('ann: on the way'), 'sent');
  await when(() => shown(his).includes('ann: on the way'), 'heard');
  t.deepEqual(shown(room), ['+ ann', 'ann: on the way']);
  t.deepEqual(shown(his), ['+ bob', '+ ann', 'ann: on the way']);
});

test('a reload after the chat has ended by itself is in the rooms again', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  await ann.client().close();
  await when(() => shown(his).includes('- ann'), 'ann is gone');
  const page = await ann.reload();
  await when(() => shown(his).filter((text) => text === '+ ann').length === 2, 'ann is back');
  bob.model.send('friends', 'welcome back');
  await when(() => shown(roomOf(page, 'friends')).includes('bob: welcome back'), 'heard');
});

test('a snapshot is used once, and only for the token it was made with', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  ann.model.suspend();
  t.truthy(ann.tab.session.getItem(snapshotKey));
  const copy = createTab(createFakeStorage(ann.tab.local));
  copy.session.setItem(snapshotKey, ann.tab.session.getItem(snapshotKey) ?? '');
  const bob = await enter(t, url, 'bob');
  copy.local.setItem('finchat.token', bob.tab.local.getItem('finchat.token') ?? '');
  await bob.model.close();
  const other = openPage(t, url, copy);
  t.is(copy.session.getItem(snapshotKey), null);
  await when(() => other.model.phase.value.kind === 'chatting', 'chatting');
  t.is(other.model.username.value, 'bob');
  t.is(ann.model.phase.value.kind, 'chatting');
  const next = await ann.reload();
  t.is(next.tab.session.getItem(snapshotKey), null);
});

test('a page that finds nobody logged in leaves nothing of who was there', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  ann.model.suspend();
  await ann.client().suspend();
  t.truthy(ann.tab.session.getItem(snapshotKey));
  // Logged out in another window meanwhile.
  ann.tab.local.removeItem('finchat.token');
  const next = openPage(t, url, ann.tab);
  t.is(next.model.phase.value.kind, 'signed-out');
  t.is(ann.tab.session.getItem(snapshotKey), null);
});

test('a page that comes back out of the cache goes on, and leaves no snapshot', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  const hers = await enterRoom(ann, 'friends');
  ann.model.suspend();
  ann.model.unsuspend();
  t.is(ann.tab.session.getItem(snapshotKey), null);
  ann.model.send('friends', 'still here');
  await when(() => shown(hers).includes('ann: still here'), 'sent');
});

test('a reload after the session has ended joins the rooms again and shows what was missed', async (t) => {
  const house = await openHouse(t);
  const ann = await enter(t, house.url, 'ann');
  const hers = await enterRoom(ann, 'friends');
  ann.model.send('friends', 'before');
  await when(() => shown(hers).includes('ann: before'), 'before');
  // Before the restart: after it, a request might meet a connection of the server before.
  const bob = await enter(t, house.url, 'bob');
  ann.model.suspend();
  await ann.client().suspend();
  await house.stop();
  await when(() => bob.model.link.value.state !== 'open', 'bob has noticed');
  await house.start();
  await when(() => bob.model.link.value.state === 'open', 'bob is back');
  const his = await enterRoom(bob, 'friends');
  bob.model.send('friends', 'meanwhile');
  await when(() => shown(his).includes('bob: meanwhile'), 'meanwhile');
  const next = openPage(t, house.url, ann.tab);
  const room = roomOf(next, 'friends');
  await when(() => shown(room).includes('bob: meanwhile'), 'missed');
  t.deepEqual(shown(room), ['+ ann', 'ann: before', 'bob: meanwhile']);
  t.deepEqual(
    room.users.value.map(({ name }) => name),
    ['ann', 'bob'],
  );
  t.is(next.model.unread.value, 1);
});

test('a message on its way at a reload arrives once; a command is for its author to send again', async (t) => {
  const { url } = await startApp(t);
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, proxy.url, 'ann');
  await enterRoom(ann, 'friends');
  // One arrives and its answer does not; the other never leaves.
  proxy.stall('down');
  ann.model.send('friends', 'first');
  await when(() => shown(his).includes('ann: first'), 'the first');
  proxy.stall('both');
  ann.model.send('friends', 'second');
  ann.model.send('friends', '/foo=bar');
  ann.model.suspend();
  proxy.cut();
  await ann.client().suspend();
  proxy.resume();
  const next = openPage(t, proxy.url, ann.tab);
  const room = roomOf(next, 'friends');
  await when(() => shown(his).includes('ann: second'), 'the second');
  await when(() => !shown(room).some((text) => text.endsWith('(pending)')), 'settled');
  t.deepEqual(shown(room), ['+ ann', 'ann: first', 'ann: second', 'ann: /foo=bar (failed)']);
  t.deepEqual(shown(his), ['+ bob', '+ ann', 'ann: first', 'ann: second']);
});

test('a later visit is in the same rooms, shows the last one, and counts what came meanwhile', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  await enterRoom(bob, 'family');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  const hers = await enterRoom(ann, 'family');
  await enterRoom(ann, 'friends');
  ann.model.setAtEnd(true);
  bob.model.send('friends', 'read');
  await when(() => shown(roomOf(ann, 'friends')).includes('bob: read'), 'read');
  await ann.model.close();
  bob.model.send('friends', 'one');
  bob.model.send('friends', 'two, @ann');
  bob.model.send('friends', '/foo=bar');
  await when(() => shown(his).includes('bob: /foo=bar'), 'meanwhile');

  const next = openPage(t, url, createTab(ann.tab.local));
  await when(() => next.model.rooms.value.filter(({ isJoined }) => isJoined).length === 2, 'the rooms');
  t.deepEqual(next.model.place.value, { kind: 'room', name: 'friends' });
  const room = roomOf(next, 'friends');
  t.deepEqual(shown(room), ['bob: read', 'bob: one', 'bob: two, @ann', '+ ann']);
  t.is(room.newFrom.value, room.items.value[1]?.key);
  t.like(
    next.model.rooms.value.find(({ name }) => name === 'friends'),
    { unread: 2, isMentioned: true },
  );
  t.is(next.model.unread.value, 2);
  t.is(hers.name, 'family');
});

test('a reload before the rooms of the last visit are joined forgets none of them', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  for (const name of ['family', 'friends', 'investments']) await enterRoom(ann, name);
  await ann.model.close();
  let page = openPage(t, url, ann.tab);
  for (let n = 0; n < 3; n += 1) {
    const { phase } = page.model;
    await when(() => phase.value.kind === 'chatting', 'chatting');
    page = await page.reload();
  }
  const joined = (): number => page.model.rooms.value.filter(({ isJoined }) => isJoined).length;
  await when(() => joined() === 3, 'all rooms');
  t.deepEqual(page.model.place.value, { kind: 'room', name: 'investments' });
});

test('a room that is gone by the next visit is not tried again', async (t) => {
  const app = await startApp(t);
  const { url } = app;
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  await ann.model.close();
  const storage = await app.elsewhere();
  await storage.rooms.delete((await storage.rooms.findByName('friends'))?.id ?? 0);
  const next = openPage(t, url, createTab(ann.tab.local));
  await when(() => next.model.log.value.some(({ code }) => code === 'room:invalid'), 'a word');
  t.deepEqual(next.model.place.value, { kind: 'log' });
  t.is(next.model.phase.value.kind, 'chatting');
  await next.model.close();
  t.notRegex(ann.tab.local.getItem('finchat.chat.ann') ?? '', /friends/);
  const last = openPage(t, url, createTab(ann.tab.local));
  await when(() => last.model.phase.value.kind === 'chatting', 'chatting');
  // Answered after whatever the model has asked.
  await last.client().list();
  t.false(last.model.log.value.some(({ kind }) => kind === 'error'));
});

test('what is stored and makes no sense is passed over', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  await ann.model.close();
  for (const text of [
    '{',
    'null',
    '7',
    '[]',
    '{"version":1}',
    '{"rooms":{"friends":7,"family":{"epoch":1}},"place":4}',
  ]) {
    ann.tab.local.setItem('finchat.chat.ann', text);
    ann.tab.session.setItem(snapshotKey, text);
    const next = openPage(t, url, ann.tab);
    await when(() => next.model.phase.value.kind === 'chatting', 'chatting');
    t.is(next.model.room.value, undefined);
    await next.model.close();
  }
});
