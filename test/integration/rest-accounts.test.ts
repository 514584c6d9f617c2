/** Registration, log-in, log-out and profile: every success and refusal of the contract's table, over HTTP. */
import test from 'ava';
import { createMemoryAttemptCounter } from '../../src/bus/memory.ts';
import { attemptLimits, createAttempts } from '../../src/core/attempts.ts';
import { createPasswords } from '../../src/core/passwords.ts';
import { goodPassword, openRestServer } from './rest-server.ts';

const required = ['This field is required.'];
const badCredentials = { non_field_errors: ['Unable to log in with provided credentials.'] };

test('a registration as JSON or as a form answers with name and address', async (t) => {
  const { call } = await openRestServer(t);
  const json = { username: 'alice', password: goodPassword, email: 'alice@example.com' };
  const first = await call('POST', '/register', { json });
  t.is(first.status, 200);
  t.deepEqual(first.body, { username: 'alice', email: 'alice@example.com' });
  const form = { username: 'bob', password: goodPassword };
  const second = await call('POST', '/register/', { form });
  t.is(second.status, 200);
  t.deepEqual(second.body, { username: 'bob', email: '' });
  const extra = { username: 'carol', password: goodPassword, email: '', is_superuser: true, isSuperuser: true };
  t.is((await call('POST', '/register', { json: extra })).status, 200);
});

test('a registered user is no superuser, whatever the body says', async (t) => {
  const { call, storage } = await openRestServer(t);
  const json = { username: 'eve', password: goodPassword, is_superuser: true, isSuperuser: true, isActive: false };
  await call('POST', '/register', { json });
  const user = await storage.users.findByName('eve');
  t.is(user?.isSuperuser, false);
  t.is(user?.isActive, true);
});

test('all faults of all fields come back at once', async (t) => {
  const { call, token } = await openRestServer(t);
  await token('taken');
  const answer = await call('POST', '/register', { json: { username: 'Taken', password: '1234', email: 'nowhere' } });
  t.is(answer.status, 400);
  t.deepEqual(answer.body, {
    username: ['A user with that username already exists.'],
    password: [
      'This password is too short. It must contain at least 8 characters.',
      'This password is entirely numeric.',
    ],
    email: ['Enter a valid email address.'],
  });
});

test('what is missing or no text is told field by field, beside the faults of the rest', async (t) => {
  const { call } = await openRestServer(t);
  const answers = await Promise.all(
    [
      {},
      { username: null, password: 5, email: [] },
      { username: '', password: '', email: null },
      { username: 'a b' },
    ].map((json) => call('POST', '/register', { json })),
  );
  t.deepEqual(
    answers.map(({ status, body }) => ({ status, body })),
    [
      { status: 400, body: { username: required, password: required } },
      {
        status: 400,
        body: {
          username: ['This field may not be null.'],
          password: ['Not a valid string.'],
          email: ['Not a valid string.'],
        },
      },
      {
        status: 400,
        body: {
          username: ['This field may not be blank.'],
          password: ['This field may not be blank.'],
          email: ['This field may not be null.'],
        },
      },
      {
        status: 400,
        body: { username: ['Enter a valid username: letters, digits and @ . + - _ only.'], password: required },
      },
    ],
  );
});

test('names are unique and found without regard to case, width and composition', async (t) => {
  const { call, token } = await openRestServer(t);
  await token('Zoë');
  const again = await call('POST', '/register', { json: { username: 'ｚｏe\u0308', password: goodPassword } });
  t.deepEqual(again.body, { username: ['A user with that username already exists.'] });
  const login = await call('POST', '/login', { json: { username: 'ZOE\u0308', password: goodPassword } });
  t.is(login.status, 200);
});

