/** What HTTP itself can get wrong: bodies, media types, paths, methods, bytes. Each ends in the contract's shape. */
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { httpBounds } from '../../src/http/listener.ts';
import { goodPassword, isErrorShape, openRestServer, sendRaw } from './rest-server.ts';

const asJson = { 'content-type': 'application/json' };
const asForm = { 'content-type': 'application/x-www-form-urlencoded' };

test('broken JSON is 400 with a detail', async (t) => {
  const { call } = await openRestServer(t);
  for (const body of ['{', '{"username": "a"', "{'username': 1}", 'username=a', '{"a": 1} x', '['.repeat(30_000)]) {
    const answer = await call('POST', '/login', { body, headers: asJson });
    t.deepEqual(
      [answer.status, answer.body],
      [400, { detail: 'The body is not well formed: it could not be parsed.' }],
    );
  }
});

test('JSON that is no object is 400 and says what it is', async (t) => {
  const { call } = await openRestServer(t);
  const bodies = { '[]': 'an array', null: 'null', '"text"': 'a string', '5': 'a number', true: 'a boolean' };
  for (const [body, kind] of Object.entries(bodies)) {
    const answer = await call('POST', '/register', { body, headers: asJson });
    t.is(answer.status, 400);
    t.deepEqual(answer.body, { non_field_errors: [`Invalid data. Expected a JSON object, but got ${kind}.`] });
  }
});

test('an empty body has no fields', async (t) => {
  const { call } = await openRestServer(t);
  for (const headers of [asJson, asForm, {}]) {
    const answer = await call('POST', '/login', { headers });
    t.is(answer.status, 400);
    t.deepEqual(Object.keys(answer.body as object), ['username', 'password']);
  }
});

test('another media type is 415', async (t) => {
  const { call } = await openRestServer(t);
  const types = [
    'text/plain',
    'text/html',
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'nonsense',
  ];
  for (const type of types) {
    const answer = await call('POST', '/login', { body: '{}', headers: { 'content-type': type } });
    t.is(answer.status, 415, type);
    t.true(isErrorShape(answer.body));
  }
  const charset = { 'content-type': 'application/json; charset=utf-8' };
  t.is((await call('POST', '/login', { body: '{}', headers: charset })).status, 400);
});

test('a body over 64 KiB is 413, also in chunks or compressed; one of exactly 64 KiB is read', async (t) => {
  const { call, port } = await openRestServer(t);
  const filler = (length: number): string => JSON.stringify({ filler: 'x'.repeat(length - '{"filler":""}'.length) });
  t.is((await call('POST', '/login', { body: filler(65_536), headers: asJson })).status, 400);
  const tooLarge = await call('POST', '/login', { body: filler(65_537), headers: asJson });
  t.deepEqual([tooLarge.status, tooLarge.body], [413, { detail: 'The body is larger than 65536 bytes.' }]);
  t.is((await call('POST', '/login', { body: `a=${'x'.repeat(65_536)}`, headers: asForm })).status, 413);
  const bomb = gzipSync(filler(10_000_000));
  t.is((await call('POST', '/login', { body: bomb, headers: { ...asJson, 'content-encoding': 'gzip' } })).status, 413);
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  const head =
    'POST /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
  const chunked = await sendRaw(port, head, chunk.repeat(5), '0\r\n\r\n');
  t.regex(chunked, /^HTTP\/1\.1 413 /);
});

test('a compressed body is read, a broken or unknown compression refused', async (t) => {
  const { call } = await openRestServer(t);
  const body = gzipSync(JSON.stringify({ username: 'alice', password: goodPassword }));
  const gzip = { ...asJson, 'content-encoding': 'gzip' };
  t.is((await call('POST', '/register', { body, headers: gzip })).status, 200);
  const broken = await call('POST', '/register', { body: 'no gzip at all', headers: gzip });
  t.is(broken.status, 400);
  t.true(isErrorShape(broken.body));
  const unknown = await call('POST', '/register', { body: 'x', headers: { ...asJson, 'content-encoding': 'rot13' } });
  t.is(unknown.status, 415);
  t.true(isErrorShape(unknown.body));
});

