/** What a page of another origin may read (CORS_ORIGINS), as its browser asks for it: preflights, answers and refusals. */
import test, { type ExecutionContext } from 'ava';
import { type Storage, StoreError } from '../../src/core/ports.ts';
import { startApp } from '../support/app.ts';

const page = 'https://app.example.org';
const allowed = { CORS_ORIGINS: `${page}, http://localhost:5173` };
const names = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
];

type Asked = { status: number; headers: Headers; cors: Record<string, string>; vary: string | null };

async function ask(
  url: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Asked> {
  const response = await fetch(url, { ...init, headers: { connection: 'close', ...init.headers } });
  await response.arrayBuffer();
  const { status, headers } = response;
  return { status, headers, ...corsOf(headers) };
}

function corsOf(headers: Headers): Pick<Asked, 'cors' | 'vary'> {
  const cors = Object.fromEntries(
    names.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? '']] : [])),
  );
  return { cors, vary: headers.get('vary') };
}

function preflight(url: string, method: string, origin = page): Promise<Asked> {
  const asks = {
    'access-control-request-method': method,
    'access-control-request-headers': 'authorization,content-type',
  };
  return ask(url, { method: 'OPTIONS', headers: { origin, ...asks } });
}

/** Browsers compare both without case, and whole names only. */
function holdsAll(t: ExecutionContext, header: string | undefined, wanted: readonly string[]): void {
  const given = (header ?? '').toLowerCase().split(/\s*,\s*/);
  for (const name of wanted) t.true(given.includes(name.toLowerCase()), `${name} in ${header}`);
}

const paths = [
  '/login',
  '/register',
  '/rooms',
  '/rooms/friends/messages',
  '/sse/chat',
  '/sse/chat/',
  '/poll/chat',
  '/none',
];

test('without the setting no answer says anything about other origins, and a preflight is a method that no path has', async (t) => {
  const { url } = await startApp(t);
  for (const asked of [
    await ask(`${url}/rooms`, { headers: { origin: page } }),
    await preflight(`${url}/rooms`, 'GET'),
    await preflight(`${url}/login`, 'POST'),
  ]) {
    t.deepEqual(asked.cors, {});
    t.is(asked.vary, null);
  }
  t.is((await preflight(`${url}/rooms`, 'GET')).status, 405);
});

test('a preflight of a named origin is answered on every path, with the methods and headers of the protocol', async (t) => {
  const { url } = await startApp(t, { env: allowed });
  for (const path of paths) {
    const { status, cors, vary } = await preflight(url + path, 'POST');
    t.is(status, 204, path);
    t.is(cors['access-control-allow-origin'], page);
    holdsAll(t, cors['access-control-allow-methods'], ['GET', 'POST', 'DELETE']);
    holdsAll(t, cors['access-control-allow-headers'], ['Authorization', 'Content-Type', 'Last-Event-ID']);
    t.true(Number(cors['access-control-max-age']) > 0);
    t.is(cors['access-control-allow-credentials'], undefined);
    t.is(vary, 'Origin');
  }
});

test('answers and refusals can be read from every named origin, and say when to come back', async (t) => {
  const app = await startApp(t, { env: allowed });
  const { url } = app;
  const token = await app.login('alice');
  const authorization = `Token ${token}`;
  const json = { 'content-type': 'application/json' };
  for (const origin of [page, 'http://localhost:5173']) {
    const answers: readonly [status: number, asked: Asked][] = [
      [200, await ask(`${url}/rooms`, { headers: { origin, authorization } })],
      [401, await ask(`${url}/rooms`, { headers: { origin } })],
      [404, await ask(`${url}/none`, { headers: { origin } })],
      [405, await ask(`${url}/rooms`, { method: 'DELETE', headers: { origin } })],
      [400, await ask(`${url}/login`, { method: 'POST', headers: { origin, ...json }, body: '{' })],
      [413, await ask(`${url}/login`, { method: 'POST', headers: { origin, ...json }, body: ' '.repeat(70_000) })],
      [415, await ask(`${url}/login`, { method: 'POST', headers: { origin }, body: 'x' })],
    ];
    for (const [status, asked] of answers) {
      t.is(asked.status, status);
      t.is(asked.cors['access-control-allow-origin'], origin, String(status));
      holdsAll(t, asked.cors['access-control-expose-headers'], ['Retry-After', 'WWW-Authenticate']);
      t.is(asked.cors['access-control-allow-credentials'], undefined);
      t.is(asked.vary, 'Origin');
    }
  }
});

test('too many attempts can be read from a named origin', async (t) => {
  const { url } = await startApp(t, { env: allowed });
  const attempt = (): Promise<Asked> =>
    ask(`${url}/login`, {
      method: 'POST',
      headers: { origin: page, 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'alice', password: 'wrong' }),
    });
  let last = await attempt();
  for (let tries = 0; tries < 100 && last.status === 400; tries += 1) last = await attempt();
  t.is(last.status, 429);
  t.truthy(last.headers.get('retry-after'));
  t.is(last.cors['access-control-allow-origin'], page);
});

