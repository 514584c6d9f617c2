/** A thousand requests made by chance, from a fixed seed: whatever comes in, what goes out has the contract's shape. */
import { Agent, request } from 'node:http';
import test from 'ava';
import { superuser } from './admin-calls.ts';
import { answerFault } from './rest-contract.ts';
import { goodPassword, isErrorShape, openRestServer } from './rest-server.ts';

const seed = 20_260_102;
const count = 1000;

/** mulberry32: small, and the same on every machine. */
function createChance(seed: number): { below(bound: number): number; one<T>(choices: readonly T[]): T } {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    below: (bound) => Math.floor(next() * bound),
    one: (choices) => choices[Math.floor(next() * choices.length)] as (typeof choices)[number],
  };
}
type Chance = ReturnType<typeof createChance>;

const methods = ['GET', 'GET', 'POST', 'POST', 'POST', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'];
const segments = [
  'register',
  'login',
  'logout',
  'profile',
  'rooms',
  'friends',
  'messages',
  'healthz',
  '',
  '.',
  '..',
  '%',
  '%00',
  '%c3%a4',
  '%2f',
  'x'.repeat(300),
  '__proto__',
  '[a]',
  ':name',
  '*',
];
const routes = [
  '/register',
  '/login',
  '/login/',
  '/logout',
  '/profile',
  '/rooms',
  '/rooms/friends/messages',
  '/admin/api/rooms',
  '/admin/api/rooms/family',
  '/admin/api/messages',
  '/admin/api/users',
  '/admin/api/users/bob',
  '/admin/api/users/bob/ban',
  '/admin/api/users/bob/mute/',
  '/admin/api/rooms/friends/messages/1',
  '/admin/api/audit',
];
const queries = [
  '',
  '',
  '?',
  '?limit=5',
  '?limit=x',
  '?before=%',
  '?after=1&after=2',
  '?token=x',
  '?__proto__=1',
  '?q=%21&from=x',
  '?search=%25&limit=2',
  '?limit[]=1',
  '?&&=&',
];
const types = [
  'application/json',
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain',
  'application/json; charset=utf-16',
  ';',
  undefined,
];
const encodings = [undefined, undefined, undefined, undefined, 'gzip', 'deflate', 'br', 'identity', 'x'];
const values = [
  'alice',
  goodPassword,
  '',
  ' ',
  'a\0',
  '\ud800',
  '😀'.repeat(100),
  'x'.repeat(5000),
  null,
  5,
  true,
  [],
  {},
  [[['a']]],
  { a: 'b\0' },
  1e308,
];
const names = [
  'username',
  'password',
  'email',
  'name',
  'topic',
  'minutes',
  'is_superuser',
  '__proto__',
  'constructor',
  'toString',
  'a\0',
  '',
  'extra',
];

function bodyByChance(chance: Chance): Buffer {
  const fields = (): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: chance.below(5) }, () => [chance.one(names), chance.one(values)]));
  const json = JSON.stringify(chance.below(5) === 0 ? chance.one(values) : fields());
  const form = Array.from(
    { length: chance.below(5) },
    () => `${chance.one(names)}=${chance.one(['a', '%', '%00', '%e4', '+', '&&', 'x[y][z]'])}`,
  );
  const bytes = Buffer.from(Array.from({ length: chance.below(200) }, () => chance.below(256)));
  return Buffer.from(
    chance.one([
      json,
      json,
      json.slice(0, chance.below(json.length + 1)),
      form.join('&'),
      bytes,
      `"${'x'.repeat(70_000)}"`,
      '',
    ]),
  );
}

function headersByChance(chance: Chance, token: string): Record<string, string> {
  const type = chance.one(types);
  const encoding = chance.one(encodings);
  const authorization = chance.one([
    undefined,
    `Token ${token}`,
    `Bearer ${token}`,
    'Token',
    'Token a b',
    'Basic Zm9v',
    `Token ${'x'.repeat(3000)}`,
    'Töken ä',
  ]);
  return {
    ...(type === undefined ? {} : { 'content-type': type }),
    ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    ...(authorization === undefined ? {} : { authorization }),
    'x-forwarded-for': chance.one(['192.0.2.1', '<script>', ',,,', '::1', '']),
  };
}

test('a thousand requests of garbage get nothing but answers in the contract’s shape', async (t) => {
  const server = await openRestServer(t, { settings: { trustProxy: 1 } });
  // A superuser, or nothing would get further into the administration than its door.
  const token = await superuser(server, 'alice');
  await server.token('bob');
  const chance = createChance(seed);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  t.teardown(() => agent.destroy());
  const statuses = new Map<number, number>();
  for (let number = 0; number < count; number += 1) {
    const path =
      chance.below(3) > 0
        ? chance.one(routes)
        : `/${Array.from({ length: chance.below(4) }, () => chance.one(segments)).join('/')}`;
    const asked = {
      method: chance.one(methods),
      path: path + chance.one(queries),
      headers: headersByChance(chance, token),
    };
    // A log-out that succeeds would leave nothing but refusals to the rest.
    if (asked.path.startsWith('/logout')) delete asked.headers.authorization;
    const answer = await ask({ ...asked, port: server.port, agent }, bodyByChance(chance));
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    const told = `request ${number}: ${JSON.stringify(asked).slice(0, 500)} → ${answer.status} ${answer.text.slice(0, 200)}`;
    t.true(answer.status < 500 || answer.status === 503, told);
    const body: unknown = answer.text === '' ? undefined : JSON.parse(answer.text);
    t.is(answerFault(asked.method, asked.path, { ...answer, body }), undefined, told);
    if (answer.status >= 400 && asked.method !== 'HEAD') t.true(isErrorShape(body), told);
  }
  // The garbage reaches the places it is meant for.
  for (const status of [200, 400, 401, 404, 405, 413, 415]) t.true(statuses.has(status), `no ${status}`);
  t.false(server.log().includes('a request failed'));
});

type Asked = { method: string; path: string; headers: Record<string, string>; port: number; agent: Agent };

function ask(asked: Asked, body: Buffer): Promise<{ status: number; headers: Headers; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...asked, host: '127.0.0.1' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const headers = new Headers();
        for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
        resolve({ status: response.statusCode ?? 0, headers, text: Buffer.concat(chunks).toString() });
      });
    });
    outgoing.on('error', reject);
    if (asked.method === 'GET' || asked.method === 'HEAD') outgoing.end();
    else outgoing.end(body);
  });
}
