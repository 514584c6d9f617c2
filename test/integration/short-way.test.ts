/** The way past the middleware for polls and POSTs: whatever a client sends, both ways answer it alike. */
import { once } from 'node:events';
import { request as sendRequest } from 'node:http';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { startApp } from '../support/app.ts';

type Answer = { status: number | undefined; headers: (readonly [string, string])[]; body: string };
type Call = { method: 'GET' | 'POST'; query?: Record<string, string>; origin?: string; body?: string | Buffer };

/** Not of these two answers alone. */
const changing = new Set(['date']);

/** `path` with a slash at its end goes the long way. */
async function ask(url: string, path: string, { method, query = {}, origin, body }: Call): Promise<Answer> {
  const address = new URL(`${path}?${new URLSearchParams(query).toString()}`, url);
  const headers: Record<string, string | number> = origin === undefined ? {} : { origin };
  if (body !== undefined) Object.assign(headers, { 'content-type': 'application/json', 'content-length': body.length });
  const sent = sendRequest(address, { method, headers });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  const raw = answer.rawHeaders;
  const pairs = raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as const] : []));
  const order = new Intl.Collator('en').compare;
  return {
    status: answer.statusCode,
    headers: pairs
      .filter(([name]) => !changing.has(name.toLowerCase()))
      .toSorted(([one], [other]) => order(one, other)),
    body: await text(answer),
  };
}

/** Asks twice on each door, so that the second one can go the short way, and compares. */
async function assertAlike(t: ExecutionContext, url: string, call: Call): Promise<Answer> {
  const long = await ask(url, '/poll/chat/', call);
  for (const path of call.method === 'POST' ? ['/poll/chat', '/sse/chat'] : ['/poll/chat']) {
    t.deepEqual(await ask(url, path, call), long, `${path} ${JSON.stringify(call)}`);
  }
  return long;
}

const page = 'https://app.example.org';
const settings: Record<string, Record<string, string>> = {
  'without CORS_ORIGINS': {},
  'with an origin': { CORS_ORIGINS: page },
  'with any origin': { CORS_ORIGINS: '*' },
};

for (const [name, env] of Object.entries(settings)) {
  test(`answers have the same headers both ways, whatever the origin of their request (${name})`, async (t) => {
    const server = await startApp(t, { env, transport: 'sse' });
    const token = await server.login('alice');
    const alice = await server.chat('alice', { token });
    const [session = ''] = (alice.cursor ?? '').split('.');
    for (const origin of [undefined, page, 'https://evil.example', server.url]) {
      const from = origin === undefined ? {} : { origin };
      const taken = await assertAlike(t, server.url, {
        method: 'POST',
        query: { token, session },
        body: '[]',
        ...from,
      });
      t.is(taken.status, 202);
      t.true(taken.headers.some(([header]) => header === 'Content-Security-Policy'));
      t.is((await assertAlike(t, server.url, { method: 'POST', query: { token }, body: '{', ...from })).status, 400);
      t.is((await assertAlike(t, server.url, { method: 'POST', query: {}, body: '[]', ...from })).status, 401);
      t.is((await assertAlike(t, server.url, { method: 'GET', query: {}, ...from })).status, 401);
      t.is((await assertAlike(t, server.url, { method: 'GET', query: { wait: '56' }, ...from })).status, 400);
      const gone = { token, cursor: 'gone.1' };
      t.is((await assertAlike(t, server.url, { method: 'GET', query: gone, ...from })).status, 410);
    }
  });
}

test('a poll is answered the same both ways', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const first = await ask(server.url, '/poll/chat', { method: 'GET', query: { token } });
  const { cursor } = JSON.parse(first.body) as { cursor: string };
  const call: Call = { method: 'GET', query: { token, cursor, wait: '0' } };
  t.deepEqual(JSON.parse((await assertAlike(t, server.url, call)).body), { cursor, messages: [] });
  const list = JSON.stringify({ type: 'list', ref: 'ä€😀' });
  await ask(server.url, '/poll/chat', { method: 'POST', query: { token }, body: Buffer.from(list) });
  const answered = await assertAlike(t, server.url, { method: 'GET', query: { token, cursor, wait: '5' } });
  t.like(JSON.parse(answered.body), { messages: [{ code: 'list', ref: 'ä€😀' }] });
});

test('a body is judged the same both ways', async (t) => {
  const server = await startApp(t, { env: { RATE_LIMITS: 'off' } });
  const token = await server.login('alice');
  const alice = await server.chat('alice', { token, transport: 'websocket', resume: true });
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const custom = (field: string): string =>
    `{"type":"custom","room_name":"friends","command":"c","payload":"p",${field}}`;
  const bodies: [string | Buffer, number][] = [
    ['[]', 202],
    ['{', 400],
    ['7', 400],
    ['null', 400],
    ['[]x', 400],
    [`[${'{},'.repeat(100)}{}]`, 400],
    [Buffer.from([0x22, 0xff, 0x22]), 400],
    [Buffer.from('["\ufffd"]'), 202],
    [Buffer.from('\ufeff[]'), 202],
    [custom('"__proto__":{"type":"list"}'), 202],
    [custom('"constructor":1'), 202],
  ];
  for (const [body, status] of bodies) {
    t.is((await assertAlike(t, server.url, { method: 'POST', query: { token }, body })).status, status, String(body));
  }
  await alice.settle();
  const commands = alice.frames.filter(({ code }) => code === 'custom');
  t.deepEqual(
    commands.map(({ payload }) => payload),
    Array<unknown>(6).fill('p'),
  );
});

test('a POST that is cut in its body is no fault of the server', async (t) => {
  const lines: string[] = [];
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const server = await startApp(t, { overrides: { log: pino({ level: 'info' }, out) } });
  const call: Call = { method: 'POST', query: { token: 'x' }, body: '[]' };
  t.is((await ask(server.url, '/poll/chat', call)).status, 401);
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write('POST /poll/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n[');
  // It has been read by the time that a later request is answered.
  t.is((await ask(server.url, '/poll/chat', call)).status, 401);
  socket.destroy();
  t.is((await ask(server.url, '/poll/chat', call)).status, 401);
  await server.app.close();
  t.deepEqual(
    lines.filter((line) => (JSON.parse(line) as { level: number }).level >= 40),
    [],
  );
});
