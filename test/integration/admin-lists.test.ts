/** The lists of the administration API: their pages hold everything once, in one order, and their filters keep what they say. */
import test from 'ava';
import { eachDatabase, sqliteTest } from '../support/databases.ts';
import { type AdminApp, openAdminApp } from './admin-app.ts';

/** All items of a list, page by page; `perPage` at most on each. */
async function collect(
  { act }: AdminApp,
  path: string,
  field: string,
  perPage: number,
): Promise<{ items: Record<string, unknown>[]; pages: number[] }> {
  const items: Record<string, unknown>[] = [];
  const pages: number[] = [];
  const join = path.includes('?') ? '&' : '?';
  for (let after = ''; ; ) {
    const { body } = await act('GET', `${path}${join}limit=${perPage}${after}`);
    const page = body as Record<string, Record<string, unknown>[]> & { next: string | null };
    items.push(...(page[field] ?? []));
    pages.push(page[field]?.length ?? 0);
    if (page.next === null) return { items, pages };
    after = `&after=${encodeURIComponent(page.next)}`;
  }
}

eachDatabase(test, 'pages of rooms and of users hold each of them once, in the order of their names', async (t, db) => {
  const app = await openAdminApp(t, db);
  const storage = await app.server.elsewhere();
  const names = ['Zebra', 'apple', 'Äpfel', 'apple2', 'apple-1', 'APPLE.3', 'straße', '名前', '9lives', 'apple_4'];
  for (const name of names) {
    await app.act('POST', '/rooms', { name, topic: name === 'Zebra' ? 'Like an Apple' : '' });
    await storage.users.create({
      username: name,
      email: name === 'Zebra' ? 'Apple@example.org' : '',
      passwordHash: 'hash',
      isSuperuser: false,
      createdAt: 0,
    });
  }
  for (const [path, field, key, others] of [
    ['/rooms', 'rooms', 'name', ['family', 'friends', 'investments']],
    ['/users', 'users', 'username', ['ada']],
  ] as const) {
    const whole = await collect(app, path, field, 200);
    const all = whole.items.map((item) => String(item[key]));
    t.deepEqual(all.toSorted(), [...names, ...others].toSorted());
    for (const perPage of [1, 3, all.length]) {
      const { items, pages } = await collect(app, path, field, perPage);
      t.deepEqual(
        items.map((item) => String(item[key])),
        all,
      );
      t.true(pages.slice(0, -1).every((length) => length === perPage));
      t.true((pages.at(-1) ?? 0) > 0, 'the last page is not empty');
    }
    const found = await collect(app, `${path}?search=aPPle`, field, 2);
    t.deepEqual(
      found.items.map((item) => String(item[key])).toSorted(),
      ['APPLE.3', 'Zebra', 'apple', 'apple-1', 'apple2', 'apple_4'],
      'by name, and by topic or address',
    );
    t.deepEqual((await collect(app, `${path}?search=%25`, field, 2)).items, [], 'a sign of SQL is a sign');
    t.deepEqual((await collect(app, `${path}?search=_4`, field, 2)).items.length, 1);
  }
});

