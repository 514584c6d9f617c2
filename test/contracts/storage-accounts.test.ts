/** The contracts of UserStore and TokenStore, on both databases. */
import test from 'ava';
import BetterSqlite from 'better-sqlite3';
import type { NewUser } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import { eachDatabase, sqliteTest } from '../support/databases.ts';

const newUser = (username: string, rest: Partial<NewUser> = {}): NewUser => ({
  username,
  email: '',
  passwordHash: 'hash',
  isSuperuser: false,
  createdAt: 1_700_000_000_000,
  ...rest,
});

eachDatabase(test, 'a user comes back as it was created', async (t, db) => {
  const { users } = await db.open();
  const created = await users.create(newUser('Ann', { email: 'Ann@Example.org', isSuperuser: true }));
  t.deepEqual(created, {
    id: 1,
    username: 'Ann',
    email: 'Ann@Example.org',
    isSuperuser: true,
    isActive: true,
    createdAt: 1_700_000_000_000,
    lastLoginAt: null,
    ban: null,
    mutedUntil: null,
  });
  t.deepEqual(await users.findById(created.id), created);
  t.deepEqual(await users.findByName('aNN'), { ...created, passwordHash: 'hash' });
  t.is(await users.findByName('an'), undefined);
  t.is(await users.findById(4711), undefined);
});

eachDatabase(test, 'a name that differs only in case or width is taken', async (t, db) => {
  const { users } = await db.open();
  await users.create(newUser('Ångström'));
  for (const taken of ['ångström', 'ÅNGSTRÖM', 'A\u030angstro\u0308m', 'Ångström']) {
    const error = await t.throwsAsync(users.create(newUser(taken)), { instanceOf: StoreError });
    t.is(error.kind, 'conflict');
    t.is(error.field, 'username');
  }
  t.is((await users.findByName('ÅNGSTRÖM'))?.username, 'Ångström');
  t.is((await users.create(newUser('angstrom'))).username, 'angstrom');
});

eachDatabase(test, 'a name raced by two processes is given once', async (t, db) => {
  const storages = await Promise.all([db.open(), db.open()]);
  const results = await Promise.allSettled(
    storages.flatMap(({ users }) => ['ann', 'ANN'].map((name) => users.create(newUser(name)))),
  );
  const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  t.is(reasons.length, 3);
  t.true(reasons.every((reason) => reason instanceof StoreError && reason.kind === 'conflict'));
});

eachDatabase(test, 'users are listed by name, searched without case, and paged', async (t, db) => {
  const { users } = await db.open();
  for (const name of ['bob', 'Ann', 'under_score', 'Zoë', 'percent%', 'back\\slash']) {
    await users.create(newUser(name, { email: `${name.length}@Mail.example` }));
  }
  const names = async (options?: Parameters<typeof users.list>[0]) =>
    (await users.list(options)).map(({ username }) => username);
  t.deepEqual(await names(), ['Ann', 'back\\slash', 'bob', 'percent%', 'under_score', 'Zoë']);
  t.deepEqual(await names({ limit: 2 }), ['Ann', 'back\\slash']);
  t.deepEqual(await names({ after: 'BACK\\slash', limit: 2 }), ['bob', 'percent%']);
  t.deepEqual(await names({ after: 'c' }), ['percent%', 'under_score', 'Zoë']);
  t.deepEqual(await names({ search: 'ZOË' }), ['Zoë']);
  t.deepEqual(await names({ search: '_' }), ['under_score']);
  t.deepEqual(await names({ search: '%' }), ['percent%']);
  t.deepEqual(await names({ search: '\\' }), ['back\\slash']);
  t.deepEqual(await names({ search: '3@mail.EXAMPLE' }), ['Ann', 'bob', 'Zoë']);
  t.deepEqual(await names({ search: '3@mail', after: 'bob' }), ['Zoë']);
  t.deepEqual(await names({ search: 'nobody' }), []);
});

eachDatabase(test, 'changes to a user say whether there was one', async (t, db) => {
  const { users } = await db.open();
  const { id } = await users.create(newUser('ann'));
  t.true(await users.setActive(id, false));
  t.true(await users.setActive(id, false));
  t.true(await users.setSuperuser(id, true));
  t.true(await users.setPassword(id, 'another'));
  await users.setLastLogin(id, 42);
  const found = await users.findByName('ann');
  t.like(found, { isActive: false, isSuperuser: true, passwordHash: 'another', lastLoginAt: 42 });
  t.true(await users.setActive(id, true));
  t.true((await users.findById(id))?.isActive);
  t.false(await users.setActive(4711, false));
  t.false(await users.setActive(4711, true));
  t.false(await users.setSuperuser(4711, true));
  t.false(await users.setPassword(4711, 'x'));
  await t.notThrowsAsync(users.setLastLogin(4711, 42));
});

eachDatabase(test, 'deactivating is announced once, activating is not', async (t, db) => {
  const { users, changes } = await db.open();
  const { id } = await users.create(newUser('ann'));
  await users.setActive(id, true);
  t.is(await changes.latestId(), 0);
  await users.setActive(id, false);
  await users.setActive(id, false);
  await users.setActive(id, true);
  t.deepEqual(await changes.readAfter(0, 10), {
    changes: [{ id: 1, change: { kind: 'user-deactivated', user: { id } } }],
    lost: false,
  });
});

