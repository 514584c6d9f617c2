/** What administrators do takes effect on those who chat at that moment, before it is answered, and is noted. */
import test from 'ava';
import type {
  AdminMessage,
  AdminRoom,
  AdminRoomDetails,
  AdminUser,
  AdminUserDetails,
} from '../../src/protocol/admin.ts';
import { eachDatabase } from '../support/databases.ts';
import { assertEnded, assertLoggedOut } from '../support/transports.ts';
import { openAdminApp } from './admin-app.ts';

const password = 'a long enough pass-phrase';

eachDatabase(
  test,
  'a room that is made can be joined at once, and counts who is in it and what was said',
  async (t, db) => {
    const { server, act, assertNoted } = await openAdminApp(t, db);
    const [bob, carol] = [await server.chat('bob'), await server.chat('carol')];
    const made = await act('POST', '/rooms', { name: 'Lounge', topic: 'For all' });
    t.is(made.status, 201);
    t.like(made.body, { name: 'Lounge', topic: 'For all', members: 0, messages: 0, last_message_at: null });
    await assertNoted('room-created', 'Lounge');
    for (const client of [bob, carol]) await client.ask({ type: 'join', room_name: 'Lounge' }, { code: 'joined' });
    await bob.ask({ type: 'message', room_name: 'Lounge', body: 'Hello' }, { code: 'message' });
    const { body } = await act('GET', '/rooms/Lounge');
    t.like(body, { members: 2, messages: 1, member_names: ['bob', 'carol'] });
    t.true(Date.now() - Date.parse((body as AdminRoom).last_message_at ?? '') < 60_000);
    const listed = (await act('GET', '/rooms?search=LOUN')).body as { rooms: AdminRoom[] };
    const { member_names: _, ...room } = body as AdminRoomDetails;
    t.deepEqual(listed.rooms, [room]);
  },
);

eachDatabase(
  test,
  'a room that is renamed parts its members and keeps its messages; a new topic parts nobody',
  async (t, db) => {
    const { server, act, assertNoted } = await openAdminApp(t, db);
    const [bob, carol] = [await server.chat('bob'), await server.chat('carol')];
    for (const client of [bob, carol]) await client.ask({ type: 'join', room_name: 'family' }, { code: 'joined' });
    await bob.ask({ type: 'message', room_name: 'family', body: 'kept' }, { code: 'message' });
    const retold = await act('PATCH', '/rooms/family', { topic: 'Be kind' });
    t.like(retold.body, { name: 'family', topic: 'Be kind', members: 2, messages: 1, member_names: ['bob', 'carol'] });
    await assertNoted('room-topic-changed', 'family');
    const { body: rooms } = await server.request('GET', '/rooms', { token: await server.login('bob') });
    t.like((rooms as { name: string }[])[0], { name: 'family', topic: 'Be kind', users: 2 });

    const renamed = await act('PATCH', '/rooms/family', { name: 'kin' });
    t.like(renamed.body, { name: 'kin', topic: 'Be kind', members: 0, messages: 1, member_names: [] });
    t.is((await act('GET', '/rooms/family')).status, 404);
    for (const client of [bob, carol]) {
      t.like(await client.next({ code: 'parted', you: true }), { room_name: 'family' });
      await client.ask({ type: 'join', room_name: 'family' }, { code: 'room:invalid' });
      const { status } = await client.ask({ type: 'join', room_name: 'kin' }, { code: 'joined', you: true });
      t.deepEqual(
        status?.messages.map(({ body }) => body),
        ['kept'],
      );
    }
    await assertNoted('room-renamed', 'kin');
  },
);

eachDatabase(test, 'a room that is deleted parts its members, and its messages go in the background', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const bob = await server.chat('bob');
  await bob.ask({ type: 'join', room_name: 'family' }, { code: 'joined' });
  await bob.ask({ type: 'message', room_name: 'family', body: 'gone' }, { code: 'message' });
  const { id } = (await act('GET', '/rooms/family')).body as AdminRoom;
  t.is((await act('DELETE', '/rooms/family')).status, 204);
  t.like(await bob.next({ code: 'parted', you: true }), { room_name: 'family' });
  await bob.ask({ type: 'join', room_name: 'family' }, { code: 'room:invalid' });
  await assertNoted('room-deleted', 'family');
  t.is((await act('DELETE', '/rooms/family')).status, 404);
  t.deepEqual((await act('GET', '/messages?q=gone')).body, { messages: [], next: null });
  const storage = await server.elsewhere();
  const left = async (): Promise<number> =>
    (await storage.messages.page(id, { limit: 1, maxBytes: 1000 })).messages.length;
  const deadline = performance.now() + 10_000;
  while ((await left()) > 0 && performance.now() < deadline) await new Promise(setImmediate);
  t.is(await left(), 0);
});

