import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { createClient, RequestError } from './index.ts';

type Seen = { method: string; url: string; authorization: string | undefined; body: string };

async function serve(
  t: ExecutionContext,
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += String(chunk);
    });
    request.on('end', () => {
      const { method = '', url = '' } = request;
      seen.push({ method, url, authorization: request.headers.authorization, body });
      answer(response, request);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function json(status: number, body: unknown): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
}

test('register resolves with the profile', async (t) => {
  const { url, seen } = await serve(t, json(200, { username: 'ann', email: 'a@b.example' }));
  const client = createClient({ url });
  const profile = await client.register({ username: 'ann', password: 'correct horse', email: 'a@b.example' });
  t.deepEqual(profile, { username: 'ann', email: 'a@b.example' });
  t.is(seen[0]?.url, '/register');
  t.deepEqual(JSON.parse(seen[0]?.body ?? ''), { username: 'ann', password: 'correct horse', email: 'a@b.example' });
});

test('login keeps the token, profile and logout use it, logout forgets it', async (t) => {
  const { url, seen } = await serve(t, (response, request) => {
    if (request.url === '/chat/login') return json(200, { token: 'abc' })(response);
    if (request.url === '/chat/profile') return json(200, { username: 'ann', email: '' })(response);
    response.writeHead(204).end();
  });
  const client = createClient({ url: `${url}/chat/` });
  t.is(await client.login({ username: 'ann', password: 'correct horse' }), 'abc');
  t.is(client.token, 'abc');
  t.deepEqual(await client.profile(), { username: 'ann', email: '' });
  await client.logout();
  t.is(client.token, undefined);
  t.deepEqual(
    seen.map(({ method, url: path, authorization }) => [method, path, authorization]),
    [
      ['POST', '/chat/login', undefined],
      ['GET', '/chat/profile', 'Token abc'],
      ['POST', '/chat/logout', 'Token abc'],
    ],
  );
});

test('the profile says whether its user may administer the server', async (t) => {
  const answers = [
    { username: 'root', email: '', is_superuser: true },
    { username: 'ann', email: '' },
  ];
  const { url } = await serve(t, (response) => json(200, answers.shift())(response));
  const client = createClient({ url, token: 'abc' });
  t.deepEqual(await client.profile(), { username: 'root', email: '', isSuperuser: true });
  t.deepEqual(await client.profile(), { username: 'ann', email: '' });
});

test('field errors come back by field', async (t) => {
  const { url } = await serve(t, json(400, { username: ['Taken.'], password: ['Too short.', 'Too common.'] }));
  const error = await t.throwsAsync(createClient({ url }).register({ username: 'a', password: 'b' }), {
    instanceOf: RequestError,
    message: 'Taken. Too short. Too common.',
  });
  t.is(error?.status, 400);
  t.deepEqual(error?.fields, { username: ['Taken.'], password: ['Too short.', 'Too common.'] });
});

test('a detail comes back as the message', async (t) => {
  const { url } = await serve(t, json(401, { detail: 'Invalid token.' }));
  const error = await t.throwsAsync(createClient({ url, token: 'x' }).profile(), { instanceOf: RequestError });
  t.is(error?.status, 401);
  t.is(error?.detail, 'Invalid token.');
  t.is(error?.message, 'Invalid token.');
});

test('an answer that is not JSON is an error with its status', async (t) => {
  const { url } = await serve(t, (response) => {
    response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
  });
  const error = await t.throwsAsync(createClient({ url }).profile(), { instanceOf: RequestError });
  t.is(error?.status, 502);
  t.false(error?.message.includes('<'));
});

test('a page of another server is refused as no answer', async (t) => {
  const { url } = await serve(t, (response) => response.end('<h1>Hello</h1>'));
  await t.throwsAsync(createClient({ url }).login({ username: 'a', password: 'b' }), {
    instanceOf: RequestError,
    message: /is the URL right/,
  });
});

test('a server that does not answer in time is an error with status 0', async (t) => {
  const { url } = await serve(t, () => {});
  const error = await t.throwsAsync(createClient({ url, restTimeoutMs: 30 }).profile(), { instanceOf: RequestError });
  t.is(error?.status, 0);
  t.regex(error?.message ?? '', /within 30 ms/);
});

test('a server that cannot be reached is an error with status 0 and the cause', async (t) => {
  const error = await t.throwsAsync(createClient({ url: 'http://127.0.0.1:1' }).profile(), {
    instanceOf: RequestError,
  });
  t.is(error?.status, 0);
  t.truthy(error?.cause);
});

test('an aborted call rejects with the reason of its signal', async (t) => {
  const { url } = await serve(t, () => {});
  const controller = new AbortController();
  const call = createClient({ url }).profile({ signal: controller.signal });
  const reason = new Error('enough');
  controller.abort(reason);
  t.is(await t.throwsAsync(call), reason);
  t.is(await t.throwsAsync(createClient({ url }).profile({ signal: controller.signal })), reason);
});

test('a URL that is none of HTTP is refused at once', (t) => {
  t.throws(() => createClient({ url: 'ftp://example.org' }), { instanceOf: TypeError });
  t.throws(() => createClient({ url: 'example' }), { instanceOf: TypeError });
});
