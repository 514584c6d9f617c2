/** Rooms and their messages, health, and what is answered while the store is away. */
import test from 'ava';
import { type Storage, StoreError } from '../../src/core/ports.ts';
import type { Readiness } from '../../src/http/dependencies.ts';
import { createLog } from '../../src/log.ts';
import { isErrorShape, openRestServer, type RestServer } from './rest-server.ts';

type Page = { messages: { id: number; stamp: string; user: string; you: boolean; body: string }[]; more: boolean };

/** `count` messages in friends, by turns of alice and bob, a second apart. */
async function fill({ storage, token, clock }: RestServer, count: number): Promise<string> {
  const alice = await token('alice');
  await token('bob');
  const room = await storage.rooms.findByName('friends');
  const users = await Promise.all(['alice', 'bob'].map((name) => storage.users.findByName(name)));
  for (let index = 0; index < count; index += 1) {
    const userId = users[index % 2]?.id ?? 0;
    const message = { roomId: room?.id ?? 0, userId, body: `m${index + 1}`, ref: `r${index}`, createdAt: clock.now() };
    await storage.messages.append([message]);
    clock.pass(1000);
  }
  return alice;
}

test('rooms are listed by name with topic and number of users', async (t) => {
  const { call, token } = await openRestServer(t, { presence: { count: (roomId) => roomId * 10 } });
  const answer = await call('GET', '/rooms/', { token: await token('alice') });
  t.is(answer.status, 200);
  t.deepEqual(answer.body, [
    { name: 'family', topic: '', users: 20 },
    { name: 'friends', topic: '', users: 10 },
    { name: 'investments', topic: '', users: 30 },
  ]);
});

test('messages come newest first, with stamp, user and whose they are', async (t) => {
  const server = await openRestServer(t);
  const token = await fill(server, 3);
  const answer = await server.call('GET', '/rooms/friends/messages', { token });
  t.is(answer.status, 200);
  t.deepEqual(answer.body, {
    messages: [
      { id: 3, stamp: '2026-01-02 03:04:07', user: 'alice', you: true, body: 'm3' },
      { id: 2, stamp: '2026-01-02 03:04:06', user: 'bob', you: false, body: 'm2' },
      { id: 1, stamp: '2026-01-02 03:04:05', user: 'alice', you: true, body: 'm1' },
    ],
    more: false,
  });
});

test('pages go back and forth without gap or repeat', async (t) => {
  const server = await openRestServer(t);
  const token = await fill(server, 60);
  const page = async (query: string): Promise<[ids: number[], more: boolean]> => {
    const { body } = await server.call('GET', `/rooms/friends/messages${query}`, { token });
    const { messages, more } = body as Page;
    return [messages.map(({ id }) => id), more];
  };
  const down = (from: number, to: number): number[] =>
    Array.from({ length: from - to + 1 }, (_, index) => from - index);
  t.deepEqual(await page(''), [down(60, 11), true]);
  t.deepEqual(await page('?before=11'), [down(10, 1), false]);
  t.deepEqual(await page('?before=11&limit=3'), [down(10, 8), true]);
  t.deepEqual(await page('?after=57'), [down(60, 58), false]);
  t.deepEqual(await page('?after=0&limit=200'), [down(60, 1), false]);
  t.deepEqual(await page('?after=10&before=14'), [down(13, 11), false]);
  t.deepEqual(await page('?before=1'), [[], false]);
});

test('a page is bounded in bytes', async (t) => {
  const server = await openRestServer(t, { settings: { historyBytes: 5 } });
  const token = await fill(server, 5);
  const { body } = await server.call('GET', '/rooms/friends/messages', { token });
  t.deepEqual(
    (body as Page).messages.map((message) => message.body),
    ['m5', 'm4'],
  );
  t.true((body as Page).more);
});

test('a query that is no page says why, field by field', async (t) => {
  const { call, token } = await openRestServer(t);
  const given = await token('alice');
  const integer = ['A valid integer is required.'];
  const cases: Record<string, unknown> = {
    'limit=0': { limit: ['Ensure this value is greater than or equal to 1.'] },
    'limit=201': { limit: ['Ensure this value is less than or equal to 200.'] },
    'limit=': { limit: integer },
    'limit=1.5': { limit: integer },
    'before=x&after=-1&limit=1e2': { before: integer, after: integer, limit: integer },
    'before=9007199254740993': { before: ['Ensure this value is less than or equal to 9007199254740991.'] },
    'before=99999999999999999999': { before: integer },
  };
  for (const [query, body] of Object.entries(cases)) {
    const answer = await call('GET', `/rooms/friends/messages?${query}`, { token: given });
    t.deepEqual([answer.status, answer.body], [400, body], query);
  }
  t.is((await call('GET', '/rooms/friends/messages?unknown=x', { token: given })).status, 200);
});

test('a room that does not exist is 404, also in another case', async (t) => {
  const { call, token } = await openRestServer(t);
  const given = await token('alice');
  for (const name of ['nowhere', 'Friends', 'fri%20ends', 'a%2Fb', '%2e%2e', 'x'.repeat(500)]) {
    const answer = await call('GET', `/rooms/${name}/messages`, { token: given });
    t.deepEqual([answer.status, answer.body], [404, { detail: 'Not found.' }], name);
  }
});

test('a room name that is percent-encoded is found', async (t) => {
  const { call, token, storage, clock } = await openRestServer(t);
  await storage.rooms.create({ name: 'Käse', topic: '', createdAt: clock.now() });
  const answer = await call('GET', `/rooms/${encodeURIComponent('Käse')}/messages/`, { token: await token('alice') });
  t.is(answer.status, 200);
});

