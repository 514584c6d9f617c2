/** What calls of the administration API make of input that nobody should send: all faults at once, and nothing done. */
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { furnish, stateOf, superuser } from './admin-calls.ts';
import { goodPassword, isErrorShape, openRestServer } from './rest-server.ts';

type Refused = readonly [method: string, path: string, json: unknown, fields: readonly string[]];

const long = 'x'.repeat(5000);

const refused: readonly Refused[] = [
  // Wrong types, all faults at once.
  ['POST', '/rooms', {}, ['name']],
  ['POST', '/rooms', { name: 5, topic: null }, ['name', 'topic']],
  ['POST', '/rooms', { name: ' ', topic: long }, ['name', 'topic']],
  ['POST', '/rooms', { name: 'a b', topic: 'two\nlines' }, ['name', 'topic']],
  ['POST', '/rooms', { name: 'FRIENDS' }, ['name']],
  ['POST', '/rooms', { name: 'a\0', topic: '\ud800' }, ['name', 'topic']],
  ['POST', '/rooms', { name: '__proto__' }, ['name']],
  ['POST', '/rooms', { name: 'x', unknown: 'a\0' }, ['non_field_errors']],
  ['PATCH', '/rooms/friends', {}, ['non_field_errors']],
  ['PATCH', '/rooms/friends', { nmae: 'typo' }, ['non_field_errors']],
  ['PATCH', '/rooms/friends', { name: 'Family' }, ['name']],
  ['PATCH', '/rooms/friends', { name: '', topic: 5 }, ['name', 'topic']],
  ['POST', '/users', {}, ['username', 'password']],
  [
    'POST',
    '/users',
    { username: 'b b', password: '1', email: 'x', is_superuser: 'yes' },
    ['username', 'password', 'email', 'is_superuser'],
  ],
  ['POST', '/users', { username: 'BOB', password: 'short' }, ['username', 'password']],
  ['POST', '/users', { username: 'Bob', password: goodPassword }, ['username']],
  [
    'POST',
    '/users',
    { username: long, password: long, email: `${long}@example.org` },
    ['username', 'password', 'email'],
  ],
  ['POST', '/users', { username: 'new', password: 'ä'.repeat(37) }, ['password']],
  ['PATCH', '/users/bob', {}, ['non_field_errors']],
  ['PATCH', '/users/bob', { is_active: 1, is_superuser: 'true' }, ['is_active', 'is_superuser']],
  ['PATCH', '/users/bob', { is_active: null }, ['is_active']],
  ['PUT', '/users/bob/password', {}, ['password']],
  ['PUT', '/users/bob/password', { password: 'bob' }, ['password']],
  ['PUT', '/users/bob/password', { password: 12345678 }, ['password']],
  ['PUT', '/users/bob/mute', {}, ['minutes']],
  ...[0, -1, 1.5, 1e300, limits.banMinutes + 1, '5', null, [5], true].map(
    (minutes): Refused => ['PUT', '/users/bob/mute', { minutes }, ['minutes']],
  ),
  ['PUT', '/users/bob/ban', { minutes: -5, reason: long }, ['minutes', 'reason']],
  ['PUT', '/users/bob/ban', { minutes: null, reason: 5 }, ['minutes', 'reason']],
  ['PUT', '/users/bob/ban', { reason: 'a\u2028b' }, ['reason']],
  // Queries.
  ['GET', '/rooms?limit=0&after=x', undefined, ['after', 'limit']],
  ['GET', `/rooms?limit=201&search=${long}`, undefined, ['limit', 'search']],
  ['GET', '/users?limit=x&after=%21', undefined, ['after', 'limit']],
  ['GET', '/users?limit=-1', undefined, ['limit']],
  ['GET', `/users?after=${Buffer.from('users:a\0b').toString('base64url')}`, undefined, ['after']],
  [
    'GET',
    '/messages?q=%21%3F&from=yesterday&to=2026-02-30T00:00:00Z&limit=1e2&after=%20',
    undefined,
    ['after', 'from', 'limit', 'q', 'to'],
  ],
  ['GET', `/messages?q=${long}&user=${long}&room=${long}`, undefined, ['q', 'room', 'user']],
  ['GET', '/audit?act=none&after=bob&limit=', undefined, ['act', 'after', 'limit']],
  ['GET', '/audit?act=__proto__', undefined, ['act']],
];

test('every fault of every field is told at once, and nothing is done', async (t) => {
  const server = await openRestServer(t);
  await furnish(server);
  const token = await superuser(server);
  const before = await stateOf(server);
  for (const [method, path, json, fields] of refused) {
    const call = `${method} ${path.slice(0, 60)} ${JSON.stringify(json)?.slice(0, 100)}`;
    const answer = await server.call(method, `/admin/api${path}`, { token, ...(json === undefined ? {} : { json }) });
    t.is(answer.status, 400, call);
    t.true(isErrorShape(answer.body), call);
    t.deepEqual(Object.keys(answer.body as object).toSorted(), fields.toSorted(), `${call}: ${answer.text}`);
  }
  t.is(await stateOf(server), before);
});

