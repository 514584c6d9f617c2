import test from 'ava';
import { FatalError, RequestError } from '../src/client/index.ts';
import {
  createHeldFile,
  createNotedLog,
  createNotedWait,
  FakeClient,
  type HeldFile,
  until,
} from '../test/support/bot-parts.ts';
import { createMemory } from './memory.ts';
import { type Account, stayInChat } from './presence.ts';

const credentials = { username: 'bot', password: 'secret-1' };

function setUp(
  t: { teardown(run: () => Promise<void>): void },
  account: Account,
  prepare: (client: FakeClient) => void = () => {},
  file?: HeldFile,
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
  const exportSession = (): undefined => undefined;
  const memory = createMemory({ file, server: url, account: 'bot', exportSession, log, now: Date.now });
  const done = stayInChat({ client, memory, url, account, rooms: [], log, wait, now, random: () => 1, signal });
  const stop = async (): Promise<void> => {
    control.abort();
    await done;
  };
  t.teardown(stop);
  return { client, log, waits, stop, clock, control, memory };
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

const session = { version: 1 as const, cursor: 's.7', rooms: [] };
const left = { server: 'http://chat:8000', account: 'bot', token: 'kept', session, pending: [] };

test('it goes on with the token and the session that a bot before has left, and leaves them to the next', async (t) => {
  const file = createHeldFile(left);
  const { client, stop, log } = setUp(t, { credentials }, () => {}, file);
  await until(() => client.server.get('friends') === true);
  client.emit('session', { resumed: true });
  await stop();
  t.deepEqual(client.calls, ['connect with kept from s.7', 'join friends', 'suspend']);
  t.deepEqual(file.contents, left);
  t.deepEqual(log.lines.slice(-2), [
    'info: The session goes on where it was: nothing was missed.',
    'info: Not leaving the chat: a bot started within the server’s grace goes on from here.',
  ]);
});

test('a session that is over is said', async (t) => {
  const { client, log } = setUp(t, { credentials }, () => {}, createHeldFile(left));
  await until(() => client.server.get('friends') === true);
  client.emit('session', { resumed: false });
  client.emit('session', { resumed: false });
  t.deepEqual(
    log.lines.filter((line) => line.includes('session')),
    ['warn: The session before is over: what was asked since then is not answered.'],
  );
});

test('a kept token that is refused leads to a log-in, whose token goes on with the session and is kept', async (t) => {
  const file = createHeldFile(left);
  const refuse = ({ connects }: FakeClient): unknown => connects.push(new FatalError('not-authenticated'));
  const { client, stop } = setUp(t, { credentials }, refuse, file);
  await until(() => client.server.get('friends') === true);
  t.deepEqual(client.calls.slice(0, 3), [
    'connect with kept from s.7',
    'login bot',
    'connect with token of bot from s.7',
  ]);
  t.like(file.contents, { token: 'token of bot' });
  await stop();
});

test('a refused FINBOT_TOKEN gives way to the kept one before the bot logs in', async (t) => {
  const refuse = ({ connects }: FakeClient): unknown => connects.push(new FatalError('not-authenticated'));
  const { client } = setUp(t, { credentials, token: 'given' }, refuse, createHeldFile(left));
  await until(() => client.server.get('friends') === true);
  t.deepEqual(client.calls.slice(0, 2), ['connect with given from s.7', 'connect with kept from s.7']);
});

for (const reason of ['resumed-elsewhere', 'already-chatting', 'kicked', 'ended', 'logged-out'] as const) {
  test(`after ${reason} the session is not asked for again`, async (t) => {
    const { client, memory } = setUp(t, { token: 'given' }, () => {}, createHeldFile(left));
    await until(() => client.server.get('friends') === true);
    client.end(reason);
    await until(() => client.server.get('friends') === true);
    t.is(memory.session, undefined);
    t.deepEqual(client.calls.slice(0, 3), ['connect with given from s.7', 'join friends', 'connect with given']);
  });
}

test('a session that is none is not asked for again', async (t) => {
  const broken = ({ connects }: FakeClient): unknown => connects.push(new TypeError('no session'));
  const { client, log } = setUp(t, { token: 'given' }, broken, createHeldFile(left));
  await until(() => client.server.get('friends') === true);
  t.deepEqual(client.calls.slice(0, 2), ['connect with given from s.7', 'connect with given']);
  t.is(log.lines[0], 'warn: The chat ended: no session Trying again now.');
});

test('a stop while it connects leaves the session as it is', async (t) => {
  const file = createHeldFile(left);
  const { client, stop } = setUp(
    t,
    { credentials },
    (own) => {
      own.connect = () => {
        own.calls.push('connect');
        return new Promise(() => {});
      };
    },
    file,
  );
  await until(() => client.calls.length > 0);
  await stop();
  t.deepEqual(client.calls, ['connect', 'suspend']);
  t.deepEqual(file.contents, left);
});

test('while another bot has the state file it borrows the token alone, and takes over when that bot is gone', async (t) => {
  const file = createHeldFile(left);
  file.isTaken = true;
  const inUse = ({ connects }: FakeClient): unknown => connects.push(new FatalError('already-chatting'));
  const { client, control, log, stop } = setUp(t, { credentials }, inUse, file);
  await until(() => client.server.get('friends') === true);
  t.deepEqual(client.calls.slice(0, 2), ['connect with kept', 'connect with kept']);
  t.is(log.lines[0], 'warn: finbot.json is in use. This one goes on without.');
  file.isTaken = false;
  client.end('already-chatting');
  await until(() => client.calls.includes('connect with kept from s.7'));
  t.false(control.signal.aborted);
  await stop();
  t.is(client.calls.at(-1), 'suspend');
});

test('a wait for another bot ends when that bot gives the state file free', async (t) => {
  const file = createHeldFile(left);
  let looks = 0;
  file.claim = () => {
    looks += 1;
    // Two runs, and within the wait after the second.
    if (looks === 3) return { kind: 'ours', contents: left };
    return { kind: 'taken', contents: left, sentence: 'finbot.json is in use.' };
  };
  const inUse = ({ connects }: FakeClient): unknown =>
    connects.push(new FatalError('already-chatting'), new FatalError('already-chatting'));
  const { client, waits } = setUp(t, { token: 'given' }, inUse, file);
  await until(() => client.server.get('friends') === true);
  t.deepEqual(client.calls.slice(0, 3), ['connect with given', 'connect with given', 'connect with given from s.7']);
  // Of the second wait, which is 4 s, half.
  t.deepEqual(waits.slice(0, 2), [2000, 2000]);
});

test('a borrowed token is not ended at the stop', async (t) => {
  const file = createHeldFile(left);
  file.isTaken = true;
  const { client, stop } = setUp(t, { credentials }, () => {}, file);
  await until(() => client.server.get('friends') === true);
  await stop();
  t.is(client.calls.at(-1), 'close');
});