test('health is the process, readiness its work', async (t) => {
  let state: Readiness | Error = { ready: true };
  const { call } = await openRestServer(t, {
    readiness: () => (state instanceof Error ? Promise.reject(state) : Promise.resolve(state)),
  });
  const ask = async (path: string): Promise<unknown[]> => {
    const { status, body } = await call('GET', path);
    return [status, body];
  };
  t.deepEqual(await ask('/readyz/'), [200, { status: 'ready' }]);
  state = { ready: true, degraded: ['Redis is not reachable.'] };
  t.deepEqual(await ask('/readyz'), [200, { status: 'ready', degraded: ['Redis is not reachable.'] }]);
  state = { ready: false, reason: 'The server is stopping.' };
  t.deepEqual(await ask('/readyz'), [503, { detail: 'The server is stopping.' }]);
  state = new Error('lost');
  t.deepEqual(await ask('/readyz'), [503, { detail: 'The state of the server could not be determined.' }]);
  t.deepEqual(await ask('/healthz'), [200, { status: 'ok' }]);
});

/** A storage whose every call rejects while `fault` returns an error. */
function breakable(storage: Storage, fault: () => Error | undefined): Storage {
  const guard = <T extends object>(store: T): T =>
    new Proxy(store, {
      get(target, key, receiver) {
        const member: unknown = Reflect.get(target, key, receiver);
        if (typeof member !== 'function') return member;
        return (...values: unknown[]): unknown => {
          const error = fault();
          return error === undefined ? Reflect.apply(member, target, values) : Promise.reject(error);
        };
      },
    });
  const { users, tokens, rooms, messages } = storage;
  return { ...storage, users: guard(users), tokens: guard(tokens), rooms: guard(rooms), messages: guard(messages) };
}

test('a store that cannot be asked is 503 with a detail, never 401, on every call', async (t) => {
  let fault: Error | undefined;
  const lines: string[] = [];
  const log = createLog({ level: 'warn', format: 'json', destination: { write: (line) => void lines.push(line) } });
  const { call, token } = await openRestServer(t, { wrap: (storage) => breakable(storage, () => fault), log });
  const given = await token('alice');
  const json = { username: 'alice', password: 'correct horse' };
  const calls = [
    () => call('POST', '/register', { json: { ...json, username: 'bob' } }),
    () => call('POST', '/login', { json }),
    () => call('POST', '/logout', { token: given }),
    () => call('GET', '/profile', { token: given }),
    () => call('GET', '/rooms', { token: given }),
    () => call('GET', '/rooms/friends/messages', { token: given }),
  ];
  for (const kind of ['unavailable', 'busy', 'unknown'] as const) {
    fault = new StoreError(kind, 'postgres://user:geheim@host cannot be reached');
    for (const request of calls) {
      const answer = await request();
      t.is(answer.status, 503);
      t.deepEqual(answer.body, { detail: 'The database cannot be asked at the moment. Try again.' });
      t.is(answer.headers.get('retry-after'), '1');
    }
  }
  fault = undefined;
  t.is((await call('GET', '/profile', { token: given })).status, 200);
  const logged = lines.map((line) => JSON.parse(line) as { level: number; err: { message: string; stack?: string } });
  t.is(logged.length, 3 * calls.length, 'a line for each request');
  for (const { level, err } of logged) {
    t.is(level, 40);
    t.true(err.message.includes('cannot be reached'));
    t.is(err.stack, undefined);
  }
});

test('a fault of the server is 500 without a word of why, and the log has it', async (t) => {
  const faults: Error[] = [];
  const { call, token, log } = await openRestServer(t, { wrap: (storage) => breakable(storage, () => faults[0]) });
  const given = await token('alice');
  faults.push(new TypeError('the inner working'));
  const answer = await call('GET', '/profile', { token: given });
  t.is(answer.status, 500);
  t.true(isErrorShape(answer.body));
  t.false(answer.text.includes('inner') || answer.text.includes('.ts'));
  t.true(log().includes('the inner working'));
});

test('a use that cannot be recorded does not fail the request', async (t) => {
  const { call, token } = await openRestServer(t, {
    wrap: (storage) => ({
      ...storage,
      tokens: { ...storage.tokens, touch: () => Promise.reject(new StoreError('busy', 'locked')) },
    }),
  });
  t.is((await call('GET', '/profile', { token: await token('alice') })).status, 200);
});

test('a user who asks for many pages at once gets them one after the other, others theirs in between', async (t) => {
  const order: string[] = [];
  let running = 0;
  let most = 0;
  const { call, token } = await openRestServer(t, {
    wrap: (storage) => {
      const page: typeof storage.messages.page = async (...asked) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        return storage.messages.page(...asked);
      };
      return Object.create(storage, {
        messages: { value: Object.create(storage.messages, { page: { value: page } }) },
      });
    },
  });
  const [alice, bob] = [await token('alice'), await token('bob')];
  const ask = async (name: string, of: string): Promise<void> => {
    t.is((await call('GET', '/rooms/friends/messages', { token: of })).status, 200);
    order.push(name);
  };
  const many = Array.from({ length: 30 }, () => ask('alice', alice));
  await Promise.race(many);
  t.is(most, 1);
  await ask('bob', bob);
  await Promise.all(many);
  t.true(order.indexOf('bob') < 20);
  t.true(most <= 2);
});
