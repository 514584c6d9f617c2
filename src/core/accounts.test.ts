import { createHash } from 'node:crypto';
import test from 'ava';
import { accountsOf, goodPassword, openTestStorage } from '../../test/integration/rest-server.ts';
import { AuthenticationError, BadCredentials, FieldErrors, RightsLost } from './errors.ts';
import { createPasswords } from './passwords.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

test('checkFields looks at what is given, and only at that', async (t) => {
  const { storage, clock } = await openTestStorage(t);
  const accounts = accountsOf(storage, clock);
  t.deepEqual(accounts.checkFields({}), {});
  t.deepEqual(accounts.checkFields({ username: 'alice', password: goodPassword, email: '' }), {});
  t.deepEqual(accounts.checkFields({ username: 'x'.repeat(151) }), {
    username: ['Ensure this field has no more than 150 characters.'],
  });
  t.deepEqual(accounts.checkFields({ username: 'alice', password: 'alice-123' }), {
    password: ['The password is too similar to the username.'],
  });
  t.deepEqual(accounts.checkFields({ email: `${'x'.repeat(243)}@example.com` }), {
    email: ['Ensure this field has no more than 254 characters.'],
  });
  for (const email of ['a@b', '@example.com', 'a b@example.com', 'a@example.com\n']) {
    t.deepEqual(accounts.checkFields({ email }), { email: ['Enter a valid email address.'] }, email);
  }
});

test('a name is kept in NFKC', async (t) => {
  const { storage, clock } = await openTestStorage(t);
  const accounts = accountsOf(storage, clock);
  t.is((await accounts.register({ username: 'Ａlice', password: goodPassword })).username, 'Alice');
});

test('the command line can take a weak password, but none that cannot be kept', async (t) => {
  const { storage, clock } = await openTestStorage(t);
  const accounts = accountsOf(storage, clock);
  const weak = { username: 'root', password: '123', email: '', isSuperuser: true };
  const refused = await t.throwsAsync(accounts.createUser(weak), { instanceOf: FieldErrors });
  t.deepEqual(Object.keys(refused.fields), ['password']);
  const user = await accounts.createUser({ ...weak, skipPasswordRules: true });
  t.true(user.isSuperuser);
  await t.notThrowsAsync(accounts.login({ username: 'ROOT', password: '123' }));
  for (const password of ['', 'a\0b', 'x'.repeat(73)]) {
    const bad = { ...weak, username: 'other', password, skipPasswordRules: true };
    await t.throwsAsync(accounts.createUser(bad), { instanceOf: FieldErrors });
    await t.throwsAsync(accounts.setPassword(user.id, password), { instanceOf: FieldErrors });
  }
  await t.throwsAsync(accounts.createUser({ ...weak, skipPasswordRules: true }), {
    instanceOf: FieldErrors,
    message: 'username: A user with that username already exists.',
  });
});

test('the store holds the token’s hash, never the token', async (t) => {
  const { storage, clock } = await openTestStorage(t);
  const accounts = accountsOf(storage, clock);
  await accounts.register({ username: 'alice', password: goodPassword });
  const { token, user } = await accounts.login({ username: 'alice', password: goodPassword });
  t.is(Buffer.from(token, 'base64url').length, 32);
  t.is(user.lastLoginAt, clock.now());
  t.false(Object.hasOwn(user, 'passwordHash'));
  t.is(await storage.tokens.findByHash(token), undefined);
  const found = await storage.tokens.findByHash(createHash('sha256').update(token).digest('hex'));
  t.is(found?.user.username, 'alice');
});

test('a log-in token lives as long as it is used, and its use is written at most hourly', async (t) => {
  const { storage, clock } = await openTestStorage(t);
  const accounts = accountsOf(storage, clock);
  await accounts.register({ username: 'alice', password: goodPassword });
  const { token } = await accounts.login({ username: 'alice', password: goodPassword });
  const begun = clock.now();
  for (let day = 0; day < 60; day += 20) {
    await accounts.touch([await accounts.authenticate(token)]);
    clock.pass(20 * dayMs);
  }
  const principal = await accounts.authenticate(token);
  await accounts.touch([principal]);
  t.is(principal.token.expiresAt, begun + 90 * dayMs);
  t.is(principal.token.lastUsedAt, clock.now());
  const written = clock.now();
  clock.pass(hourMs - 1);
  await accounts.touch([principal]);
  await accounts.touch([await accounts.authenticate(token)]);
  t.is((await storage.tokens.list())[0]?.lastUsedAt, written);
  clock.pass(1);
  await accounts.touch([principal]);
  t.is((await storage.tokens.list())[0]?.lastUsedAt, written + hourMs);
  clock.pass(30 * dayMs);
  await t.throwsAsync(accounts.authenticate(token), { instanceOf: AuthenticationError, message: 'Token has expired.' });
});