test('an origin that is not named is served without the headers, and caches are told that it matters', async (t) => {
  const { url } = await startApp(t, { env: allowed });
  for (const origin of [
    'https://evil.example.org',
    'http://app.example.org',
    `${page}.evil.org`,
    `${page}:8443`,
    'null',
  ]) {
    for (const asked of [
      await ask(`${url}/rooms`, { headers: { origin } }),
      await preflight(`${url}/rooms`, 'GET', origin),
    ]) {
      t.deepEqual(asked.cors, {}, origin);
      t.is(asked.vary, 'Origin');
    }
  }
  const { cors, vary } = await ask(`${url}/rooms`);
  t.deepEqual(cors, {});
  t.is(vary, 'Origin');
});

test('* names all origins, without cookies', async (t) => {
  const { url } = await startApp(t, { env: { CORS_ORIGINS: '*' } });
  for (const origin of [page, 'https://other.example.org', 'null']) {
    const { status, cors } = await ask(`${url}/rooms`, { headers: { origin } });
    t.is(status, 401);
    t.is(cors['access-control-allow-origin'], '*');
    t.is(cors['access-control-allow-credentials'], undefined);
  }
});

test('the chat’s own refusals, streams and polls can be read from a named origin', async (t) => {
  const app = await startApp(t, { env: { ...allowed, RATE_LIMITS: 'on' } });
  const { url } = app;
  const authorization = `Token ${await app.login('alice')}`;
  const from = { origin: page, authorization };
  const chat = (method: string, path: string, headers: Record<string, string> = from, body?: unknown): Promise<Asked> =>
    ask(url + path, {
      method,
      headers: { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const hasHeaders = (
    { status, cors, vary }: { status: number } & Pick<Asked, 'cors' | 'vary'>,
    wanted: number,
  ): void => {
    t.is(status, wanted);
    t.is(cors['access-control-allow-origin'], page, String(wanted));
    holdsAll(t, cors['access-control-expose-headers'], ['Retry-After', 'WWW-Authenticate']);
    t.is(vary, 'Origin', String(wanted));
  };
  for (const path of ['/sse/chat', '/poll/chat']) {
    hasHeaders(await chat('GET', path, { origin: page }), 401);
    hasHeaders(await chat('POST', path, { origin: page }, []), 401);
    hasHeaders(await chat('POST', path, from, []), 409);
    hasHeaders(await chat('DELETE', path), 409);
  }
  hasHeaders(await chat('GET', '/poll/chat?cursor=nobody.1'), 410);

  const stream = await fetch(`${url}/sse/chat`, { headers: from });
  t.teardown(() => stream.body?.cancel());
  hasHeaders({ status: stream.status, ...corsOf(stream.headers) }, 200);
  hasHeaders(await chat('GET', '/sse/chat'), 409);
  hasHeaders(await chat('POST', '/sse/chat', from, []), 202);
  const flood = Array.from({ length: 100 }, () => ({ type: 'list' }));
  let last = await chat('POST', '/sse/chat', from, flood);
  for (let tries = 0; tries < 50 && last.status === 202; tries += 1)
    last = await chat('POST', '/sse/chat', from, flood);
  hasHeaders(last, 429);
  hasHeaders(await chat('DELETE', '/sse/chat'), 204);
  hasHeaders(await chat('GET', '/poll/chat'), 200);
});

test('that the store cannot be asked can be read from a named origin', async (t) => {
  const away = (): Promise<never> => Promise.reject(new StoreError('unavailable', 'It is away.'));
  const wrapStorage = (storage: Storage): Storage => ({
    ...storage,
    ping: () => storage.ping(),
    lockServer: (asked) => storage.lockServer(asked),
    close: () => storage.close(),
    tokens: { ...storage.tokens, findByHash: away },
  });
  const { url } = await startApp(t, { env: allowed, overrides: { wrapStorage } });
  for (const path of ['/rooms', '/sse/chat', '/poll/chat']) {
    const asked = await ask(url + path, { headers: { origin: page, authorization: 'Token anything' } });
    t.is(asked.status, 503, path);
    t.truthy(asked.headers.get('retry-after'));
    t.is(asked.cors['access-control-allow-origin'], page);
    holdsAll(t, asked.cors['access-control-expose-headers'], ['Retry-After', 'WWW-Authenticate']);
  }
});

test('administration is for the server’s own page alone, whatever the setting says', async (t) => {
  for (const origins of ['*', page]) {
    const { url } = await startApp(t, { env: { CORS_ORIGINS: origins } });
    const asked = [
      await ask(`${url}/admin/api/now`, { headers: { origin: page } }),
      await preflight(`${url}/admin/api/now`, 'GET'),
      await preflight(`${url}/admin/api/none`, 'GET'),
    ];
    t.deepEqual(
      asked.map(({ status }) => status),
      [401, 405, 404],
    );
    for (const { cors } of asked) t.deepEqual(cors, {});
  }
});