test('two registrations of one name at once make one account', async (t) => {
  const { call } = await openRestServer(t);
  const answers = await Promise.all(
    ['dora', 'DORA', 'Dora'].map((username) =>
      call('POST', '/register', { json: { username, password: goodPassword } }),
    ),
  );
  t.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [200, 400, 400],
  );
  for (const { status, body } of answers) {
    if (status === 400) t.deepEqual(body, { username: ['A user with that username already exists.'] });
  }
});

test('a closed registration is refused whatever the body', async (t) => {
  const { call } = await openRestServer(t, { settings: { registrationOpen: false } });
  const answer = await call('POST', '/register', { json: { username: 'alice', password: goodPassword } });
  t.is(answer.status, 403);
  t.deepEqual(answer.body, { detail: 'Registration is closed.' });
});

test('a log-in as JSON or as a form gives a token of its own each time', async (t) => {
  const { call, token } = await openRestServer(t);
  const first = await token('alice');
  const second = await call('POST', '/login/', { form: { username: 'alice', password: goodPassword } });
  t.is(second.status, 200);
  t.deepEqual(Object.keys(second.body as object), ['token']);
  t.regex(first, /^[\w-]{43}$/);
  t.not((second.body as { token: string }).token, first);
});

test('unknown user, wrong password, overlong password and inactive user read the same', async (t) => {
  const { call, token, storage } = await openRestServer(t);
  await token('alice');
  await token('gone');
  const gone = await storage.users.findByName('gone');
  await storage.users.setActive(gone?.id ?? 0, false);
  const refused = [
    { username: 'nobody', password: goodPassword },
    { username: 'no such name!', password: goodPassword },
    { username: 'alice', password: 'wrong' },
    { username: 'alice', password: goodPassword.padEnd(100, 'x') },
    { username: 'gone', password: goodPassword },
  ];
  for (const json of refused) {
    const answer = await call('POST', '/login', { json });
    t.is(answer.status, 400);
    t.deepEqual(answer.body, badCredentials);
  }
});

test('every refused log-in computes exactly one hash', async (t) => {
  const real = createPasswords({ rounds: 4, concurrency: 2, maxQueued: 100 });
  let computed = 0;
  const counted = <A extends unknown[], R>(work: (...values: A) => R) => {
    return (...values: A): R => {
      computed += 1;
      return work(...values);
    };
  };
  const passwords = { hash: real.hash, verify: counted(real.verify), verifyNothing: counted(real.verifyNothing) };
  const { call, token, storage } = await openRestServer(t, { passwords });
  await token('alice');
  await token('gone');
  await storage.users.setActive((await storage.users.findByName('gone'))?.id ?? 0, false);
  for (const username of ['alice', 'gone', 'nobody', 'no such name!', 'x'.repeat(1000)]) {
    computed = 0;
    const { status } = await call('POST', '/login', { json: { username, password: 'wrong horse' } });
    t.is(status, 400);
    t.is(computed, 1, username);
  }
});

test('a log-in without its fields says which are missing', async (t) => {
  const { call } = await openRestServer(t);
  const empty = await call('POST', '/login', { json: {} });
  t.deepEqual([empty.status, empty.body], [400, { username: required, password: required }]);
  const blank = await call('POST', '/login', { form: { username: '', password: '' } });
  t.deepEqual(blank.body, {
    username: ['This field may not be blank.'],
    password: ['This field may not be blank.'],
  });
});

test('the profile is the token’s owner', async (t) => {
  const { call } = await openRestServer(t);
  const json = { username: 'alice', password: goodPassword, email: 'alice@example.com' };
  await call('POST', '/register', { json });
  const { token } = (await call('POST', '/login', { json })).body as { token: string };
  for (const authorization of [`Token ${token}`, `token ${token}`, `Bearer ${token}`, `BEARER  ${token}`]) {
    const answer = await call('GET', '/profile', { headers: { authorization } });
    t.is(answer.status, 200);
    t.deepEqual(answer.body, { username: 'alice', email: 'alice@example.com' });
  }
});