test('a labelled token keeps its expiry, or has none', async (t) => {
  const { storage, clock } = await openTestStorage(t);
  const accounts = accountsOf(storage, clock);
  const { id } = await accounts.register({ username: 'bot', password: goodPassword });
  const short = await accounts.createToken(id, 'one day', 1);
  const endless = await accounts.createToken(id, 'for ever', null);
  t.deepEqual([short.record.label, short.record.expiresAt], ['one day', clock.now() + dayMs]);
  clock.pass(dayMs - 1);
  await accounts.touch([await accounts.authenticate(short.token)]);
  await accounts.touch([await accounts.authenticate(endless.token)]);
  clock.pass(1);
  await t.throwsAsync(accounts.authenticate(short.token), { message: 'Token has expired.' });
  clock.pass(10_000 * dayMs);
  t.is((await accounts.authenticate(endless.token)).token.expiresAt, null);
});

test('a changed password ends the log-in tokens and spares the labelled ones', async (t) => {
  const { storage, clock } = await openTestStorage(t);
  const accounts = accountsOf(storage, clock);
  const { id } = await accounts.register({ username: 'alice', password: goodPassword });
  const { token } = await accounts.login({ username: 'alice', password: goodPassword });
  const labelled = await accounts.createToken(id, 'bot', null);
  t.true(await accounts.setPassword(id, 'another horse'));
  await t.throwsAsync(accounts.authenticate(token), { instanceOf: AuthenticationError, message: 'Invalid token.' });
  await t.notThrowsAsync(accounts.authenticate(labelled.token));
  await t.throwsAsync(accounts.login({ username: 'alice', password: goodPassword }), { instanceOf: BadCredentials });
  await t.notThrowsAsync(accounts.login({ username: 'alice', password: 'another horse' }));
  t.false(await accounts.setPassword(id + 1, 'another horse'));
});

test('an administrator who loses the rights while a password is hashed does nothing with them', async (t) => {
  const { storage, clock } = await openTestStorage(t);
  const real = createPasswords({ rounds: 4, concurrency: 2, maxQueued: 10 });
  const accounts = accountsOf(storage, clock);
  const fields = { password: goodPassword, email: '', isSuperuser: true };
  const bob = await accounts.createUser({ ...fields, username: 'bob', isSuperuser: false });
  const losses: ((id: number) => Promise<unknown>)[] = [
    (id) => storage.users.setSuperuser(id, false),
    (id) => storage.users.setActive(id, false),
    (id) => storage.users.ban(id, { until: null, reason: '' }),
  ];
  for (const [index, lose] of losses.entries()) {
    const { id, username } = await accounts.createUser({ ...fields, username: `ada${index}` });
    const by = { userId: id, name: username, via: 'page' } as const;
    t.true(await accounts.setPassword(bob.id, goodPassword, by));
    await accounts.createUser({ ...fields, username: `before${index}` }, by);
    const slow = accountsOf(storage, clock, {
      ...real,
      async hash(password) {
        const hash = await real.hash(password);
        await lose(id);
        return hash;
      },
    });
    const refused = { instanceOf: RightsLost };
    await t.throwsAsync(slow.createUser({ ...fields, username: `after${index}` }, by), refused);
    await t.throwsAsync(slow.setPassword(bob.id, 'another horse', by), refused);
    t.is(await storage.users.findByName(`after${index}`), undefined);
  }
  await t.notThrowsAsync(accounts.login({ username: 'bob', password: goodPassword }));
});

test('a log-in with the old password that was under way while it changed leaves no token', async (t) => {
  const { storage, clock } = await openTestStorage(t);
  const real = createPasswords({ rounds: 4, concurrency: 2, maxQueued: 10 });
  const accounts = accountsOf(storage, clock);
  const { id } = await accounts.register({ username: 'alice', password: goodPassword });
  const slow = accountsOf(storage, clock, {
    ...real,
    async verify(password, hash) {
      const isRight = await real.verify(password, hash);
      await accounts.setPassword(id, 'another horse');
      return isRight;
    },
  });
  await t.throwsAsync(slow.login({ username: 'alice', password: goodPassword }), { instanceOf: BadCredentials });
  t.deepEqual(await storage.tokens.list(), []);
});
