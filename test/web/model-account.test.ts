/** Who is logged in on the chat page, and why no more: the model on the real server. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { openTcpProxy } from '../support/tcp-proxy.ts';
import { createTab, enter, enterRoom, openPage, password, shown, when } from './model-house.ts';

test('registering logs in at once', async (t) => {
  const { url } = await startApp(t);
  const { model, tab } = openPage(t, url);
  t.deepEqual(model.phase.value, { kind: 'signed-out', reason: undefined });
  t.is(await model.register({ username: 'ann', password, email: 'ann@mail.example' }), undefined);
  t.is(model.phase.value.kind, 'chatting');
  t.is(model.username.value, 'ann');
  t.false(model.isSuperuser.value);
  t.truthy(tab.local.getItem('finchat.token'));
  t.like(model.link.value, { state: 'open', transport: 'websocket' });
});

test('what is wrong with a form stands beside its fields', async (t) => {
  const { url } = await startApp(t);
  const { model } = openPage(t, url);
  const faults = await model.register({ username: 'a b', password: '123', email: 'nowhere' });
  t.deepEqual(Object.keys(faults?.fields ?? {}).sort(), ['email', 'password', 'username']);
  t.deepEqual(faults?.form, []);
  const refused = await model.login({ username: 'nobody', password });
  t.deepEqual(refused?.fields, {});
  t.is(refused?.form.length, 1);
  t.deepEqual(model.phase.value, { kind: 'signed-out', reason: undefined });
});

test('a server that cannot be reached is said to the form', async (t) => {
  const { url } = await startApp(t);
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  proxy.refuse();
  const { model } = openPage(t, proxy.url);
  t.deepEqual(await model.login({ username: 'ann', password }), {
    fields: {},
    form: ['The server cannot be reached. Check your connection and try again.'],
  });
  proxy.resume();
  t.is(await model.register({ username: 'ann', password, email: '' }), undefined);
});

test('a stored token logs in, also once a server that is away comes back', async (t) => {
  const { url } = await startApp(t);
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  const ann = await enter(t, proxy.url, 'ann');
  await ann.model.close();
  proxy.refuse();
  const { model } = openPage(t, proxy.url, ann.tab);
  await when(() => model.link.value.state === 'waiting', 'a vain attempt');
  t.is(model.phase.value.kind, 'starting');
  proxy.resume();
  await when(() => model.phase.value.kind === 'chatting', 'chatting');
  t.is(model.username.value, 'ann');
});

test('a stored token that is none any more leads to the log-in, with the reason', async (t) => {
  const { url } = await startApp(t);
  const tab = createTab();
  tab.local.setItem('finchat.token', 'x'.repeat(43));
  const { model } = openPage(t, url, tab);
  await when(() => model.phase.value.kind === 'signed-out', 'signed out');
  t.deepEqual(model.phase.value, { kind: 'signed-out', reason: 'not-authenticated' });
  t.is(tab.local.getItem('finchat.token'), null);
});

test('logging out leaves the rooms, ends the token and forgets who was here', async (t) => {
  const app = await startApp(t);
  const { url } = app;
  const ann = await enter(t, url, 'ann');
  const bob = await enter(t, url, 'bob');
  const his = await enterRoom(bob, 'friends');
  await enterRoom(ann, 'friends');
  const token = ann.tab.local.getItem('finchat.token') ?? '';
  await ann.model.logout();
  t.deepEqual(ann.model.phase.value, { kind: 'signed-out', reason: 'signed-out' });
  await when(() => shown(his).includes('- ann'), 'a part');
  t.is((await app.request('GET', '/profile', { token })).status, 401);
  t.is(ann.tab.local.getItem('finchat.token'), null);
  t.is(ann.model.username.value, undefined);
  t.deepEqual(ann.model.rooms.value, []);
  t.deepEqual(ann.model.place.value, { kind: 'log' });
  t.is(ann.model.notice.value, undefined);
  t.is(await ann.model.login({ username: 'ann', password }), undefined);
  t.is(ann.model.phase.value.kind, 'chatting');
});

test('logging out of a server that is away logs out here, and says so', async (t) => {
  const { url } = await startApp(t);
  const proxy = await openTcpProxy(url);
  t.teardown(() => proxy.close());
  const { model, tab } = await enter(t, proxy.url, 'ann');
  proxy.refuse();
  await model.logout();
  t.deepEqual(model.phase.value, { kind: 'signed-out', reason: 'signed-out' });
  t.is(tab.local.getItem('finchat.token'), null);
  t.regex(model.notice.value ?? '', /could not be told/);
});

test('a token that is logged out elsewhere leads to the log-in, with a word', async (t) => {
  const app = await startApp(t);
  const { url } = app;
  const { model, tab } = await enter(t, url, 'ann');
  await app.request('POST', '/logout', { token: tab.local.getItem('finchat.token') ?? '' });
  await when(() => model.phase.value.kind === 'signed-out', 'signed out');
  t.deepEqual(model.phase.value, { kind: 'signed-out', reason: 'logged-out' });
  t.is(tab.local.getItem('finchat.token'), null);
});

test('a user who is removed is told so', async (t) => {
  const app = await startApp(t);
  const { url } = app;
  const { model } = await enter(t, url, 'ann');
  const storage = await app.elsewhere();
  const ann = await storage.users.findByName('ann');
  await storage.users.setActive(ann?.id ?? 0, false);
  await when(() => model.phase.value.kind === 'signed-out', 'signed out');
  t.deepEqual(model.phase.value, { kind: 'signed-out', reason: 'kicked' });
});

test('a superuser is known as one', async (t) => {
  const app = await startApp(t);
  const { url } = app;
  const ann = await enter(t, url, 'ann');
  const storage = await app.elsewhere();
  const user = await storage.users.findByName('ann');
  await storage.users.setSuperuser(user?.id ?? 0, true);
  await ann.model.close();
  const { model } = openPage(t, url, ann.tab);
  await when(() => model.isSuperuser.value, 'a superuser');
});

test('who becomes a superuser while chatting, or is none any more, is known as that after a reload', async (t) => {
  const app = await startApp(t);
  const ann = await enter(t, app.url, 'ann');
  const storage = await app.elsewhere();
  const id = (await storage.users.findByName('ann'))?.id ?? 0;
  await storage.users.setSuperuser(id, true);
  const promoted = await ann.reload();
  await when(() => promoted.model.isSuperuser.value, 'a superuser');
  await storage.users.setSuperuser(id, false);
  const demoted = await promoted.reload();
  await when(() => !demoted.model.isSuperuser.value, 'none any more');
  t.is(demoted.model.username.value, 'ann');
});

test('a user who is kicked is told so, and may come back', async (t) => {
  const app = await startApp(t);
  const { model } = await enter(t, app.url, 'ann');
  const storage = await app.elsewhere();
  await storage.users.kick((await storage.users.findByName('ann'))?.id ?? 0);
  await when(() => model.phase.value.kind === 'signed-out', 'signed out');
  t.deepEqual(model.phase.value, { kind: 'signed-out', reason: 'kicked' });
  t.is(await model.login({ username: 'ann', password }), undefined);
  t.is(model.phase.value.kind, 'chatting');
});
