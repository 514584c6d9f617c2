import test from 'ava';
import { createAccounts } from '../../src/core/accounts.ts';
import { randomText, systemClock } from '../../src/core/clock.ts';
import { createPasswords } from '../../src/core/passwords.ts';
import type { Storage } from '../../src/core/ports.ts';
import { createPostgresDatabase, createSqliteDatabase } from '../support/databases.ts';
import { serviceTest } from '../support/services.ts';
import { type Desk, openDesk } from './command-line.ts';

type UserJson = { username: string; is_superuser: boolean; is_active: boolean };

const strong = 'correct horse 9 battery';
const accountsOn = (storage: Storage) =>
  createAccounts({
    users: storage.users,
    tokens: storage.tokens,
    passwords: createPasswords({ rounds: 4, concurrency: 1, maxQueued: 1 }),
    clock: systemClock,
    random: randomText,
    tokenTtlMs: 1_000_000,
  });

async function createUser(desk: Desk, username: string): Promise<void> {
  await desk.json(['users', 'create', username, '--password-stdin'], { input: `${strong}\n` });
}

test('users are made, listed, found, shown and switched', async (t) => {
  const desk = await openDesk(t);
  t.regex((await desk.run(['users', 'list'])).stdout, /^No users yet\./);
  const made = (await desk.json(['users', 'create', 'ada', '--email', 'ada@example.org', '--password-stdin'], {
    input: strong,
  })) as UserJson;
  t.deepEqual(Object.keys(made), [
    'id',
    'username',
    'email',
    'is_superuser',
    'is_active',
    'created_at',
    'last_login_at',
    'ban',
    'muted_until',
  ]);
  t.like(made, {
    username: 'ada',
    email: 'ada@example.org',
    is_superuser: false,
    is_active: true,
    last_login_at: null,
    ban: null,
    muted_until: null,
  });
  const text = await desk.run(['users', 'create', 'bob', '--password-stdin'], { input: `${strong}\nmore\n` });
  t.deepEqual(text, { code: 0, signal: null, stdout: 'User bob created.\n', stderr: '' });

  const listed = (await desk.json(['users', 'list'])) as UserJson[];
  t.deepEqual(
    listed.map(({ username }) => username),
    ['ada', 'bob'],
  );
  t.like(await desk.json(['users', 'list', '--search', 'EXAMPLE']), [{ username: 'ada' }]);
  t.is((await desk.run(['users', 'list', '--search', 'zzz'])).stdout, 'No such users.\n');
  t.regex((await desk.run(['users', 'list'])).stdout, /^USERNAME +EMAIL +ROLE +STATE +LAST LOGIN\nada +ada@example/);
  t.regex(
    (await desk.run(['users', 'show', 'ADA'])).stdout,
    /\nusername: +ada\nemail: +ada@example\.org\nrole: +user\n/,
  );

  const steps: [command: string, done: RegExp, again: RegExp, after: Partial<UserJson>][] = [
    ['deactivate', /deactivated\.$/, /not active anyway/, { is_active: false }],
    ['activate', /activated\.$/, /active already/, { is_active: true }],
    ['promote', /a superuser now\.$/, /a superuser already/, { is_superuser: true }],
    ['demote', /an ordinary user now\.$/, /an ordinary user anyway/, { is_superuser: false }],
  ];
  for (const [command, done, again, after] of steps) {
    t.regex((await desk.run(['users', command, 'ada'])).stdout.trimEnd(), done);
    t.regex((await desk.run(['users', command, 'ada'])).stdout, again);
    t.like(await desk.json(['users', command, 'ada']), after);
    t.like(await desk.json(['users', 'show', 'ada']), after);
  }
});

test('what cannot be done with a user is said in a sentence', async (t) => {
  const desk = await openDesk(t);
  await createUser(desk, 'ada');
  const cases: [args: string[], input: string, sentence: RegExp][] = [
    [['users', 'show', 'nobody'], '', /^There is no user nobody\. See "finchat users list"/],
    [['users', 'deactivate', 'nobody'], '', /^There is no user nobody\./],
    [['users', 'create', 'ADA', '--password-stdin'], strong, /^There is a user ADA already/],
    [['users', 'create', 'a b', '--password-stdin'], strong, /^The username cannot be taken: Enter a valid username/],
    [['users', 'create', 'eve', '--email', 'eve@', '--password-stdin'], strong, /^The email cannot be taken/],
    [['users', 'create', 'eve'], '', /^There is no terminal to ask on\. Use: .* --password-stdin/],
    [['users', 'create', 'eve', '--password-stdin'], '', /^There was no password on stdin\.$/],
    [['users', 'create', 'eve', '--password-stdin'], '12345\n', /too short.*entirely numeric.*--skip-password-rules/],
    [['users', 'create', 'eve', '--password-stdin'], 'x'.repeat(73), /at most 72 bytes/],
    [['changepassword', 'nobody'], '', /^There is no user nobody\./],
    [
      ['changepassword', 'ada'],
      '',
      /^There is no terminal to ask on\. Use: finchat changepassword ada --password-stdin/,
    ],
    [['changepassword', 'ada', '--password-stdin'], '12345\n', /--skip-password-rules/],
  ];
  for (const [args, input, sentence] of cases) {
    const { code, stdout, stderr } = await desk.run(args, { input });
    t.deepEqual({ code, stdout }, { code: 1, stdout: '' }, args.join(' '));
    t.regex(stderr.trimEnd(), sentence, args.join(' '));
  }
});

