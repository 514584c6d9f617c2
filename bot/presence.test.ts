import test from 'ava';
import { FatalError, RequestError } from '../src/client/index.ts';
import { createNotedLog, createNotedWait, FakeClient, until } from '../test/support/bot-parts.ts';
import { type Account, stayInChat } from './presence.ts';

const credentials = { username: 'bot', password: 'secret-1' };

function setUp(
  t: { teardown(run: () => Promise<void>): void },
  account: Account,
  prepare: (client: FakeClient) => void = () => {},
) {
  const client = new FakeClient();
  client.server.set('friends', false);
  client.token = account.token;
  const log = createNotedLog();
  const { wait, waits } = createNotedWait();
  const control = new AbortController();
  const { signal } = control;
  prepare(client);
  const clock = { ms: 0 };
  const now = (): number => clock.ms;
  const url = 'http://chat:8000';
  const done = stayInChat({ client, url, account, rooms: [], log, wait, now, random: () => 1, signal });
  const stop = async (): Promise<void> => {
    control.abort();
    await done;
  };
  t.teardown(stop);
  return { client, log, waits, stop, clock };
}

test('it logs in, connects and joins; at the stop it leaves, ends its token and listens no more', async (t) => {
  const { client, stop } = setUp(t, { credentials });
  await until(() => client.server.get('friends') === true);
  await stop();
  t.deepEqual(client.calls, ['login bot', 'connect with token of bot', 'join friends', 'close', 'logout token of bot']);
  t.is(client.listening, 0);
});

test('with a token it does not log in, and does not end the token', async (t) => {
  const { client, stop } = setUp(t, { credentials, token: 'given' });
  await until(() => client.server.get('friends') === true);
  await stop();
  t.deepEqual(client.calls, ['connect with given', 'join friends', 'close']);
});

test('a token that expires leads to a log-in at once', async (t) => {
  const { client, log } = setUp(t, { credentials, token: 'given' });
  await until(() => client.server.get('friends') === true);
  client.end('not-authenticated');
  await until(() => client.server.get('friends') === true);
  t.deepEqual(client.calls, [
    'connect with given',
    'join friends',
    'login bot',
    'connect with token of bot',
    'join friends',
  ]);
  t.true(log.lines.includes('warn: The token is no longer valid, so the bot logs in. Trying again now.'));
});

test('a fresh token that is refused does not lead to a tight loop', async (t) => {
  const { client, waits } = setUp(t, { credentials }, ({ connects }) => {
    for (let i = 0; i < 4; i += 1) connects.push(new FatalError('not-authenticated'));
  });
  await until(() => client.server.get('friends') === true);
  t.deepEqual(waits.slice(0, 4), [2000, 4000, 8000, 16_000]);
});

test('a token that is refused, without a password, is said with growing waits', async (t) => {
  const { client, log, waits } = setUp(t, { token: 'given' }, ({ connects }) => {
    for (let i = 0; i < 10; i += 1) connects.push(new FatalError('not-authenticated'));
  });
  await until(() => client.server.get('friends') === true);
  t.is(
    log.lines[0],
    'warn: The server does not accept FINBOT_TOKEN: it is unknown, expired or revoked. Make a new one. Trying again in 2 s.',
  );
  t.deepEqual(
    waits.slice(0, 10),
    [2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1000),
  );
  t.is(client.token, 'given');
});

test('an account in use is said, and tried again', async (t) => {
  const { client, log } = setUp(t, { token: 'given' }, ({ connects }) =>
    connects.push(new FatalError('already-chatting'), new FatalError('already-chatting')),
  );
  await until(() => client.server.get('friends') === true);
  const sentence = 'warn: The bot’s account is chatting elsewhere: is another bot running with it? Trying again in';
  t.deepEqual(log.lines.slice(0, 2), [`${sentence} 2 s.`, `${sentence} 4 s.`]);
});

test('a log-in that fails says why', async (t) => {
  const { client, log } = setUp(t, { credentials }, ({ logins }) =>
    logins.push(
      new RequestError(0, {}, undefined),
      new RequestError(400, { non_field_errors: ['Unable to log in.'] }, undefined),
      new RequestError(429, {}, 'Wait.'),
      new RequestError(503, {}, 'No database.'),
    ),
  );
  await until(() => client.server.get('friends') === true);
  t.deepEqual(log.lines.slice(0, 4), [
    'warn: http://chat:8000 cannot be reached for the log-in. Trying again in 2 s.',
    'warn: The server refuses FINBOT_USERNAME and FINBOT_PASSWORD: Unable to log in. Trying again in 4 s.',
    'warn: The server asks for a pause before the next log-in: Wait. Trying again in 8 s.',
    'warn: The log-in failed with status 503: No database. Trying again in 16 s.',
  ]);
  for (const line of log.lines) t.false(line.includes(credentials.password));
});

test('after a long chat the waits begin anew', async (t) => {
  const { client, clock, waits } = setUp(t, { token: 'given' }, ({ connects }) =>
    connects.push(new FatalError('already-chatting'), new FatalError('already-chatting')),
  );
  await until(() => client.server.get('friends') === true);
  clock.ms = 60_000;
  client.end('kicked');
  await until(() => client.server.get('friends') === true);
  t.deepEqual(
    waits.filter((ms) => ms !== 60_000),
    [2000, 4000, 2000],
  );
});

test('a lost connection is said once until it is back', async (t) => {
  const { client, log } = setUp(t, { token: 'given' });
  await until(() => client.server.get('friends') === true);
  log.lines.length = 0;
  client.emit('state', { state: 'waiting', previous: 'open' });
  client.emit('state', { state: 'connecting', previous: 'waiting' });
  client.emit('state', { state: 'waiting', previous: 'connecting' });
  client.emit('state', { state: 'open', previous: 'connecting' });
  client.emit('state', { state: 'waiting', previous: 'connecting' });
  t.deepEqual(log.lines, [
    'warn: The connection is gone: trying until it is back.',
    'info: In the chat of http://chat:8000.',
    'warn: http://chat:8000 cannot be reached: trying until it is back.',
  ]);
});