eachDatabase(test, 'a ban and a mute are stored as they are given, until they are taken back', async (t, db) => {
  const { users, tokens } = await db.open();
  const { id } = await users.create(newUser('ann'));
  await tokens.create({ userId: id, hash: 'aa', label: null, createdAt: 1, expiresAt: null });
  t.true(await users.ban(id, { until: 50, reason: 'spam' }));
  t.true(await users.mute(id, 70));
  const punished = { ban: { until: 50, reason: 'spam' }, mutedUntil: 70 };
  t.like(await users.findById(id), punished);
  t.like(await users.findByName('ann'), punished);
  t.like((await users.list())[0], punished);
  t.like((await tokens.findByHash('aa'))?.user, punished);
  t.true(await users.ban(id, { until: null, reason: '' }));
  t.true(await users.mute(id, 60));
  t.like(await users.findById(id), { ban: { until: null, reason: '' }, mutedUntil: 60, isActive: true });
  t.true(await users.ban(id, null));
  t.true(await users.mute(id, null));
  t.like(await users.findById(id), { ban: null, mutedUntil: null });
  for (const act of [users.kick(4711), users.ban(4711, null), users.mute(4711, 5)]) t.false(await act);
});

eachDatabase(test, 'servers hear of a kick, a ban and a mute', async (t, db) => {
  const { users, changes } = await db.open();
  const { id } = await users.create(newUser('ann'));
  t.true(await users.kick(id));
  t.true(await users.ban(id, { until: 50, reason: 'spam' }));
  t.true(await users.ban(id, null));
  t.true(await users.mute(id, 60));
  t.true(await users.mute(id, null));
  const user = { id };
  t.deepEqual(
    (await changes.readAfter(0, 10)).changes.map(({ change }) => change),
    [
      { kind: 'user-kicked', user },
      { kind: 'user-kicked', user },
      { kind: 'user-muted', user, until: 60 },
      { kind: 'user-muted', user, until: null },
    ],
  );
});

eachDatabase(test, 'who is muted at a moment can be asked for', async (t, db) => {
  const { users } = await db.open();
  const [ann, bob, zoe] = [
    await users.create(newUser('ann')),
    await users.create(newUser('bob')),
    await users.create(newUser('zoe')),
  ];
  await users.mute(zoe.id, 101);
  await users.mute(ann.id, 100);
  t.deepEqual(await users.muted(99), [
    { id: ann.id, until: 100 },
    { id: zoe.id, until: 101 },
  ]);
  t.deepEqual(await users.muted(100), [{ id: zoe.id, until: 101 }]);
  t.deepEqual(await users.muted(101), []);
  t.is((await users.findById(bob.id))?.mutedUntil, null);
});

eachDatabase(test, 'a new password revokes the log-in tokens and keeps the labelled ones', async (t, db) => {
  const { users, tokens, changes } = await db.open();
  const ann = await users.create(newUser('ann'));
  const bob = await users.create(newUser('bob'));
  const create = (userId: number, hash: string, label: string | null) =>
    tokens.create({ userId, hash, label, createdAt: 1, expiresAt: null });
  const first = await create(ann.id, 'a1', null);
  const second = await create(ann.id, 'a2', null);
  await create(ann.id, 'a3', 'bot');
  await create(bob.id, 'b1', null);
  t.true(await users.setPassword(ann.id, 'another'));
  t.is(await tokens.findByHash('a1'), undefined);
  t.is(await tokens.findByHash('a2'), undefined);
  t.not(await tokens.findByHash('a3'), undefined);
  t.not(await tokens.findByHash('b1'), undefined);
  const announced = (await changes.readAfter(0, 10)).changes.map(({ change }) => change);
  t.deepEqual(
    announced.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    [first, second].map(({ id }) => ({ kind: 'token-revoked', token: { id, userId: ann.id } })),
  );
});

eachDatabase(test, 'a token is found with its user by its hash', async (t, db) => {
  const { users, tokens } = await db.open();
  const ann = await users.create(newUser('ann', { createdAt: 7 }));
  await users.create(newUser('bob'));
  await tokens.create({ userId: ann.id, hash: 'aa', label: null, createdAt: 5, expiresAt: 10 });
  const created = await tokens.create({ userId: ann.id, hash: 'ab', label: 'bot', createdAt: 6, expiresAt: null });
  t.deepEqual(created, {
    id: 2,
    userId: ann.id,
    label: 'bot',
    createdAt: 6,
    lastUsedAt: null,
    expiresAt: null,
  });
  t.deepEqual(await tokens.findByHash('ab'), { token: created, user: ann });
  t.is(await tokens.findByHash('AB'), undefined);
  await tokens.touch([1, created.id, 99], 100, 200);
  t.deepEqual((await tokens.findByHash('ab'))?.token, { ...created, lastUsedAt: 100 });
  t.like((await tokens.findByHash('aa'))?.token, { lastUsedAt: 100, expiresAt: 200 });
  await users.setActive(ann.id, false);
  t.is((await tokens.findByHash('ab'))?.user.isActive, false);
});