test('the profile says of a superuser, and of nobody else, that it may administer', async (t) => {
  const { call, accounts, token } = await openRestServer(t);
  await accounts.createUser({ username: 'root', password: goodPassword, email: '', isSuperuser: true });
  const { token: root } = await accounts.login({ username: 'root', password: goodPassword });
  const answer = await call('GET', '/profile', { token: root });
  t.deepEqual(answer.body, { username: 'root', email: '', is_superuser: true });
  t.deepEqual((await call('GET', '/profile', { token: await token('alice') })).body, { username: 'alice', email: '' });
});

test('four refusals of a token are told apart', async (t) => {
  const { call, token, clock } = await openRestServer(t);
  const expired = await token('alice');
  clock.pass(31 * 86_400_000);
  const details: unknown[] = [];
  for (const headers of [
    {},
    { authorization: 'Token' },
    { authorization: 'Token unknown' },
    { authorization: `Token ${expired}` },
  ] as Record<string, string>[]) {
    for (const [method, path] of [
      ['GET', '/profile'],
      ['POST', '/logout'],
      ['GET', '/rooms'],
      ['GET', '/rooms/friends/messages'],
    ] as const) {
      const answer = await call(method, path, { headers });
      t.is(answer.status, 401);
      t.is(answer.headers.get('www-authenticate'), 'Token');
      if (path === '/profile') details.push(answer.body);
    }
  }
  t.deepEqual(details, [
    { detail: 'Authentication credentials were not provided.' },
    { detail: 'Invalid token header. No credentials provided.' },
    { detail: 'Invalid token.' },
    { detail: 'Token has expired.' },
  ]);
});

test('REST takes no token from the address', async (t) => {
  const { call, token } = await openRestServer(t);
  t.is((await call('GET', `/profile?token=${await token('alice')}`)).status, 401);
});

test('a token of a deactivated user is unknown', async (t) => {
  const { call, token, storage } = await openRestServer(t);
  const given = await token('alice');
  await storage.users.setActive((await storage.users.findByName('alice'))?.id ?? 0, false);
  const answer = await call('GET', '/profile', { token: given });
  t.deepEqual([answer.status, answer.body], [401, { detail: 'Invalid token.' }]);
});

test('a log-out ends its own token, empty-handed, and tells the chat', async (t) => {
  const { call, token, loggedOut, storage } = await openRestServer(t);
  const first = await token('alice');
  const second = await token('alice');
  const answer = await call('POST', '/logout', { token: first });
  t.deepEqual([answer.status, answer.text], [204, '']);
  t.deepEqual(
    loggedOut.map(({ user }) => user.username),
    ['alice'],
  );
  const { changes } = await storage.changes.readAfter(0, 100);
  const revoked = changes.map(({ change }) => change).filter(({ kind }) => kind === 'token-revoked');
  t.deepEqual(revoked, [
    { kind: 'token-revoked', token: { id: loggedOut[0]?.token.id, userId: loggedOut[0]?.user.id } },
  ]);
  t.is((await call('POST', '/logout', { token: first })).status, 401);
  t.is((await call('GET', '/profile', { token: second })).status, 200);
});

test('guessing ends in 429 with the time to wait, and only for that name and address', async (t) => {
  const counter = createMemoryAttemptCounter();
  t.teardown(() => counter.close());
  const { call, token } = await openRestServer(t, { attempts: createAttempts(counter), settings: { trustProxy: 1 } });
  await token('alice');
  const from = (address: string, password: string) =>
    call('POST', '/login', { json: { username: 'alice', password }, headers: { 'x-forwarded-for': address } });
  for (let tries = attemptLimits.loginOfNameFromAddress.limit; tries > 0; tries -= 1) {
    t.is((await from('198.51.100.1', 'wrong')).status, 400);
  }
  const refused = await from('198.51.100.1', goodPassword);
  t.is(refused.status, 429);
  const seconds = Number(refused.headers.get('retry-after'));
  t.true(seconds > 0 && seconds <= attemptLimits.loginOfNameFromAddress.windowMs / 1000);
  t.deepEqual(refused.body, { detail: `Request was throttled. Expected available in ${seconds} seconds.` });
  t.is((await from('198.51.100.2', goodPassword)).status, 200);
});

