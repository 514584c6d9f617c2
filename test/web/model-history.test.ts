/** What was said before, what is deleted, and what is too much to keep. */
import test from 'ava';
import { limits } from '../../src/client/index.ts';
import type { Storage } from '../../src/core/ports.ts';
import { startApp } from '../support/app.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { enter, enterRoom, openHouse, shown, when } from './model-house.ts';

/** Stores messages `1` to `count` of a user in `friends`, as if they had been said long ago. */
async function fill(storage: Storage, username: string, count: number): Promise<number> {
  const room = await storage.rooms.findByName('friends');
  const user = await storage.users.findByName(username);
  const [roomId, userId] = [room?.id ?? 0, user?.id ?? 0];
  for (let n = 1; n <= count; n += 1) {
    await storage.messages.append([{ roomId, userId, body: `${n}`, ref: `old-${n}`, createdAt: 1_000 * n }]);
  }
  return roomId;
}

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `bob: ${from + index}`);

test('a room shows the last 50 messages, and older ones on demand until there are none', async (t) => {
  const app = await startApp(t);
  const { url } = app;
  await app.login('bob');
  await fill(await app.elsewhere(), 'bob', 120);
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  t.deepEqual(shown(room), [...range(71, 120), '+ ann']);
  t.true(room.hasOlder.value);
  const loading = ann.model.loadOlder('friends');
  t.true(room.isLoadingOlder.value);
  // Asked twice, as a view does that is scrolled: read once.
  await Promise.all([loading, ann.model.loadOlder('friends')]);
  t.deepEqual(shown(room), [...range(21, 120), '+ ann']);
  t.false(room.isLoadingOlder.value);
  await ann.model.loadOlder('friends');
  t.deepEqual(shown(room), [...range(1, 120), '+ ann']);
  t.false(room.hasOlder.value);
  await ann.model.loadOlder('friends');
  await ann.model.loadOlder('nowhere');
  t.is(shown(room).length, 121);
  t.is(new Set(room.items.value.map(({ key }) => key)).size, 121);
});

test('older messages that cannot be read are said to be so, and can be asked for again', async (t) => {
  const app = await startApp(t);
  const { url } = app;
  await app.login('bob');
  await fill(await app.elsewhere(), 'bob', 60);
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  const loading = ann.model.loadOlder('friends');
  await Promise.all([loading, ann.model.leaveRoom('friends')]);
  t.false(room.isLoadingOlder.value);
  const again = await enterRoom(ann, 'friends');
  await ann.model.loadOlder('friends');
  t.is(shown(again).length, 61);
});

test('an empty room has nothing older', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  t.deepEqual(shown(room), ['+ ann']);
  t.false(room.hasOlder.value);
});

test('a message that is deleted leaves a mark', async (t) => {
  const app = await startApp(t);
  const { url } = app;
  const bob = await enter(t, url, 'bob');
  await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  for (const text of ['one', 'two', 'three']) bob.model.send('friends', text);
  await when(() => shown(room).includes('bob: three'), 'three');
  t.is(ann.model.unread.value, 3);
  const storage = await app.elsewhere();
  await storage.messages.delete((await storage.rooms.findByName('friends'))?.id ?? 0, 2);
  await when(() => shown(room).includes('bob deleted'), 'deleted');
  t.deepEqual(shown(room).slice(-3), ['bob: one', 'bob deleted', 'bob: three']);
  t.is(ann.model.unread.value, 2);
});

test('what was deleted while the server was away is marked when it is back', async (t) => {
  const house = await openHouse(t);
  const bob = await enter(t, house.url, 'bob');
  const his = await enterRoom(bob, 'friends');
  for (const text of ['one', 'two', 'three']) bob.model.send('friends', text);
  await when(() => shown(his).includes('bob: three'), 'three');
  await when(() => !shown(his).includes('bob: three (pending)'), 'settled');
  await house.stop();
  const storage = await house.elsewhere();
  const roomId = (await storage.rooms.findByName('friends'))?.id ?? 0;
  await storage.messages.delete(roomId, 2);
  await storage.close();
  await house.start();
  await when(() => shown(his).includes('bob deleted'), 'deleted');
  t.deepEqual(shown(his), ['+ bob', 'bob: one', 'bob deleted', 'bob: three']);
});

test('a room whose log is another one shows that one', async (t) => {
  const house = await openHouse(t);
  const bob = await enter(t, house.url, 'bob');
  const his = await enterRoom(bob, 'friends');
  bob.model.send('friends', 'of before');
  await when(() => shown(his).includes('bob: of before'), 'said');
  await house.stop();
  const storage = await house.elsewhere();
  await storage.rooms.delete((await storage.rooms.findByName('friends'))?.id ?? 0);
  await storage.rooms.create({ name: 'friends', topic: 'anew', createdAt: Date.now() });
  await storage.close();
  await house.start();
  await when(() => !shown(his).includes('bob: of before'), 'the new log');
  t.deepEqual(shown(his), []);
  bob.model.send('friends', 'of now');
  await when(() => shown(his).includes('bob: of now'), 'said');
  t.is(bob.model.unread.value, 0);
});

test('many missed messages all come, in order', async (t) => {
  const app = await startApp(t, { env: { SESSION_GRACE: '1', RATE_LIMITS: 'off' } });
  const { url } = app;
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  const ann = await enter(t, proxy.url, 'ann');
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const room = await enterRoom(ann, 'friends');
  await when(() => shown(his).includes('+ ann'), 'in');
  proxy.refuse();
  await when(() => shown(his).includes('- ann'), 'the session is over');
  const count = limits.sinceMessages + 100;
  for (let n = 1; n <= count; n += 1) bob.model.send('friends', `${n}`);
  await when(() => his.items.value.every((item) => item.kind !== 'message' || item.id !== undefined), 'stored');
  proxy.resume();
  await when(() => shown(room).includes(`bob: ${count}`), 'all');
  t.deepEqual(
    shown(room).filter((text) => text.startsWith('bob')),
    range(1, count),
  );
});
