/** The administration page's calls on the real server: what they are typed to be is what is answered. */
import test, { type ExecutionContext } from 'ava';
import { RequestError } from '../../src/client/errors.ts';
import { platformTimers } from '../../src/client/platform.ts';
import { createRest } from '../../src/client/rest.ts';
import { closeCodes } from '../../src/protocol/close-codes.ts';
import { type Access, createAccess } from '../../src/web/admin/access.ts';
import { type AdminApi, createAdminApi } from '../../src/web/admin/api.ts';
import { startApp, type TestApp } from '../support/app.ts';

const goodPassword = 'a long enough pass-phrase';
const noFilter = { q: '', room: '', user: '', from: '', to: '' };
const noAudit = { actor: '', act: '', target: '' };

type World = { server: TestApp; api: AdminApi; token: string; refused: number[]; setToken: (token: string) => void };

/** `root` is a superuser, and the calls are root's. */
async function openWorld(t: ExecutionContext): Promise<World> {
  const server = await startApp(t);
  const root = await server.login('root');
  const storage = await server.elsewhere();
  const { id } = (await storage.users.findByName('root')) ?? { id: 0 };
  await storage.users.setSuperuser(id, true);
  let token = root;
  const refused: number[] = [];
  const api = createAdminApi({
    base: server.url,
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, connection: 'close' } }),
    timers: platformTimers,
    token: () => token,
    onRefused: (status) => refused.push(status),
  });
  const setToken = (value: string): void => {
    token = value;
  };
  return { server, api, token: root, refused, setToken };
}

async function refusal(t: ExecutionContext, call: Promise<unknown>): Promise<RequestError> {
  return t.throwsAsync(call, { instanceOf: RequestError });
}

test('rooms are made, listed page by page, changed and deleted', async (t) => {
  const { api } = await openWorld(t);
  const before = (await api.rooms('')).items.length;
  for (const name of ['club-1', 'club-2', 'Straße.50']) await api.createRoom({ name, topic: 'A & B' });
  const first = await api.rooms('club', { limit: 1 });
  t.deepEqual(
    first.items.map(({ name }) => name),
    ['club-1'],
  );
  const second = await api.rooms('club', { limit: 1, after: first.next ?? undefined });
  t.deepEqual(
    second.items.map(({ name }) => name),
    ['club-2'],
  );
  t.is(second.next, null);
  t.like(await api.room('Straße.50'), { topic: 'A & B', members: 0, messages: 0, member_names: [] });
  t.like(await api.changeRoom('Straße.50', { name: 'street' }), { name: 'street', topic: 'A & B' });
  await api.deleteRoom('street');
  t.is((await refusal(t, api.room('street'))).status, 404);
  t.is((await api.rooms('')).items.length, before + 2);
});

test('messages are searched by each filter, and deleted', async (t) => {
  const { server, api } = await openWorld(t);
  const ada = await server.chat('ada');
  await ada.ask({ type: 'join', room_name: 'family' }, { code: 'joined' });
  for (const body of ['The price of tea', 'Hello 100% there', 'price list']) {
    await ada.ask({ type: 'message', room_name: 'family', body }, { code: 'message' });
  }
  const bodies = async (filter: Partial<typeof noFilter>): Promise<string[]> =>
    (await api.messages({ ...noFilter, ...filter })).items.map(({ body }) => body);
  t.deepEqual(await bodies({ q: 'pri' }), ['price list', 'The price of tea']);
  t.deepEqual(await bodies({ q: '100% th' }), ['Hello 100% there']);
  t.deepEqual(await bodies({ room: 'friends' }), []);
  t.is((await bodies({ user: 'ada', room: 'family' })).length, 3);
  t.deepEqual(await bodies({ to: '2020-01-01T00:00:00.000Z' }), []);
  t.is((await bodies({ from: '2020-01-01T00:00:00.000Z' })).length, 3);
  const [found] = (await api.messages({ ...noFilter, q: 'tea' })).items;
  t.like(found, { room: 'family', user: 'ada' });
  await api.deleteMessage('family', found?.id ?? 0);
  t.deepEqual(await bodies({ q: 'tea' }), []);
});

