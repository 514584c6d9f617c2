/** One user, several windows: where the chat is, and how it is brought here. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { createTab, enter, enterRoom, openPage, password, roomOf, shown, when } from './model-house.ts';

test('a second tab says that the chat is elsewhere, and the first notices nothing', async (t) => {
  const { url } = await startApp(t);
  const first = await enter(t, url, 'ann');
  const second = openPage(t, url, createTab(first.tab.local));
  await when(() => second.model.phase.value.kind === 'elsewhere', 'elsewhere');
  t.deepEqual(second.model.phase.value, { kind: 'elsewhere', reason: 'already-chatting' });
  t.is(first.model.phase.value.kind, 'chatting');
  t.is(first.model.link.value.state, 'open');
});

test('“use it here” brings the chat and its rooms, back and forth, and nothing is missed', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const first = await enter(t, url, 'ann');
  await enterRoom(first, 'friends');
  first.model.suspend();
  first.model.unsuspend();
  const second = openPage(t, url, createTab(first.tab.local));
  await when(() => second.model.phase.value.kind === 'elsewhere', 'elsewhere');

  await second.model.useHere();
  t.is(second.model.phase.value.kind, 'chatting');
  await when(() => first.model.phase.value.kind === 'elsewhere', 'the first is told');
  t.deepEqual(first.model.phase.value, { kind: 'elsewhere', reason: 'resumed-elsewhere' });
  await when(() => second.model.room.value?.name === 'friends', 'in the room');
  bob.model.send('friends', 'one');
  await when(() => shown(roomOf(second, 'friends')).includes('bob: one'), 'one');

  await first.model.useHere();
  await when(() => second.model.phase.value.kind === 'elsewhere', 'the second is told');
  bob.model.send('friends', 'two');
  await when(() => shown(roomOf(first, 'friends')).includes('bob: two'), 'two');
  t.deepEqual(
    shown(roomOf(first, 'friends')).filter((text) => text.startsWith('bob:')),
    ['bob: one', 'bob: two'],
  );
  t.deepEqual(
    his.users.value.map(({ name }) => name),
    ['ann', 'bob'],
  );
});

test('a log-in of the same user elsewhere that takes the chat over is explained', async (t) => {
  const { url } = await startApp(t);
  const first = await enter(t, url, 'ann');
  const other = openPage(t, url);
  await other.model.login({ username: 'ann', password });
  t.deepEqual(other.model.phase.value, { kind: 'elsewhere', reason: 'already-chatting' });
  await other.model.useHere();
  await when(() => first.model.phase.value.kind === 'elsewhere', 'the first is told');
});

test('what waits to be sent is sent once the chat is back here', async (t) => {
  const { url } = await startApp(t);
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  const first = await enter(t, url, 'ann');
  const hers = await enterRoom(first, 'friends');
  const second = openPage(t, url, createTab(first.tab.local));
  await when(() => second.model.phase.value.kind === 'elsewhere', 'elsewhere');
  await second.model.useHere();
  await when(() => first.model.phase.value.kind === 'elsewhere', 'the first is told');
  first.model.send('friends', 'from here');
  first.model.send('friends', '/stock=wig');
  await when(() => shown(hers).includes('ann: /stock=wig (failed)'), 'the command fails');
  t.true(shown(hers).includes('ann: from here (pending)'));
  // Only what has failed is anybody's to decide.
  const { key = '' } = hers.items.value.find((item) => item.kind === 'message' && item.body === 'from here') ?? {};
  first.model.discard('friends', key);
  first.model.resend('friends', key);
  t.true(shown(hers).includes('ann: from here (pending)'));
  await first.model.useHere();
  await when(() => shown(his).includes('ann: from here'), 'the message');
  await when(() => !shown(hers).includes('ann: from here (pending)'), 'settled');
});

test('a page that is elsewhere follows the browser’s log-out, and one that is logged out its log-in', async (t) => {
  const { url } = await startApp(t);
  const first = await enter(t, url, 'ann');
  const second = openPage(t, url, createTab(first.tab.local));
  await when(() => second.model.phase.value.kind === 'elsewhere', 'elsewhere');
  await first.model.logout();
  second.model.checkToken();
  t.deepEqual(second.model.phase.value, { kind: 'signed-out', reason: 'logged-out' });
  await first.model.login({ username: 'ann', password });
  second.model.checkToken();
  await when(() => second.model.phase.value.kind === 'elsewhere', 'elsewhere again');
});

test('“use it here” without a token leads to the log-in, with another user’s token to that user', async (t) => {
  const { url } = await startApp(t);
  const ann = await enter(t, url, 'ann');
  const bob = await enter(t, url, 'bob');
  const second = openPage(t, url, createTab(ann.tab.local));
  await when(() => second.model.phase.value.kind === 'elsewhere', 'elsewhere');
  ann.tab.local.setItem('finchat.token', bob.tab.local.getItem('finchat.token') ?? '');
  await second.model.useHere();
  await when(() => second.model.username.value === 'bob', 'bob');
  await when(() => bob.model.phase.value.kind === 'elsewhere', 'bob is told');

  const third = openPage(t, url, createTab(ann.tab.local));
  await when(() => third.model.phase.value.kind === 'elsewhere', 'elsewhere');
  ann.tab.local.removeItem('finchat.token');
  await third.model.useHere();
  t.deepEqual(third.model.phase.value, { kind: 'signed-out', reason: 'logged-out' });
});

test('a page whose log-in has ended leaves the log-in of somebody else alone', async (t) => {
  const app = await startApp(t);
  const ann = await enter(t, app.url, 'ann');
  const bob = await enter(t, app.url, 'bob');
  const [hers, his] = [ann, bob].map(({ tab }) => tab.local.getItem('finchat.token') ?? '');
  ann.tab.local.setItem('finchat.token', his ?? '');
  await app.request('POST', '/logout', { token: hers ?? '' });
  await when(() => ann.model.phase.value.kind === 'signed-out', 'signed out');
  t.is(ann.tab.local.getItem('finchat.token'), his ?? '');
});

test('a page that is elsewhere does not overwrite what the other one remembers', async (t) => {
  const { url } = await startApp(t);
  const first = await enter(t, url, 'ann');
  await enterRoom(first, 'friends');
  const second = openPage(t, url, createTab(first.tab.local));
  await when(() => second.model.phase.value.kind === 'elsewhere', 'elsewhere');
  first.model.suspend();
  const remembered = first.tab.local.getItem('finchat.chat.ann');
  t.regex(remembered ?? '', /friends/);
  second.model.suspend();
  t.is(first.tab.local.getItem('finchat.chat.ann'), remembered);
});
