/** What counts as read, and where the new begins. */
import test from 'ava';
import type { ChatModel, RoomListEntry } from '../../src/web/chat/model/model.ts';
import { startApp } from '../support/app.ts';
import { createTab, enter, enterRoom, openPage, roomOf, shown, when } from './model-house.ts';

function listed(model: ChatModel, name: string): RoomListEntry {
  const entry = model.rooms.value.find((room) => room.name === name);
  if (entry === undefined) throw new Error(`${name} is not listed`);
  return entry;
}

test('messages count as unread where nobody sees them come, one’s own and live events never', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  ann.model.setAtEnd(true);
  bob.model.send('friends', 'seen');
  await when(() => shown(room).includes('bob: seen'), 'seen');
  t.is(ann.model.unread.value, 0);
  t.is(room.newFrom.value, undefined);

  ann.model.setAtEnd(false);
  bob.model.send('friends', 'below');
  bob.model.send('friends', '/foo=bar');
  await when(() => shown(room).includes('bob: /foo=bar'), 'below');
  t.is(listed(ann.model, 'friends').unread, 1);
  const below = room.items.value.find((item) => item.kind === 'message' && item.body === 'below');
  t.is(room.newFrom.value, below?.key);

  ann.model.setAtEnd(true);
  t.is(ann.model.unread.value, 0);
  t.is(room.newFrom.value, below?.key, 'the divider stays while one reads');

  ann.tab.isVisible.value = false;
  bob.model.send('friends', 'hidden');
  await when(() => shown(room).includes('bob: hidden'), 'hidden');
  t.is(ann.model.unread.value, 1);
  const hidden = room.items.value.find((item) => item.kind === 'message' && item.body === 'hidden');
  t.is(room.newFrom.value, hidden?.key, 'the divider moves to what is new since');
  ann.tab.isVisible.value = true;
  t.is(ann.model.unread.value, 0);

  ann.model.openLog();
  t.is(room.newFrom.value, undefined);
  bob.model.send('friends', 'elsewhere');
  await when(() => shown(room).includes('bob: elsewhere'), 'elsewhere');
  t.is(ann.model.unread.value, 1);
  await ann.model.openRoom('friends');
  t.is(ann.model.unread.value, 1, 'until its end is in sight');
  ann.model.markRead();
  t.is(ann.model.unread.value, 0);
});

test('whoever answers has read', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  bob.model.send('friends', 'hello?');
  await when(() => ann.model.unread.value === 1, 'unread');
  ann.model.send('friends', 'hi');
  t.is(ann.model.unread.value, 0);
  t.is(room.newFrom.value, undefined);
});

test('a message that names the reader is marked, and its room until it is read', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  bob.model.send('friends', 'hello annie');
  bob.model.send('friends', 'hello Ann!');
  await when(() => shown(room).includes('bob: hello Ann!'), 'said');
  t.deepEqual(
    room.items.value.filter((item) => item.kind === 'message').map(({ isMention }) => isMention),
    [false, true],
  );
  t.true(listed(ann.model, 'friends').isMentioned);
  ann.model.markRead();
  t.false(listed(ann.model, 'friends').isMentioned);
});

test('unread counts add up over rooms, and are kept over a reload', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  await enterRoom(bob, 'friends');
  await enterRoom(bob, 'family');
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  await enterRoom(ann, 'family');
  for (const [name, text] of [
    ['friends', 'one'],
    ['friends', 'two @ann'],
    ['family', 'three'],
  ] as const) {
    bob.model.send(name, text);
  }
  await when(() => ann.model.unread.value === 3, 'three');
  const next = await ann.reload();
  t.is(next.model.unread.value, 3);
  t.like(listed(next.model, 'friends'), { unread: 2, isMentioned: true });
  const room = roomOf(next, 'family');
  t.is(room.newFrom.value, room.items.value.find(({ kind }) => kind === 'message')?.key);
});

test('what another window has read is not unread here', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  bob.model.send('friends', 'one');
  await when(() => ann.model.unread.value === 1, 'one');
  ann.model.suspend();
  const other = openPage(t, url, createTab(ann.tab.local));
  await when(() => other.model.phase.value.kind === 'elsewhere', 'elsewhere');
  await other.model.useHere();
  await when(() => other.model.room.value !== undefined, 'in');
  bob.model.send('friends', 'two');
  await when(() => shown(roomOf(other, 'friends')).includes('bob: two'), 'two');
  other.model.markRead();
  other.model.suspend();
  bob.model.send('friends', 'three');
  await when(() => shown(his).includes('bob: three'), 'three');
  await ann.model.useHere();
  await when(() => shown(room).includes('bob: three'), 'three');
  t.is(ann.model.unread.value, 1);
});

test('messages before the loaded ones count as unread too', async (t) => {
  const { url } = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  await ann.model.close();
  for (let n = 1; n <= 80; n += 1) bob.model.send('friends', `${n}`);
  await when(() => shown(his).at(-1) === 'bob: 80', 'said');
  const next = openPage(t, url, createTab(ann.tab.local));
  await when(() => next.model.room.value !== undefined, 'in');
  t.is(next.model.unread.value, 80);
  t.is(roomOf(next, 'friends').newFrom.value, roomOf(next, 'friends').items.value[0]?.key);
});
