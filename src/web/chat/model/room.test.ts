import test from 'ava';
import type { HistoryEntry, RoomStatus } from '../../../client/index.ts';
import { Room } from './room.ts';

const entry = (id: number, body = `m${id}`): HistoryEntry => ({
  id,
  stamp: '2026-01-02 03:04:05',
  user: 'ann',
  you: false,
  body,
});

const status = (last_id: number, messages: HistoryEntry[]): RoomStatus => ({
  epoch: 'e',
  last_id,
  messages,
  users: [],
});

const make = (): Room => new Room('friends', (body) => body.includes('@me'));

/** All up to 1 was read. */
const mark = { epoch: 'e', lastRead: 1 };

test('a room all of whose messages were deleted has nothing unread', (t) => {
  const room = make();
  room.enter(status(4, []), mark);
  t.is(room.unread.value, 0);
  t.is(room.newFrom.value, undefined);
});

test('what lies before the messages at hand counts as unread', (t) => {
  const room = make();
  room.enter(status(5, [entry(5), entry(4)]), mark);
  t.is(room.unread.value, 4);
  t.is(room.newFrom.value, 'm4');
});

test('a mention that is deleted unread is none any more, beside others that are unread', (t) => {
  const room = make();
  room.enter(status(3, [entry(3), entry(2, 'hello @me')]), mark);
  t.true(room.isMentioned.value);
  room.deleteMessage(2);
  t.is(room.unread.value, 1);
  t.false(room.isMentioned.value);
});

test('a mention stays one when another message is deleted', (t) => {
  const room = make();
  room.enter(status(3, [entry(3), entry(2, 'hello @me')]), mark);
  room.deleteMessage(3);
  t.true(room.isMentioned.value);
});

test('after a reload no divider is left under which all was read', (t) => {
  const before = make();
  before.enter(status(3, [entry(3), entry(2)]), mark);
  t.is(before.newFrom.value, 'm2');
  before.markRead();
  const after = make();
  after.restore(before.save(10));
  t.is(after.newFrom.value, undefined);
});

test('after a reload the divider stands above the first item, where its own was not taken along', (t) => {
  const before = make();
  before.enter(status(2, [entry(2)]), mark);
  before.timeline.showPresence('joined', 'bob', false, '2026-01-02 03:04:06');
  before.timeline.showPresence('parted', 'bob', false, '2026-01-02 03:04:07');
  const after = make();
  after.restore(before.save(1));
  t.is(after.items.value.length, 1);
  t.is(after.newFrom.value, after.items.value[0]?.key);
});

test('the divider stays above the first new item until the room was read, and goes when it is left after that', (t) => {
  const room = make();
  room.enter(status(1, [entry(1)]), mark);
  for (const id of [2, 3]) room.showMessage({ room: 'friends', ...entry(id) }, false);
  t.is(room.newFrom.value, 'm2');
  t.is(room.unread.value, 2);
  room.leave();
  t.is(room.newFrom.value, 'm2');
  room.markRead();
  t.is(room.newFrom.value, 'm2');
  room.leave();
  t.is(room.newFrom.value, undefined);
});

test('a deleted message that was read leaves the count of the others alone', (t) => {
  const room = make();
  room.enter(status(2, [entry(2), entry(1)]), mark);
  room.deleteMessage(1);
  t.is(room.unread.value, 1);
  room.deleteMessage(2);
  t.is(room.unread.value, 0);
});

test('a mark beyond the end of the log hides nothing that comes', (t) => {
  const room = make();
  room.enter(status(1, [entry(1)]), { epoch: 'e', lastRead: 9 });
  room.showMessage({ room: 'friends', ...entry(2) }, false);
  t.is(room.unread.value, 1);
});

test('what another window has read is unread here no more, nor a mention', (t) => {
  const room = make();
  room.enter(status(4, [entry(4), entry(3, '@me'), entry(2)]), mark);
  room.readUpTo(2);
  t.is(room.unread.value, 2);
  t.true(room.isMentioned.value);
  room.readUpTo(3);
  t.is(room.unread.value, 1);
  t.false(room.isMentioned.value);
  room.readUpTo(2);
  t.is(room.unread.value, 1);
});
