/** Who may make which call of the administration API: every call for every role, and that a refusal tells nothing. */
import { request } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'yaml';
import { hashToken } from '../../src/core/accounts.ts';
import type { Storage } from '../../src/core/ports.ts';
import { readProjectFile } from '../docs/markdown.ts';
import { adminCalls, furnish, promote, secrets, stateOf, superuser } from './admin-calls.ts';
import { goodPassword, openRestServer, type RestServer } from './rest-server.ts';

const { paths } = parse(readProjectFile('docs/openapi.yaml')) as { paths: Record<string, Record<string, unknown>> };

test('every call of the document is tried for every role', (t) => {
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  t.deepEqual(
    adminCalls.map(({ name }) => name).toSorted(),
    documented.filter((name) => name.includes(' /admin/api/')).toSorted(),
  );
});

type Refusal = { status: 401 | 403; detail: string };
type Role = { name: string; refused: Refusal; headers: (server: RestServer) => Promise<Record<string, string>> };

const authorization = (token: string): Record<string, string> => ({ authorization: `Token ${token}` });
const unknownToken: Refusal = { status: 401, detail: 'Invalid token.' };
const noRights: Refusal = { status: 403, detail: 'Only administrators may do this.' };

const roles: readonly Role[] = [
  {
    name: 'somebody without a token',
    refused: { status: 401, detail: 'Authentication credentials were not provided.' },
    headers: async () => ({}),
  },
  {
    name: 'somebody with a malformed token',
    refused: { status: 401, detail: 'Invalid token header. Token string should not contain spaces.' },
    headers: async () => authorization('a b'),
  },
  { name: 'somebody with an unknown token', refused: unknownToken, headers: async () => authorization('x') },
  {
    name: 'an ordinary user',
    refused: noRights,
    headers: async (server) => authorization(await server.token('mallory')),
  },
  {
    name: 'a superuser who was deactivated a moment ago',
    refused: unknownToken,
    headers: (server) => onceSuperuser(server, (id) => server.storage.users.setActive(id, false)),
  },
  {
    name: 'a superuser who was banned a moment ago',
    refused: unknownToken,
    headers: (server) =>
      onceSuperuser(server, (id) => server.storage.users.ban(id, { until: null, reason: 'a secret reason' })),
  },
  {
    name: 'a superuser whose token was revoked a moment ago',
    refused: unknownToken,
    headers: (server) =>
      onceSuperuser(server, async (id) => {
        for (const token of await server.storage.tokens.list(id)) await server.storage.tokens.revoke(token.id);
      }),
  },
  {
    name: 'a superuser who was demoted a moment ago',
    refused: noRights,
    headers: (server) => onceSuperuser(server, (id) => server.storage.users.setSuperuser(id, false)),
  },
];

/** The token opens the door until `end` is done: so it is that which closes it. */
async function onceSuperuser(
  server: RestServer,
  end: (userId: number) => Promise<unknown>,
): Promise<Record<string, string>> {
  const token = await server.token('mallory');
  const id = await promote(server, 'mallory');
  const { status } = await server.call('GET', '/admin/api/now', { token });
  if (status !== 200) throw new Error(`A superuser was answered ${status}.`);
  await end(id);
  return authorization(token);
}

for (const { name, refused, headers } of roles) {
  test(`${name} is refused every call, with nothing but the reason`, async (t) => {
    const server = await openRestServer(t);
    await furnish(server);
    const given = await headers(server);
    const before = await stateOf(server);
    for (const { method, path, json, name: call } of adminCalls) {
      const answer = await server.call(method, path, { headers: given, ...(json === undefined ? {} : { json }) });
      t.is(answer.status, refused.status, call);
      t.deepEqual(answer.body, { detail: refused.detail }, call);
      t.is(answer.headers.get('www-authenticate'), refused.status === 401 ? 'Token' : null, call);
      for (const secret of secrets) t.false(answer.text.includes(secret), call);
      assertPrivate(t, answer.headers);
    }
    t.is(await stateOf(server), before);
  });
}