test('a NUL or a lone surrogate is refused in every string, known field or not', async (t) => {
  const { call } = await openRestServer(t);
  const good = { username: 'alice', password: goodPassword };
  const cases: [object, unknown][] = [
    [{ ...good, username: 'a\0b' }, { username: ['Null characters are not allowed.'] }],
    [{ ...good, password: 'correct\ud800horse' }, { password: ['Surrogate characters are not allowed: U+D800.'] }],
    [{ ...good, email: '\0@example.com' }, { email: ['Null characters are not allowed.'] }],
    [
      { ...good, deep: [{ text: 'a\0' }] },
      { non_field_errors: ['Null characters and lone surrogates are not allowed.'] },
    ],
    [{ ...good, 'a\udfff': 1 }, { non_field_errors: ['Null characters and lone surrogates are not allowed.'] }],
  ];
  for (const [json, body] of cases) {
    const answer = await call('POST', '/register', { json });
    t.deepEqual([answer.status, answer.body], [400, body]);
  }
  const login = await call('POST', '/login', { json: { username: 'a\0', password: '\udc00' } });
  t.deepEqual(Object.keys(login.body as object), ['username', 'password']);
  const form = await call('POST', '/login', { body: 'username=a%00&password=b', headers: asForm });
  t.deepEqual([form.status, form.body], [400, { username: ['Null characters are not allowed.'] }]);
  for (const body of ['username=%zz&password=b', 'username=%ff&password=b', 'username=a&password=%ED%A0%80']) {
    t.is((await call('POST', '/login', { body, headers: asForm })).status, 400);
  }
});

test('a body that is not UTF-8 is refused, and a replacement character in one that is stays', async (t) => {
  const { call } = await openRestServer(t);
  const json = (password: string): string => JSON.stringify({ username: 'alice', password });
  const latin1 = Buffer.from(json('gr\xfc\xdfe an alle'), 'latin1');
  const refused = await call('POST', '/register', { body: latin1, headers: asJson });
  t.deepEqual([refused.status, refused.body], [400, { detail: 'The body is not UTF-8.' }]);
  t.is((await call('POST', '/register', { body: json('gr\ufffd\ufffde an alle'), headers: asJson })).status, 200);
});

test('fields of another shape are no strings, and prototypes are out of reach', async (t) => {
  const { call } = await openRestServer(t);
  const nested = await call('POST', '/login', { body: 'username[a]=b&password=x&password=y', headers: asForm });
  t.deepEqual(nested.body, { username: ['Not a valid string.'], password: ['Not a valid string.'] });
  const body = '{"__proto__": {"username": "alice", "password": "x"}, "constructor": {"prototype": {"username": "x"}}}';
  const polluted = await call('POST', '/login', { body, headers: asJson });
  t.deepEqual(Object.keys(polluted.body as object), ['username', 'password']);
  t.is(({} as Record<string, unknown>).username, undefined);
});

test('an address that does not decode is 400, never 500', async (t) => {
  const { call, token } = await openRestServer(t);
  const given = await token('alice');
  for (const part of ['%00', '%zz', '%', '%e4', '%ED%A0%80', 'a%2']) {
    for (const path of [
      `/${part}`,
      `/rooms/${part}/messages`,
      `/profile?x=${part}`,
      `/rooms/friends/messages?before=${part}`,
    ]) {
      const answer = await call('GET', path, { token: given });
      t.is(answer.status, 400, path);
      t.true(isErrorShape(answer.body), path);
    }
  }
});

test('an unknown path is 404', async (t) => {
  const { call } = await openRestServer(t);
  const paths = [
    '/nowhere',
    '/register/x',
    '/Profile',
    '//profile',
    '/rooms/friends',
    '/rooms//messages',
    '/metrics',
    '/..%2fetc',
  ];
  for (const path of paths) {
    const answer = await call('GET', path);
    t.deepEqual([answer.status, answer.body], [404, { detail: 'Not found.' }], path);
  }
});

test('a wrong method is 405 with what is allowed, with and without a slash at the end', async (t) => {
  const { call } = await openRestServer(t);
  const allowed = {
    '/register': 'POST',
    '/login': 'POST',
    '/logout': 'POST',
    '/profile': 'GET, HEAD',
    '/rooms': 'GET, HEAD',
    '/rooms/friends/messages': 'GET, HEAD',
    '/healthz': 'GET, HEAD',
    '/readyz': 'GET, HEAD',
  };
  for (const [path, allow] of Object.entries(allowed)) {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((name) => !allow.includes(name))) {
      for (const written of [path, `${path}/`]) {
        const answer = await call(method, written);
        t.is(answer.status, 405, `${method} ${written}`);
        t.is(answer.headers.get('allow'), allow);
        t.deepEqual(answer.body, { detail: `Method "${method}" not allowed.` });
      }
    }
  }
});