eachDatabase(test, 'a message that is deleted is gone from screens, history and search', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const [bob, carol] = [await server.chat('bob'), await server.chat('carol')];
  for (const client of [bob, carol]) await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const { id } = await bob.ask(
    { type: 'message', room_name: 'friends', body: 'cheap watches', ref: 'r' },
    { code: 'message' },
  );
  await bob.ask({ type: 'message', room_name: 'friends', body: 'dear watches' }, { code: 'message' });
  const search = async (): Promise<AdminMessage[]> =>
    ((await act('GET', '/messages?q=WATCH&room=friends&user=BOB')).body as { messages: AdminMessage[] }).messages;
  t.deepEqual(
    (await search()).map(({ room, id, user, body }) => ({ room, id, user, body })),
    [
      { room: 'friends', id: 2, user: 'bob', body: 'dear watches' },
      { room: 'friends', id: 1, user: 'bob', body: 'cheap watches' },
    ],
  );
  t.is((await act('DELETE', `/rooms/friends/messages/${id}`)).status, 204);
  for (const client of [bob, carol]) {
    await client.next({ type: 'room:notification', code: 'deleted', room_name: 'friends', id: 1 });
    const { messages } = await client.ask({ type: 'history', room_name: 'friends' }, { code: 'history' });
    t.deepEqual(
      messages?.map(({ body }) => body),
      ['dear watches'],
    );
  }
  t.deepEqual(
    (await search()).map(({ body }) => body),
    ['dear watches'],
  );
  await assertNoted('message-deleted', 'friends');
  for (const gone of [id, 3, 99]) t.is((await act('DELETE', `/rooms/friends/messages/${gone}`)).status, 404);
  t.like((await act('GET', '/rooms/friends')).body, { messages: 1 });
});

eachDatabase(test, 'a muted user is not heard, and an unmuted one is', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const bob = await server.chat('bob');
  await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const muted = (await act('PUT', '/users/bob/mute', { minutes: 5 })).body as AdminUserDetails;
  const until = Date.parse(muted.muted_until ?? '');
  t.true(Math.abs(until - Date.now() - 300_000) < 60_000);
  t.like(muted, {
    username: 'bob',
    is_online: true,
    ban: null,
    session: { transport: 'websocket', rooms: ['friends'] },
  });
  const said = { type: 'message', room_name: 'friends', body: 'x' };
  const { details } = await bob.ask(said, { code: 'room:muted' });
  t.is(details?.until, new Date(Math.ceil(until / 1000) * 1000).toISOString().slice(0, 19).replace('T', ' '));
  await assertNoted('user-muted', 'bob', { until: muted.muted_until });
  t.like((await act('DELETE', '/users/bob/mute')).body, { muted_until: null });
  await bob.ask(said, { code: 'message', you: true });
  await assertNoted('user-unmuted', 'bob');
});

eachDatabase(test, 'a kicked user leaves, and may come back', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const token = await server.login('bob');
  const bob = await server.chat('bob', { token });
  await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  t.is((await act('POST', '/users/bob/kick')).status, 204);
  t.like((await act('GET', '/users/bob')).body, { is_online: false, session: null });
  t.like((await act('GET', '/rooms/friends')).body, { members: 0 });
  await assertEnded(t, bob, 'kicked');
  await assertNoted('user-kicked', 'bob');
  await server.chat('bob', { token });
  t.like((await act('GET', '/users/bob')).body, { is_online: true });
});

eachDatabase(test, 'a banned user is out, and in again when the ban is taken back', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const token = await server.login('bob');
  const bob = await server.chat('bob', { token });
  const login = async (): Promise<unknown> =>
    (await server.request('POST', '/login', { body: { username: 'bob', password } })).status;
  const banned = (await act('PUT', '/users/bob/ban', { minutes: 5, reason: 'Spam' })).body as AdminUserDetails;
  t.is(banned.ban?.reason, 'Spam');
  t.true(Math.abs(Date.parse(banned.ban?.until ?? '') - Date.now() - 300_000) < 60_000);
  t.false(banned.is_online);
  await assertEnded(t, bob, 'kicked');
  t.is((await server.request('GET', '/profile', { token })).status, 401);
  t.is(await login(), 400);
  await assertNoted('user-banned', 'bob', { until: banned.ban?.until ?? null, reason: 'Spam' });
  t.like((await act('PUT', '/users/bob/ban', {})).body, { ban: { until: null, reason: '' } });
  t.is(await login(), 400);
  t.like((await act('DELETE', '/users/bob/ban')).body, { ban: null });
  t.is(await login(), 200);
  t.is((await server.request('GET', '/profile', { token })).status, 200);
  await assertNoted('user-unbanned', 'bob');
});