eachDatabase(test, 'tokens asked for at once are each found with their own user, however many', async (t, db) => {
  const { users, tokens } = await db.open();
  const owners = [await users.create(newUser('ann')), await users.create(newUser('bob'))];
  const hashes = Array.from({ length: 5 }, (_, index) => `h${index}`);
  for (const [index, hash] of hashes.entries()) {
    const userId = owners[index % 2]?.id ?? 0;
    await tokens.create({ userId, hash, label: null, createdAt: index, expiresAt: null });
  }
  const asked = Array.from({ length: 1001 }, (_, index) => (index % 7 < 5 ? `h${index % 7}` : `none-${index}`));
  const found = await Promise.all(asked.map((hash) => tokens.findByHash(hash)));
  t.is(found.length, asked.length);
  for (const [index, one] of found.entries()) {
    const at = index % 7;
    if (at >= 5) t.is(one, undefined);
    else t.like(one, { token: { createdAt: at }, user: { username: owners[at % 2]?.username } });
  }
  // Whoever is given a record may change it.
  t.not(found[0]?.token, found[7]?.token);
});

eachDatabase(test, 'a revoked token is gone and announced', async (t, db) => {
  const { users, tokens, changes } = await db.open();
  const ann = await users.create(newUser('ann'));
  const { id } = await tokens.create({ userId: ann.id, hash: 'aa', label: null, createdAt: 5, expiresAt: null });
  t.true(await tokens.revoke(id));
  t.false(await tokens.revoke(id));
  t.is(await tokens.findByHash('aa'), undefined);
  t.deepEqual((await changes.readAfter(0, 10)).changes, [
    { id: 1, change: { kind: 'token-revoked', token: { id, userId: ann.id } } },
  ]);
});

eachDatabase(test, 'tokens are listed by user name, and expired ones deleted', async (t, db) => {
  const { users, tokens } = await db.open();
  const zoe = await users.create(newUser('Zoe'));
  const ann = await users.create(newUser('ann'));
  const create = (userId: number, hash: string, expiresAt: number | null) =>
    tokens.create({ userId, hash, label: hash, createdAt: 1, expiresAt });
  await create(zoe.id, 'z1', 50);
  await create(ann.id, 'a1', null);
  await create(zoe.id, 'z2', 51);
  await create(ann.id, 'a2', 49);
  const listed = async (userId?: number) =>
    (await tokens.list(userId)).map(({ username, label }) => `${username} ${label}`);
  t.deepEqual(await listed(), ['ann a1', 'ann a2', 'Zoe z1', 'Zoe z2']);
  t.deepEqual(await listed(zoe.id), ['Zoe z1', 'Zoe z2']);
  t.deepEqual((await tokens.list(zoe.id))[0], {
    id: 1,
    userId: zoe.id,
    username: 'Zoe',
    label: 'z1',
    createdAt: 1,
    lastUsedAt: null,
    expiresAt: 50,
  });
  t.deepEqual(
    (await tokens.list(zoe.id, 1)).map(({ label }) => label),
    ['z2'],
    'the newest',
  );
  t.deepEqual(
    (await tokens.list(undefined, 3)).map(({ label }) => label),
    ['a1', 'a2', 'z2'],
  );
  t.deepEqual(await tokens.findById(1), (await tokens.list(zoe.id))[0]);
  t.is(await tokens.findById(99), undefined);
  t.is(await tokens.deleteExpired(50), 1);
  t.deepEqual(await listed(), ['ann a1', 'Zoe z1', 'Zoe z2']);
});

sqliteTest(test, 'a search among very many users finds each once, and lets others have the loop', async (t, db) => {
  const { users } = await db.open();
  const file = new BetterSqlite(db.url.slice('sqlite://'.length));
  const insert = file.prepare(
    `INSERT INTO users (username, username_folded, email, email_folded, password_hash, is_superuser, is_active, created_at)
     VALUES (?, ?, '', '', '', 0, 1, 0)`,
  );
  const names = Array.from({ length: 12_001 }, (_, index) => `user${String(index).padStart(5, '0')}`);
  file.transaction(() => names.forEach((name) => insert.run(name, name)))();
  file.close();
  const found = async (options: Parameters<typeof users.list>[0]) =>
    (await users.list(options)).map(({ username }) => username);
  t.deepEqual(await found({ search: 'USER' }), names);
  t.deepEqual(
    await found({ search: '000' }),
    names.filter((name) => name.includes('000')),
  );
  t.deepEqual(await found({ search: '999', after: 'user02999', limit: 3 }), ['user03999', 'user04999', 'user05999']);
  t.deepEqual(await found({ search: 'user12000' }), ['user12000']);
  let turns = 0;
  const count = (): void => {
    turns += 1;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  t.deepEqual(await found({ search: 'nobody' }), []);
  clearImmediate(counting);
  t.true(turns >= 3, `${turns} turns`);
});
