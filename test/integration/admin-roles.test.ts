/** Who may make which call of the administration API: every call for every role, and that a refusal tells nothing. */
import test, { type ExecutionContext } from 'ava';
import { parse } from 'yaml';
import { readProjectFile } from '../docs/markdown.ts';
import { adminCalls } from './admin-calls.ts';
import { openRestServer, type RestServer } from './rest-server.ts';

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

/** Makes the user a superuser, or none any more, as another process would. */
async function promote({ storage }: RestServer, username: string, isSuperuser = true): Promise<number> {
  const user = await storage.users.findByName(username);
  await storage.users.setSuperuser(user?.id ?? 0, isSuperuser);
  return user?.id ?? 0;
}

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
    async headers(server) {
      const token = await server.token('mallory');
      const id = await promote(server, 'mallory');
      await assertIn(server, token);
      await server.storage.users.setActive(id, false);
      return authorization(token);
    },
  },
  {
    name: 'a superuser who was demoted a moment ago',
    refused: noRights,
    async headers(server) {
      const token = await server.token('mallory');
      await promote(server, 'mallory');
      await assertIn(server, token);
      await promote(server, 'mallory', false);
      return authorization(token);
    },
  },
];

/** The token opened the door a moment ago: what closes it is what the test did since. */
async function assertIn({ call }: RestServer, token: string): Promise<void> {
  const { status } = await call('GET', '/admin/api/now', { token });
  if (status !== 200) throw new Error(`A superuser was answered ${status}.`);
}

for (const { name, refused, headers } of roles) {
  test(`${name} is refused every call, with nothing but the reason`, async (t) => {
    const server = await openRestServer(t);
    const given = await headers(server);
    for (const { method, path, json, name: call } of adminCalls) {
      const answer = await server.call(method, path, { headers: given, ...(json === undefined ? {} : { json }) });
      t.is(answer.status, refused.status, call);
      t.deepEqual(answer.body, { detail: refused.detail }, call);
      t.is(answer.headers.get('www-authenticate'), refused.status === 401 ? 'Token' : null, call);
      assertPrivate(t, answer.headers);
    }
  });
}

test('a superuser is answered every call', async (t) => {
  const server = await openRestServer(t);
  const token = await server.token('ada');
  await promote(server, 'ada');
  for (const { method, path, json, status, name } of adminCalls) {
    const answer = await server.call(method, path, { token, ...(json === undefined ? {} : { json }) });
    t.is(answer.status, status, `${name}: ${answer.text}`);
    assertPrivate(t, answer.headers);
  }
});

/** No cache keeps an answer, and no page of another origin reads it. */
function assertPrivate(t: ExecutionContext, headers: Headers): void {
  t.is(headers.get('cache-control'), 'no-store');
  t.is(headers.get('access-control-allow-origin'), null);
}