test('users are made, changed, limited and freed, and what was done is in the log', async (t) => {
  const { server, api } = await openWorld(t);
  const user = { username: 'ada+b@x', password: goodPassword, email: 'ada@example.org', is_superuser: false };
  t.like(await api.createUser(user), { username: 'ada+b@x', is_superuser: false, is_online: false });
  t.like(await api.changeUser('ada+b@x', { is_superuser: true }), { is_superuser: true, session: null, tokens: [] });
  t.like(await api.changeUser('ada+b@x', { is_superuser: false, is_active: false }), { is_active: false });
  await api.changeUser('ada+b@x', { is_active: true });
  t.truthy((await api.mute('ada+b@x', 10)).muted_until);
  t.is((await api.unmute('ada+b@x')).muted_until, null);
  t.like((await api.ban('ada+b@x', { reason: 'spam' })).ban, { until: null, reason: 'spam' });
  t.truthy((await api.ban('ada+b@x', { minutes: 5, reason: '' })).ban?.until);
  t.is((await api.unban('ada+b@x')).ban, null);
  await api.setPassword('ada+b@x', 'another long enough pass-phrase');
  const bob = await server.chat('bob');
  t.like(await api.user('bob'), { is_online: true, session: { transport: 'websocket', rooms: [] } });
  await api.kick('bob');
  t.is((await bob.closed).code, closeCodes.kicked.code);
  const [token] = (await api.user('bob')).tokens;
  await api.revokeToken('bob', token?.id ?? 0);
  t.deepEqual((await api.user('bob')).tokens, []);
  t.is((await api.users('ADA@EX')).items[0]?.username, 'ada+b@x');
  const { items } = await api.audit({ ...noAudit, target: 'ada+b@x', act: 'user-banned' });
  t.deepEqual(
    items.map(({ actor, details }) => [actor, details.reason]),
    [
      ['root', ''],
      ['root', 'spam'],
    ],
  );
  t.is((await api.audit(noAudit, { limit: 1 })).items[0]?.act, 'token-revoked');
});

test('how the server is says who chats', async (t) => {
  const { server, api } = await openWorld(t);
  await server.chat('bob');
  const now = await api.now();
  t.is(now.sessions.websocket, 1);
  t.is(now.redis, 'not used');
});

test('a refusal says to which field it belongs, or why the act cannot be done', async (t) => {
  const { api, refused } = await openWorld(t);
  await api.createRoom({ name: 'club', topic: '' });
  t.truthy((await refusal(t, api.createRoom({ name: 'CLUB', topic: '' }))).fields['name']);
  t.truthy((await refusal(t, api.setPassword('root', 'x'))).fields['password']);
  const locked = await refusal(t, api.changeUser('root', { is_superuser: false }));
  t.is(locked.status, 409);
  t.truthy(locked.detail);
  t.is((await refusal(t, api.kick('nobody'))).status, 404);
  t.deepEqual(refused, []);
});

test('a token that is nobody’s, and a user who is no superuser, are told apart', async (t) => {
  const { server, api, refused, setToken } = await openWorld(t);
  setToken('nobodys');
  t.is((await refusal(t, api.now())).status, 401);
  setToken(await server.login('bob'));
  t.is((await refusal(t, api.users(''))).status, 403);
  t.deepEqual(refused, [401, 403]);
});

test('access is what the real server says: nobody, an ordinary user, a superuser, and one no more', async (t) => {
  const { server, api, setToken } = await openWorld(t);
  let stored: string | undefined;
  const access = createAccess({
    rest: createRest(server.url, (url, init) => fetch(url, init), platformTimers, 10_000),
    api,
    place: {
      read: () => stored,
      write: (token) => {
        stored = token;
        setToken(token ?? '');
      },
    },
  });
  const is = (expected: Access): boolean => t.deepEqual(access.state.value, expected);
  await access.check();
  is({ kind: 'signed-out', why: undefined });
  await server.login('bob');
  await access.login({ username: 'bob', password: goodPassword });
  is({ kind: 'forbidden', username: 'bob' });
  await access.logout();
  await access.login({ username: 'root', password: goodPassword });
  is({ kind: 'granted', username: 'root' });
  await api.setPassword('root', goodPassword);
  await access.check();
  is({ kind: 'signed-out', why: 'ended' });
});