test('--skip-password-rules takes a weak password, but none that bcrypt would cut', async (t) => {
  const desk = await openDesk(t);
  const args = ['users', 'create', 'ada', '--password-stdin', '--skip-password-rules'];
  t.is((await desk.run(args, { input: 'x'.repeat(73) })).code, 1);
  t.is((await desk.run(args, { input: '123\n' })).code, 0);
});

test('changepassword sets the password and ends the user’s log-ins', async (t) => {
  const database = await createSqliteDatabase(t);
  const accounts = accountsOn(await database.open());
  await accounts.register({ username: 'ada', password: strong });
  const { token } = await accounts.login({ username: 'ada', password: strong });
  const desk = await openDesk(t, { database: database.url });
  const args = ['changepassword', 'ada', '--password-stdin'];
  t.is((await desk.run(args, { input: 'another good one 7' })).stdout, 'Password of ada changed.\n');
  await t.throwsAsync(accounts.authenticate(token), { name: 'AuthenticationError' });
  await t.throwsAsync(accounts.login({ username: 'ada', password: strong }), { name: 'BadCredentials' });
  await t.notThrowsAsync(accounts.login({ username: 'ada', password: 'another good one 7' }));
});

test('createsuperuser --noinput takes the password from the environment', async (t) => {
  const database = await createSqliteDatabase(t);
  const desk = await openDesk(t, { database: database.url });
  const args = ['createsuperuser', '--noinput', '--username', 'root', '--email', 'root@example.org'];
  const env = { FINCHAT_SUPERUSER_PASSWORD: strong };
  const made = await desk.run(args, { env });
  t.deepEqual(made, { code: 0, signal: null, stdout: 'Superuser created successfully.\n', stderr: '' });
  const { user } = await accountsOn(await database.open()).login({ username: 'root', password: strong });
  t.like(user, { isSuperuser: true, email: 'root@example.org' });

  const again = await desk.run(args, { env });
  t.is(again.code, 1);
  t.regex(again.stderr, /^There is a user root already\..*finchat users promote root/);
  t.is((await desk.run([...args, '--if-not-exists'], { env })).stdout, 'User root exists already.\n');
  t.like(await desk.json([...args, '--if-not-exists']), { username: 'root', is_superuser: true });
  t.like(await desk.json(['createsuperuser', '--no-input', '--username', 'two'], { env }), { email: '' });
  t.is((await desk.run(['users', 'demote', 'root'])).code, 0);
  t.regex(
    (await desk.run([...args, '--if-not-exists'], { env })).stderr,
    /^User root is no superuser\..*promote root\n$/,
  );
});

test('createsuperuser refuses without a terminal, a password, or a good one', async (t) => {
  const desk = await openDesk(t);
  const weak = { FINCHAT_SUPERUSER_PASSWORD: '12345' };
  const noinput = ['createsuperuser', '--noinput', '--username', 'root'];
  t.regex(
    (await desk.run(['createsuperuser'])).stderr,
    /^There is no terminal to ask on\. Use: finchat createsuperuser --noinput --username NAME --email ADDRESS/,
  );
  t.regex((await desk.run(noinput)).stderr, /FINCHAT_SUPERUSER_PASSWORD: set it/);
  const refused = await desk.run(noinput, { env: weak });
  t.is(refused.code, 1);
  t.regex(refused.stderr, /too short.*--skip-password-rules/);
  t.false(refused.stderr.includes('12345'));
  t.regex((await desk.run([...noinput, '--email', 'x'], { env: weak })).stderr, /\S/);
  t.deepEqual(await desk.json(['users', 'list']), []);
  t.is((await desk.run([...noinput, '--skip-password-rules'], { env: weak })).code, 0);
});