test('bodies that are no JSON object are refused as everywhere', async (t) => {
  const server = await openRestServer(t);
  await furnish(server);
  const token = await superuser(server);
  const asJson = { 'content-type': 'application/json' };
  const post = (call: object): Promise<{ status: number }> =>
    server.call('POST', '/admin/api/rooms', { token, ...call });
  t.is((await post({ form: { name: 'made' } })).status, 415);
  t.is((await post({ body: 'name=made', headers: { 'content-type': 'text/plain' } })).status, 415);
  t.is((await post({ body: `{"name":"${'x'.repeat(70_000)}"}`, headers: asJson })).status, 413);
  for (const body of ['{', '[]', '"made"', 'null', '5'])
    t.is((await post({ body, headers: asJson })).status, 400, body);
  t.is((await post({ body: new Uint8Array([0x7b, 0xff, 0x7d]), headers: asJson })).status, 400);
  t.is(await server.storage.rooms.findByName('made'), undefined);
});

test('what an address names and does not exist is 404, whatever the name', async (t) => {
  const server = await openRestServer(t);
  await furnish(server);
  const token = await superuser(server);
  const before = await stateOf(server);
  const names = [
    'none',
    '__proto__',
    'constructor',
    'a%20b',
    'a%2Fb',
    '%2e%2e',
    '*',
    '%7Bname%7D',
    'x'.repeat(2000),
    'a%0Ab',
    '%F0%9F%98%80',
  ];
  const ids = ['0', '-1', '1.5', '1e3', '99', '9007199254740993', '99999999999999999999', '01', '+1', 'x', '__proto__'];
  const calls: [method: string, path: string, json?: object][] = [
    ...names.flatMap((name): [string, string, object?][] => [
      ['GET', `/rooms/${name}`],
      ['PATCH', `/rooms/${name}`, { topic: 'x' }],
      ['DELETE', `/rooms/${name}`],
      ['DELETE', `/rooms/${name}/messages/1`],
      ['GET', `/users/${name}`],
      ['PATCH', `/users/${name}`, { is_active: true }],
      ['PUT', `/users/${name}/password`, { password: goodPassword }],
      ['POST', `/users/${name}/kick`],
      ['PUT', `/users/${name}/mute`, { minutes: 5 }],
      ['DELETE', `/users/${name}/mute`],
      ['PUT', `/users/${name}/ban`, {}],
      ['DELETE', `/users/${name}/ban`],
      ['DELETE', `/users/${name}/tokens/1`],
    ]),
    ...ids.flatMap((id): [string, string][] => [
      ['DELETE', `/rooms/secret-room/messages/${id}`],
      ['DELETE', `/users/bob/tokens/${id}`],
    ]),
    // A token of somebody else's.
    ['DELETE', '/users/ada/tokens/1'],
  ];
  for (const [method, path, json] of calls) {
    const answer = await server.call(method, `/admin/api${path}`, { token, ...(json === undefined ? {} : { json }) });
    t.is(answer.status, 404, `${method} ${path.slice(0, 80)}: ${answer.text.slice(0, 200)}`);
    t.deepEqual(Object.keys(answer.body as object), ['detail']);
  }
  for (const path of ['/rooms/%00', '/users/%ED%A0%80', '/users/%', '/messages?q=%00']) {
    t.is((await server.call('GET', `/admin/api${path}`, { token })).status, 400, path);
  }
  t.is(await stateOf(server), before);
});

test('names with every character that a name may have work in addresses', async (t) => {
  const server = await openRestServer(t);
  const token = await superuser(server);
  for (const name of ['a@b+c', 'Ünïcödé', '__proto__', 'a.b-c_d', '名前']) {
    const made = await server.call('POST', '/admin/api/users', {
      token,
      json: { username: name, password: goodPassword },
    });
    t.is(made.status, 201, made.text);
    for (const written of [encodeURIComponent(name), encodeURIComponent(name.toUpperCase()), encodeURI(name)]) {
      const { body } = await server.call('GET', `/admin/api/users/${written}`, { token });
      t.like(body, { username: name }, written);
    }
    const { body } = await server.call('GET', `/admin/api/users?search=${encodeURIComponent(name)}`, { token });
    t.like(body, { users: [{ username: name }], next: null });
    const noted = await server.call('GET', `/admin/api/audit?target=${encodeURIComponent(name)}`, { token });
    t.like(noted.body, { entries: [{ act: 'user-created', target: name }], next: null });
  }
  const room = 'Größe.1_-';
  t.is((await server.call('POST', '/admin/api/rooms', { token, json: { name: room } })).status, 201);
  t.like((await server.call('GET', `/admin/api/rooms/${encodeURIComponent(room)}`, { token })).body, { name: room });
});
