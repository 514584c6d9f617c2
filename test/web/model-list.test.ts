/** The list of rooms and the server logs of the chat page's model. */
import test from 'ava';
import type { ChatModel } from '../../src/web/chat/model/model.ts';
import { startApp } from '../support/app.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { enter, enterRoom, openHouse, openPage, roomOf, shown, when } from './model-house.ts';

const texts = (model: ChatModel, kind: string): string[] =>
  model.log.value.filter((line) => line.kind === kind).map(({ text }) => text);

test('the list has topics and counts, and says what changed', async (t) => {
  const app = await startApp(t);
  const ann = await enter(t, app.url, 'ann');
  const bob = await enter(t, app.url, 'bob');
  await enterRoom(bob, 'friends');
  const { model } = ann;
  await when(() => model.rooms.value.length === 3, 'the list');
  const storage = await app.elsewhere();
  await storage.rooms.create({ name: 'Attic', topic: 'old things', createdAt: Date.now() });
  await storage.rooms.delete((await storage.rooms.findByName('family'))?.id ?? 0);
  await storage.rooms.change((await storage.rooms.findByName('friends'))?.id ?? 0, { topic: 'news' }, Date.now());
  // Another process's changes take a moment.
  while (!model.rooms.value.some(({ topic }) => topic === 'news')) {
    const refreshing = model.refreshRooms();
    t.true(model.isRefreshing.value);
    await refreshing;
  }
  t.false(model.isRefreshing.value);
  t.like(model.rooms.value, [
    { name: 'Attic', topic: 'old things', users: 0, isJoined: false },
    { name: 'friends', topic: 'news', users: 1, isJoined: false },
    { name: 'investments' },
  ]);
  const said = texts(model, 'rooms');
  for (const text of ['There is a new room: Attic.', 'The room family is gone.', 'The topic of friends is now: news']) {
    t.is(said.filter((line) => line === text).length, 1, text);
  }
  t.is(said.at(-1), 'There are 3 rooms.');
});

test('a list that cannot be read says so, and the old one stays', async (t) => {
  const { url } = await startApp(t);
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  const { model } = await enter(t, proxy.url, 'ann');
  await when(() => model.rooms.value.length === 3, 'the list');
  proxy.refuse();
  await model.refreshRooms();
  t.regex(texts(model, 'error').at(-1) ?? '', /could not be read/);
  t.is(model.rooms.value.length, 3);
});

test('a room that cannot be joined says so, and what was shown before is shown again', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  const opening = ann.model.openRoom('nowhere');
  t.deepEqual(ann.model.place.value, { kind: 'room', name: 'nowhere' });
  t.is(ann.model.room.value, undefined);
  await opening;
  t.deepEqual(ann.model.place.value, { kind: 'room', name: 'friends' });
  t.is(ann.model.notice.value, 'You could not enter nowhere. There is no room with the name nowhere.');
  t.like(
    ann.model.log.value.find(({ kind }) => kind === 'error'),
    { code: 'room:invalid' },
  );
  ann.model.dismissNotice();
  t.is(ann.model.notice.value, undefined);
});

test('of two rooms that cannot be joined neither stays open', async (t) => {
  const { url } = await startApp(t);
  const { model } = await enter(t, url, 'ann');
  await Promise.all([model.openRoom('nowhere'), model.openRoom('neverland')]);
  t.deepEqual(model.place.value, { kind: 'log' });
});

test('a room that is deleted is closed, with a word', async (t) => {
  const app = await startApp(t);
  const ann = await enter(t, app.url, 'ann');
  await enterRoom(ann, 'family');
  await enterRoom(ann, 'friends');
  const storage = await app.elsewhere();
  await storage.rooms.delete((await storage.rooms.findByName('friends'))?.id ?? 0);
  await when(() => ann.model.place.value.kind === 'log', 'closed');
  t.regex(ann.model.notice.value ?? '', /not in friends any more/);
  t.is(ann.model.room.value, undefined);
  await when(() => ann.model.rooms.value.length === 2, 'the list without it');
  await ann.model.openRoom('family');
  t.is(roomOf(ann, 'family').name, 'family');
});

test('leaving a room says nothing, and goes to the log', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  await ann.model.leaveRoom('friends');
  t.deepEqual(ann.model.place.value, { kind: 'log' });
  t.is(ann.model.notice.value, undefined);
  t.false(ann.model.rooms.value.some(({ isJoined }) => isJoined));
  await ann.model.leaveRoom('friends');
  t.regex(ann.model.notice.value ?? '', /could not leave friends/);
});