test('tokens are made, shown once, listed and revoked', async (t) => {
  const database = await createSqliteDatabase(t);
  const accounts = accountsOn(await database.open());
  const desk = await openDesk(t, { database: database.url });
  await createUser(desk, 'botuser');
  t.regex((await desk.run(['tokens', 'list'])).stdout, /^No tokens\. Make one with/);

  const plain = await desk.run(['tokens', 'create', 'botuser']);
  t.regex(plain.stdout, /^[\w-]{43}\n$/);
  t.regex(plain.stderr, /shown this once/);
  const { user, token: record } = await accounts.authenticate(plain.stdout.trim());
  t.like(user, { username: 'botuser' });
  t.like(record, { label: 'bot', expiresAt: null });

  const ended = await desk.run(['tokens', 'create', 'botuser', '--label', 'quotes', '--days', '2', '--json']);
  t.is(ended.stderr, '');
  const made = JSON.parse(ended.stdout) as { id: number; token: string; expires_at: string; created_at: string };
  t.deepEqual(Object.keys(made), ['id', 'username', 'label', 'created_at', 'last_used_at', 'expires_at', 'token']);
  // The two times are taken one after the other.
  t.true(Math.abs(Date.parse(made.expires_at) - Date.parse(made.created_at) - 2 * 86_400_000) < 60_000);

  await accounts.login({ username: 'botuser', password: strong });
  const listed = (await desk.json(['tokens', 'list'])) as { label: string }[];
  t.deepEqual(
    listed.map(({ label }) => label),
    ['bot', 'quotes'],
  );
  t.is(((await desk.json(['tokens', 'list', 'botuser', '--all'])) as unknown[]).length, 3);
  const table = (await desk.run(['tokens', 'list', '--all'])).stdout;
  t.regex(table, /^ID +USERNAME +LABEL +CREATED +LAST USED +EXPIRES\n/);
  t.regex(table, /botuser +\(log-in\) /);
  t.false(table.includes(made.token));

  const refused = await desk.run(['tokens', 'revoke', String(made.id)]);
  t.deepEqual([refused.code, refused.stdout], [1, '']);
  t.regex(refused.stderr, /--yes/);
  t.is(
    (await desk.run(['tokens', 'revoke', String(made.id), '--yes'])).stdout,
    `Token ${made.id} of botuser revoked.\n`,
  );
  await t.throwsAsync(accounts.authenticate(made.token), { name: 'AuthenticationError' });
  t.like(await desk.json(['tokens', 'revoke', String(record.id), '--yes']), { revoked: { label: 'bot' } });
});

test('what cannot be done with a token is said in a sentence', async (t) => {
  const desk = await openDesk(t);
  await createUser(desk, 'ada');
  const cases: [args: string[], sentence: RegExp][] = [
    [['create', 'nobody'], /^There is no user nobody\./],
    [['create', 'ada', '--label', ' '], /^The label cannot be taken: This field may not be blank\.$/],
    [['create', 'ada', '--days', '36501'], /^The days cannot be taken: Give a whole number from 1 to 36500\.$/],
    [['list', 'nobody'], /^There is no user nobody\./],
    [['revoke', '77', '--yes'], /^There is no token 77\. See "finchat tokens list --all"\.$/],
  ];
  for (const [args, sentence] of cases) {
    const { code, stdout, stderr } = await desk.run(['tokens', ...args]);
    t.deepEqual({ code, stdout }, { code: 1, stdout: '' }, args.join(' '));
    t.regex(stderr.trimEnd(), sentence, args.join(' '));
  }
  await desk.run(['users', 'deactivate', 'ada']);
  t.regex((await desk.run(['tokens', 'create', 'ada'])).stderr, /finchat users activate ada/);
  await desk.run(['users', 'activate', 'ada']);
  await desk.run(['users', 'ban', 'ada']);
  t.regex((await desk.run(['tokens', 'create', 'ada'])).stderr, /^User ada is banned: .*finchat users unban ada/);
});

serviceTest(test, 'postgres', 'users and tokens are made on PostgreSQL alike', async (t, serverUrl) => {
  const database = await createPostgresDatabase(t, serverUrl);
  const desk = await openDesk(t, { database: database.url });
  await createUser(desk, 'ada');
  t.like(await desk.json(['users', 'promote', 'ada']), { is_superuser: true });
  const { id } = (await desk.json(['tokens', 'create', 'ada'])) as { id: number };
  t.like(await desk.json(['tokens', 'revoke', String(id), '--yes']), { revoked: { username: 'ada' } });
  t.is((await desk.run(['users', 'create', 'Ada', '--password-stdin'], { input: strong })).code, 1);
});