eachDatabase(
  test,
  'messages are found by words, user, room and time, on pages that hold each of them once',
  async (t, db) => {
    const app = await openAdminApp(t, db);
    const storage = await app.server.elsewhere();
    await app.server.login('bob');
    const users = await Promise.all(['ada', 'bob'].map((name) => storage.users.findByName(name)));
    const rooms = await Promise.all(['friends', 'family'].map((name) => storage.rooms.findByName(name)));
    const begin = Date.UTC(2026, 0, 1);
    for (let number = 0; number < 24; number += 1) {
      await storage.messages.append([
        {
          roomId: rooms[number % 2]?.id ?? 0,
          userId: users[number % 3 === 0 ? 0 : 1]?.id ?? 0,
          body: `Number ${number}, ${number % 4 === 0 ? 'cheap WATCHES!' : 'nothing'}`,
          ref: `r${number}`,
          createdAt: begin + number * 60_000,
        },
      ]);
    }
    const numbers = async (query: string, perPage = 5): Promise<number[]> => {
      const { items } = await collect(app, `/messages${query}`, 'messages', perPage);
      return items.map(({ body }) => Number(/\d+/.exec(String(body))?.[0]));
    };
    const down = Array.from({ length: 24 }, (_, index) => 23 - index);
    const where = (keep: (number: number) => boolean): number[] => down.filter(keep);
    for (const perPage of [1, 7, 24, 200]) t.deepEqual(await numbers('', perPage), down, `${perPage} a page`);
    t.deepEqual(await numbers('?q='), down);
    t.deepEqual(await numbers('?q=%20'), down);
    t.deepEqual(
      await numbers('?q=watch'),
      where((number) => number % 4 === 0),
    );
    t.deepEqual(
      await numbers('?q=watch%20CHEAP%20num'),
      where((number) => number % 4 === 0),
    );
    t.deepEqual(await numbers('?q=watch+nothing'), []);
    t.deepEqual(await numbers(`?q=${encodeURIComponent('number 𝟗')}`), [9], 'a 9 in another script');
    t.deepEqual(
      await numbers('?user=BOB'),
      where((number) => number % 3 !== 0),
    );
    t.deepEqual(
      await numbers('?room=family'),
      where((number) => number % 2 === 1),
    );
    t.deepEqual(
      await numbers('?room=friends&user=ada&q=cheap'),
      where((number) => number % 12 === 0),
    );
    t.deepEqual(
      await numbers('?from=2026-01-01T00:05:00Z&to=2026-01-01T02:08:00%2B02:00'),
      where((number) => number >= 5 && number < 8),
    );
    for (const query of ['?user=nobody', '?room=none', '?room=FAMILY', '?user=__proto__', '?user=a%20b']) {
      t.deepEqual(await numbers(query), [], query);
    }
  },
);

sqliteTest(
  test,
  'acts are found by who did them, what they were and on whom, on pages that hold each of them once',
  async (t, db) => {
    const app = await openAdminApp(t, db);
    await app.server.login('Bob');
    const storage = await app.server.elsewhere();
    for (let minutes = 1; minutes <= 5; minutes += 1) await app.act('PUT', '/users/bob/mute', { minutes });
    const room = await storage.rooms.findByName('family');
    await storage.rooms.delete(room?.id ?? 0, { userId: null, name: 'root', via: 'command' });
    const acts = async (query: string): Promise<string[]> =>
      (await collect(app, `/audit${query}`, 'entries', 2)).items.map(
        ({ act, via }) => `${String(act)} by ${String(via)}`,
      );
    const mutes = Array.from({ length: 5 }, () => 'user-muted by page');
    t.deepEqual(await acts(''), ['room-deleted by command', ...mutes]);
    t.deepEqual(await acts('?actor=ROOT'), ['room-deleted by command']);
    t.deepEqual(await acts('?actor=ada&act=user-muted&target=BOB'), mutes);
    t.deepEqual(await acts('?act=room-deleted&target=family'), ['room-deleted by command']);
    t.deepEqual(await acts('?target=nobody'), []);
  },
);

sqliteTest(
  test,
  'a page that is not full is the last, and a full one is followed only where there is more',
  async (t, db) => {
    const app = await openAdminApp(t, db);
    t.like((await app.act('GET', '/rooms?limit=3')).body, { next: null });
    const { body } = await app.act('GET', '/rooms?limit=2');
    const { next } = body as { next: string };
    t.is(typeof next, 'string');
    for (const other of ['/users', '/messages', '/audit']) {
      t.is((await app.act('GET', `${other}?after=${next}`)).status, 400, 'a place of another list is none');
    }
    t.like((await app.act('GET', `/rooms?limit=2&after=${next}`)).body, {
      rooms: [{ name: 'investments' }],
      next: null,
    });
  },
);