eachDatabase(test, 'a deactivated user is out until activated', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const token = await server.login('bob');
  const bob = await server.chat('bob', { token });
  t.like((await act('PATCH', '/users/bob', { is_active: false })).body, { is_active: false, is_online: false });
  await assertEnded(t, bob, 'kicked');
  t.is((await server.request('GET', '/profile', { token })).status, 401);
  await assertNoted('user-deactivated', 'bob');
  t.like((await act('PATCH', '/users/bob', { is_active: true })).body, { is_active: true });
  t.is((await server.request('GET', '/profile', { token })).status, 200);
  await assertNoted('user-activated', 'bob');
});

eachDatabase(test, 'rights given and taken hold from the next call on', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const token = await server.login('bob');
  t.is((await act('GET', '/now', undefined, token)).status, 403);
  t.like((await act('PATCH', '/users/bob', { is_superuser: true })).body, { is_superuser: true });
  await assertNoted('user-promoted', 'bob');
  t.is((await act('GET', '/now', undefined, token)).status, 200);
  t.like((await act('PATCH', '/users/bob', { is_superuser: false })).body, { is_superuser: false });
  t.is((await act('GET', '/now', undefined, token)).status, 403);
  await assertNoted('user-demoted', 'bob');
});

eachDatabase(test, 'a new password ends the user’s log-ins, and only it opens the door', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const bob = await server.chat('bob');
  t.is((await act('PUT', '/users/bob/password', { password: 'seven green bottles' })).status, 204);
  await assertLoggedOut(t, bob);
  await assertNoted('user-password-set', 'bob', {});
  const login = async (password: string): Promise<unknown> =>
    (await server.request('POST', '/login', { body: { username: 'bob', password } })).status;
  t.deepEqual([await login(password), await login('seven green bottles')], [400, 200]);
});

eachDatabase(test, 'a revoked token ends the session that was opened with it, and no other token', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const [kept, lost] = [await server.login('bob'), await server.login('bob')];
  const bob = await server.chat('bob', { token: lost });
  const { tokens } = (await act('GET', '/users/bob')).body as AdminUserDetails;
  t.deepEqual(
    tokens.map(({ label }) => label),
    [null, null],
  );
  const newest = tokens[0]?.id ?? 0;
  t.true(newest > (tokens[1]?.id ?? 0));
  t.is((await act('DELETE', `/users/ada/tokens/${newest}`)).status, 404);
  t.is((await act('DELETE', `/users/bob/tokens/${newest}`)).status, 204);
  await assertLoggedOut(t, bob);
  await assertNoted('token-revoked', 'bob');
  t.is((await server.request('GET', '/profile', { token: lost })).status, 401);
  t.is((await server.request('GET', '/profile', { token: kept })).status, 200);
  t.is((await act('DELETE', `/users/bob/tokens/${newest}`)).status, 404);
});

eachDatabase(test, 'a user who is made can log in, and administer where that was said', async (t, db) => {
  const { server, act, assertNoted } = await openAdminApp(t, db);
  const made = await act('POST', '/users', { username: 'Zoë', password, email: 'zoe@example.org', is_superuser: true });
  t.is(made.status, 201);
  t.like(made.body, {
    username: 'Zoë',
    email: 'zoe@example.org',
    is_superuser: true,
    is_active: true,
    is_online: false,
  });
  await assertNoted('user-created', 'Zoë');
  const token = await server.login('Zoë');
  const { body } = await act('GET', '/users?search=zo', undefined, token);
  t.deepEqual(
    (body as { users: AdminUser[] }).users.map(({ username, last_login_at }) => [username, last_login_at === null]),
    [['Zoë', false]],
  );
});

eachDatabase(test, 'nobody locks oneself out, nor does half of it', async (t, db) => {
  const { server, act, token } = await openAdminApp(t, db);
  const ada = await server.chat('ada', { token });
  for (const [method, path, json] of [
    ['PATCH', '/users/ada', { is_active: false }],
    ['PATCH', '/users/ADA', { is_superuser: false }],
    ['PATCH', '/users/ada', { is_active: true, is_superuser: false }],
    ['PATCH', '/users/ada', { is_active: false, is_superuser: true }],
    ['POST', '/users/ada/kick'],
    ['PUT', '/users/ada/ban', { minutes: 5 }],
  ] as const) {
    const { status, body } = await act(method, path, json);
    t.is(status, 409, path);
    t.regex((body as { detail: string }).detail, /yourself/);
  }
  await ada.settle();
  t.like((await act('GET', '/users/ada')).body, { is_active: true, is_superuser: true, is_online: true, ban: null });
  t.deepEqual((await act('GET', '/audit')).body, { entries: [], next: null });
});