test('HEAD answers as GET does, without a body', async (t) => {
  const { call, token } = await openRestServer(t);
  const given = await token('alice');
  for (const path of ['/profile', '/rooms/', '/rooms/friends/messages', '/healthz', '/readyz']) {
    const answer = await call('HEAD', path, { token: given });
    t.deepEqual([answer.status, answer.text], [200, ''], path);
    t.regex(answer.headers.get('content-type') ?? '', /^application\/json/);
  }
  t.is((await call('HEAD', '/profile')).status, 401);
  t.is((await call('HEAD', '/nowhere')).status, 404);
});

test('every answer of REST is JSON that no cache keeps and no page frames', async (t) => {
  const { call } = await openRestServer(t);
  for (const [method, path] of [
    ['GET', '/nowhere'],
    ['GET', '/profile'],
    ['POST', '/login'],
  ] as const) {
    const { headers } = await call(method, path);
    t.is(headers.get('content-type'), 'application/json; charset=utf-8');
    t.is(headers.get('cache-control'), 'no-store');
    t.is(headers.get('x-content-type-options'), 'nosniff');
    t.regex(headers.get('content-security-policy') ?? '', /default-src 'none'/);
    t.is(headers.get('x-powered-by'), null);
  }
});

test('bytes that are no HTTP, and headers without end, are refused as JSON', async (t) => {
  const { port } = await openRestServer(t);
  const read = (answer: string): [status: string | undefined, body: unknown] => {
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    return [/^HTTP\/1\.1 (\d+)/.exec(head)?.[1], JSON.parse(body)];
  };
  t.deepEqual(read(await sendRaw(port, '\x16\x03\x01\x02\x00')), [
    '400',
    { detail: 'The request is not well-formed HTTP.' },
  ]);
  const endless = `GET / HTTP/1.1\r\nHost: x\r\nX-Filler: ${'x'.repeat(20_000)}\r\n\r\n`;
  t.deepEqual(read(await sendRaw(port, endless)), ['431', { detail: 'The headers are too large.' }]);
});

test('a client that drips its headers or its body is cut', async (t) => {
  const bounds = { headersTimeoutMs: 100, requestTimeoutMs: 200, checkIntervalMs: 20 };
  const { port } = await openRestServer(t, { bounds });
  const slowBody =
    'POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"user';
  for (const bytes of ['GET /profile HTTP/1.1\r\nHost: x\r\nX-', slowBody]) {
    const answer = await sendRaw(port, bytes);
    t.regex(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
    t.true(answer.endsWith('{"detail":"The request took too long to arrive."}'));
  }
});

test('requests sent ahead are worked on one at a time and answered in order; endless ones are cut', async (t) => {
  let running = 0;
  let most = 0;
  const { port, token } = await openRestServer(t, {
    wrap: (storage) => {
      const page: typeof storage.messages.page = async (...asked) => {
        most = Math.max(most, ++running);
        try {
          return await storage.messages.page(...asked);
        } finally {
          running -= 1;
        }
      };
      return Object.create(storage, {
        messages: { value: Object.create(storage.messages, { page: { value: page } }) },
      });
    },
  });
  const head = `HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${await token('alice')}\r\n`;
  const paths = Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? '/rooms/friends/messages' : '/profile'));
  const requests = paths.map((path) => `GET ${path} ${head}\r\n`).join('');
  const answers = await sendRaw(port, requests, `GET /none ${head}Connection: close\r\n\r\n`);
  const statuses = [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  t.deepEqual(statuses, [...paths.map(() => '200'), '404']);
  const kinds = [...answers.matchAll(/\{"(messages|username)"/g)].map(([, kind]) => kind);
  t.deepEqual(
    kinds,
    paths.map((path) => (path === '/profile' ? 'username' : 'messages')),
  );
  t.is(most, 1);
  const endless = await sendRaw(port, `GET /rooms/friends/messages ${head}\r\n`.repeat(1000));
  t.true((endless.match(/HTTP\/1\.1/g)?.length ?? 0) <= httpBounds.requestsAhead);
});

test('a peer that never closes its half is cut after its refusal', async (t) => {
  const { port } = await openRestServer(t, { bounds: { refusalMs: 50 } });
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.resume();
  const cut = new Promise<void>((resolve) => socket.once('error', () => resolve()));
  socket.write('no HTTP\r\n\r\n');
  // Only bytes that nobody takes any more tell a half-open peer that it was cut.
  const probe = setInterval(() => socket.write('x'), 20);
  await cut;
  clearInterval(probe);
  t.pass();
});
