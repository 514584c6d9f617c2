/** Administration while the store is away or slow: what cannot be done is said, and what is done stays done. */
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { type Storage, StoreError } from '../../src/core/ports.ts';
import { furnish, superuser } from './admin-calls.ts';
import { openRestServer } from './rest-server.ts';

/** A store whose reads fail as soon as the test says so; its acts and who is asking do not. */
function failingReads(): { wrap: (storage: Storage) => Storage; fail: () => void } {
  let isAway = false;
  const wrap = (storage: Storage): Storage => {
    const read = async <T>(work: () => Promise<T>): Promise<T> => {
      if (isAway) throw new StoreError('unavailable', 'away');
      return work();
    };
    const { rooms, users, tokens, messages, audit } = storage;
    return {
      ...storage,
      rooms: { ...rooms, activity: (ids) => read(() => rooms.activity(ids)) },
      users: { ...users, list: (wanted) => read(() => users.list(wanted)) },
      tokens: { ...tokens, list: (...wanted) => read(() => tokens.list(...wanted)) },
      messages: { ...messages, search: (wanted) => read(() => messages.search(wanted)) },
      audit: { ...audit, list: (wanted) => read(() => audit.list(wanted)) },
    };
  };
  return { wrap, fail: () => (isAway = true) };
}

test('a list that cannot be read is 503, and says when to come back', async (t) => {
  const { wrap, fail } = failingReads();
  const server = await openRestServer(t, { wrap });
  const token = await superuser(server);
  fail();
  for (const path of ['/rooms', '/rooms/friends', '/messages', '/users', '/audit']) {
    const answer = await server.call('GET', `/admin/api${path}`, { token });
    t.is(answer.status, 503, path);
    t.is(answer.headers.get('retry-after'), '1');
  }
  t.is((await server.call('GET', '/admin/api/now', { token })).status, 200);
});

test('an act whose answer could not be read is not done', async (t) => {
  const { wrap, fail } = failingReads();
  const server = await openRestServer(t, { wrap });
  await furnish(server);
  const token = await superuser(server);
  fail();
  const acts = [
    ['PATCH', 'rooms/friends', { name: 'x' }],
    ['PATCH', 'users/bob', { is_active: false }],
    ['PUT', 'users/bob/ban', {}],
  ] as const;
  for (const [method, path, json] of acts) {
    t.is((await server.call(method, `/admin/api/${path}`, { token, json })).status, 503, path);
  }
  t.truthy(await server.storage.rooms.findByName('friends'));
  t.like(await server.storage.users.findByName('bob'), { isActive: true, ban: null });
  t.deepEqual(await server.storage.audit.list({ limit: 1 }), []);
});

test('an act is done and answered also where the server cannot read the changes just then', async (t) => {
  const readChanges = async (): Promise<void> => {
    throw new StoreError('unavailable', 'away');
  };
  const server = await openRestServer(t, { admin: { readChanges } });
  await furnish(server);
  const token = await superuser(server);
  const calls: [method: string, path: string, status: number, json?: object][] = [
    ['PATCH', '/rooms/secret-room', 200, { name: 'renamed' }],
    ['DELETE', '/rooms/renamed', 204],
    ['PUT', '/users/bob/ban', 200, {}],
  ];
  for (const [method, path, status, json] of calls) {
    const answer = await server.call(method, `/admin/api${path}`, { token, ...(json === undefined ? {} : { json }) });
    t.is(answer.status, status, path);
  }
  t.is((await server.storage.audit.list({ limit: 10 })).length, calls.length);
  t.regex(server.log(), /takes effect with the next reading/);
});

test('a deleted room’s messages are purged at once, and those of a room that was not there are not', async (t) => {
  let purges = 0;
  const server = await openRestServer(t, { admin: { purgeRooms: () => void (purges += 1) } });
  const token = await superuser(server);
  await server.call('DELETE', '/admin/api/rooms/none', { token });
  t.is(purges, 0);
  await server.call('DELETE', '/admin/api/rooms/friends', { token });
  t.is(purges, 1);
});

test('one administrator who searches again and again does not keep another waiting', async (t) => {
  const searches: (() => void)[] = [];
  const wrap = (storage: Storage): Storage => ({
    ...storage,
    messages: {
      ...storage.messages,
      search: (wanted) =>
        wanted.words === 'slow'
          ? new Promise((resolve) => searches.push(() => resolve({ messages: [], next: null })))
          : storage.messages.search(wanted),
    },
  });
  const server = await openRestServer(t, { wrap });
  const [ada, eve] = [await superuser(server, 'ada'), await superuser(server, 'eve')];
  const slow = Array.from({ length: 20 }, () => server.call('GET', '/admin/api/messages?q=slow', { token: ada }));
  while (searches.length === 0) await turn();
  t.is((await server.call('GET', '/admin/api/messages?q=quick', { token: eve })).status, 200);
  t.is(searches.length, 1, 'one at a time');
  for (let answered = 0; answered < slow.length; answered += 1) {
    while (searches.length <= answered) await turn();
    searches[answered]?.();
  }
  for (const { status } of await Promise.all(slow)) t.is(status, 200);
});