test('what is refused is refused before anything is looked for or read', async (t) => {
  const server = await openRestServer(t);
  const token = await server.token('mallory');
  for (const [method, path, json] of [
    ['GET', '/admin/api/rooms/none'],
    ['GET', '/admin/api/users/none'],
    ['GET', '/admin/api/messages?limit=none&q=%21'],
    ['PATCH', '/admin/api/users/none', { is_active: 5 }],
    ['PUT', '/admin/api/users/none/mute', []],
  ] as const) {
    const answer = await server.call(method, path, { token, ...(json === undefined ? {} : { json }) });
    t.is(answer.status, 403, path);
    t.deepEqual(answer.body, { detail: noRights.detail });
  }
  const noJson = await server.call('POST', '/admin/api/rooms', { token, form: { name: 'made' } });
  t.is(noJson.status, 403);
});

test('who is demoted while the body of an act is on its way does not act', async (t) => {
  let noteAsked: () => void = () => {};
  const asked = new Promise<void>((resolve) => {
    noteAsked = resolve;
  });
  const wrap = (storage: Storage): Storage => ({
    ...storage,
    tokens: {
      ...storage.tokens,
      async findByHash(hash) {
        const found = await storage.tokens.findByHash(hash);
        if (found?.user.isSuperuser === true) noteAsked();
        return found;
      },
    },
  });
  const server = await openRestServer(t, { wrap });
  const token = await superuser(server);
  const body = JSON.stringify({ name: 'made' });
  const outgoing = request(`${server.url}/admin/api/rooms`, {
    method: 'POST',
    headers: { ...authorization(token), 'content-type': 'application/json', 'content-length': body.length },
  });
  const status = new Promise((resolve, reject) => {
    outgoing.once('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    outgoing.once('error', reject);
  });
  outgoing.write(body.slice(0, 5));
  await asked;
  await promote(server, 'ada', false);
  outgoing.end(body.slice(5));
  t.is(await status, 403);
  t.is(await server.storage.rooms.findByName('made'), undefined);
});

test('a superuser is answered every call, and never with a password, a token or a hash of one', async (t) => {
  const server = await openRestServer(t);
  await furnish(server);
  const token = await superuser(server);
  const answers: string[] = [];
  for (const { method, path, json, status, name } of adminCalls) {
    const answer = await server.call(method, path, { token, ...(json === undefined ? {} : { json }) });
    t.is(answer.status, status, `${name}: ${answer.text}`);
    assertPrivate(t, answer.headers);
    answers.push(answer.text);
  }
  const told = answers.join('\n');
  for (const secret of secrets) t.true(told.includes(secret), `${secret} is among what is told`);
  for (const hidden of ['$2b$', goodPassword, 'another horse', token, hashToken(token), 'hash']) {
    t.false(told.includes(hidden), hidden);
  }
});

test('a slash at the end changes nothing, HEAD goes where GET does, other methods are 405', async (t) => {
  const server = await openRestServer(t);
  await furnish(server);
  const token = await superuser(server);
  for (const { method, path, name } of adminCalls.filter((call) => call.method === 'GET')) {
    const [place = '', query = ''] = path.split('?');
    const plain = await server.call('GET', path, { token });
    const slashed = await server.call('GET', `${place}/?${query}`, { token });
    if (!path.endsWith('/now')) t.deepEqual(slashed.body, plain.body, name);
    t.is(slashed.status, 200, name);
    t.is((await server.call('HEAD', path, { token })).status, 200, name);
    const wrong = await server.call(place.endsWith('/now') ? 'POST' : 'PURGE', place, { token });
    t.is(wrong.status, 405, name);
    t.true(wrong.headers.get('allow')?.includes(method), name);
  }
});

/** No cache keeps an answer, and no page of another origin reads it. */
function assertPrivate(t: ExecutionContext, headers: Headers): void {
  t.is(headers.get('cache-control'), 'no-store');
  t.is(headers.get('access-control-allow-origin'), null);
}