test('registrations from one address end in 429', async (t) => {
  const counter = createMemoryAttemptCounter();
  t.teardown(() => counter.close());
  const { call } = await openRestServer(t, { attempts: createAttempts(counter) });
  for (let tries = attemptLimits.registrationFromAddress.limit; tries > 0; tries -= 1) {
    t.is((await call('POST', '/register', { json: {} })).status, 400);
  }
  const refused = await call('POST', '/register', { json: { username: 'alice', password: goodPassword } });
  t.is(refused.status, 429);
  t.true(Number(refused.headers.get('retry-after')) > 0);
});

test('more passwords than the server can hash are refused with 503, and nobody is told a wrong reason', async (t) => {
  const passwords = createPasswords({ rounds: 12, concurrency: 1, maxQueued: 2 });
  const { call } = await openRestServer(t, { passwords });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => call('POST', '/login', { json: { username: 'nobody', password: 'x' } })),
  );
  const statuses = new Set(answers.map(({ status }) => status));
  t.deepEqual(statuses, new Set([400, 503]));
  const refused = answers.find(({ status }) => status === 503);
  t.is(refused?.headers.get('retry-after'), '5');
  t.deepEqual(refused?.body, { detail: 'The server is busy. Try again in a moment.' });
});

test('an address that floods the server with passwords keeps no other out', async (t) => {
  const passwords = createPasswords({ rounds: 10, concurrency: 1, maxQueued: 10 });
  const { call, token } = await openRestServer(t, { passwords, settings: { trustProxy: 1 } });
  await token('alice');
  const from = (address: string, username: string): Promise<{ status: number }> =>
    call('POST', '/login', {
      json: { username, password: goodPassword },
      headers: { 'x-forwarded-for': address },
    });
  const ended: string[] = [];
  const flood = Array.from({ length: 40 }, async (_, n) => {
    const { status } = await from('192.0.2.1', `nobody${n}`);
    ended.push(`flood ${status}`);
    return status;
  });
  // The queue is full from the first refusal on.
  await Promise.race(flood);
  const { status } = await from('192.0.2.2', 'alice');
  ended.push(`alice ${status}`);
  const statuses = await Promise.all(flood);
  t.is(status, 200);
  t.true(statuses.includes(503));
  // Not after all that waited before her.
  t.true(ended.slice(ended.indexOf('alice 200')).includes('flood 400'));
});

test('secrets are in no answer and in no line of the log', async (t) => {
  const { call, log, storage } = await openRestServer(t);
  const json = { username: 'alice', password: 'a very secret one', email: 'alice@example.com' };
  const login = await call('POST', '/login', { json });
  t.is(login.status, 400);
  const answers = [login, await call('POST', '/register', { json })];
  const { token } = (await call('POST', '/login', { json })).body as { token: string };
  answers.push(await call('POST', '/login', { json: { ...json, password: 'a wrong secret' } }));
  answers.push(await call('GET', `/profile?token=${token}&%74oken=${token}`, { token }));
  answers.push(await call('GET', `/nowhere?token=${token}`));
  answers.push(
    await call('POST', '/login', {
      body: '{"password": "a very secret one"',
      headers: { 'content-type': 'application/json' },
    }),
  );
  answers.push(await call('POST', '/logout', { token }));
  const hash = (await storage.users.findByName('alice'))?.passwordHash ?? '';
  const written = log();
  t.true(written.includes('/profile') && written.includes('redacted'));
  for (const secret of [token, 'a very secret one', 'a wrong secret', hash]) {
    t.false(written.includes(secret));
    for (const { text } of answers) t.false(text.includes(secret));
  }
});