test('who is here is kept live', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  const room = await enterRoom(ann, 'friends');
  const zoe = await enter(t, url, 'Zoe');
  const bob = await enter(t, url, 'bob');
  await enterRoom(zoe, 'friends');
  await enterRoom(bob, 'friends');
  await when(() => room.users.value.length === 3, 'all');
  t.deepEqual(room.users.value, [
    { name: 'ann', you: true },
    { name: 'bob', you: false },
    { name: 'Zoe', you: false },
  ]);
  t.is(ann.model.rooms.value.find(({ name }) => name === 'friends')?.users, 3);
  await zoe.model.leaveRoom('friends');
  await when(() => room.users.value.length === 2, 'without Zoe');
  t.deepEqual(shown(room), ['+ ann', '+ Zoe', '+ bob', '- Zoe']);
});

test('who is here is right again after the server was away', async (t) => {
  const house = await openHouse(t);
  const ann = await enter(t, house.url, 'ann');
  const room = await enterRoom(ann, 'friends');
  const bob = await enter(t, house.url, 'bob');
  await enterRoom(bob, 'friends');
  await when(() => room.users.value.length === 2, 'both');
  await house.stop();
  await bob.model.close();
  await house.start();
  await when(() => room.users.value.length === 1, 'bob is gone');
  t.is(ann.model.link.value.state, 'open');
});

test('commands that are seen are offered', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  await enterRoom(bob, 'friends');
  const ann = await enter(t, url, 'ann');
  await enterRoom(ann, 'friends');
  t.deepEqual(ann.model.knownCommands.value, ['stock']);
  bob.model.send('friends', '/dice=2d6');
  await when(() => ann.model.knownCommands.value.length === 2, 'dice');
  t.deepEqual(ann.model.knownCommands.value, ['dice', 'stock']);
});

test('the log shows what an operator says to everybody', async (t) => {
  const house = await openHouse(t, { MOTD: 'The server moves on Sunday.' });
  const { model } = await enter(t, house.url, 'ann');
  t.deepEqual(texts(model, 'notice'), ['The server moves on Sunday.']);
});

test('the log tells of the connection: by what, its loss, the server’s restart, its return', async (t) => {
  const house = await openHouse(t);
  const { model } = await enter(t, house.url, 'ann');
  // The usual greeting is for whoever speaks the protocol by hand.
  t.deepEqual(texts(model, 'notice'), []);
  await house.stop();
  t.truthy(model.link.value.backAt);
  await when(() => model.link.value.state === 'waiting', 'away');
  await house.start();
  await when(() => model.link.value.state === 'open', 'back');
  await when(() => texts(model, 'connection').some((text) => text.startsWith('Connected again')), 'said');
  const said = texts(model, 'connection');
  t.deepEqual(said.slice(0, 2), ['Connecting…', 'Connected by WebSocket.']);
  t.true(
    said.some((text) => text.startsWith('The server restarts.')),
    said.join('\n'),
  );
  t.true(said.includes('The connection is lost. Trying again…'));
  t.is(model.link.value.backAt, undefined);
  t.like(
    model.log.value.find(({ code }) => code === 'server-closing'),
    { kind: 'connection' },
  );
});

test('a cut line is told as one that goes on', async (t) => {
  const { url } = await startApp(t);
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  const ann = await enter(t, proxy.url, 'ann');
  proxy.cut();
  await when(
    () => texts(ann.model, 'connection').includes('Connected again by WebSocket. Nothing was missed.'),
    'back',
  );
});

test('a page that is offline says so', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  ann.tab.isOnline.value = false;
  ann.tab.isOnline.value = true;
  t.deepEqual(texts(ann.model, 'connection').slice(-2), ['This device is offline.', 'This device is online again.']);
});

test('where WebSockets do not pass, the chat goes on by another transport, which the log tells', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann', { transport: 'poll' });
  t.is(ann.model.link.value.transport, 'poll');
  t.true(texts(ann.model, 'connection').includes('Connected by polling.'));
  const room = await enterRoom(ann, 'friends');
  ann.model.send('friends', 'hello');
  await when(() => shown(room).includes('ann: hello'), 'hello');
  const next = openPage(t, url, ann.tab, { transport: 'sse' });
  await when(() => next.model.phase.value.kind === 'elsewhere', 'elsewhere');
  await next.model.useHere();
  await when(() => ann.model.phase.value.kind === 'elsewhere', 'told');
});

for (const sign of ['isOnline', 'isVisible'] as const) {
  test(`a page that ${sign === 'isOnline' ? 'has a network' : 'is seen'} again does not wait for its next attempt`, async (t) => {
    const { url } = await startApp(t);
    const proxy = await openTcpProxy(url);
    t.teardown(() => proxy.close());
    // Left alone, this client would wait for ever.
    const ann = await enter(t, proxy.url, 'ann', { timers: { setTimeout: () => 0, clearTimeout() {} } });
    ann.tab[sign].value = false;
    proxy.cut();
    await when(() => ann.model.link.value.state === 'waiting', 'cut');
    ann.tab[sign].value = true;
    await when(() => ann.model.link.value.state === 'open', 'back');
    t.is(ann.model.phase.value.kind, 'chatting');
  });
}
