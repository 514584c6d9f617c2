import test from 'ava';
import { createNotedLog, createNotedWait, FakeClient, until } from '../test/support/bot-parts.ts';
import { keepRooms } from './rooms.ts';

function setUp(
  t: { teardown(run: () => Promise<void>): void },
  rooms: string[],
  wanted: string[],
  inside: string[] = [],
) {
  const client = new FakeClient();
  for (const room of rooms) client.server.set(room, inside.includes(room));
  const log = createNotedLog();
  const { wait, waits } = createNotedWait();
  const control = new AbortController();
  const done = keepRooms({ client, wanted, log, wait, signal: control.signal }, { last: '' });
  const stop = async (): Promise<void> => {
    control.abort();
    await done;
  };
  t.teardown(stop);
  const looks = (): number => waits.filter((ms) => ms === 60_000).length;
  return { client, log, stop, looks };
}

test('without names it joins all rooms, and one that appears later at the next look', async (t) => {
  const { client, log, looks } = setUp(t, ['family', 'friends'], []);
  await until(() => looks() === 1);
  t.deepEqual(log.lines, ['info: In the rooms family, friends.']);
  client.server.set('new', false);
  client.emit('state', { state: 'open', previous: 'connecting' });
  await until(() => looks() === 2);
  t.deepEqual(client.calls, ['join family', 'join friends', 'join new']);
  t.is(log.lines[1], 'info: In the rooms family, friends, new.');
});

test('with names it joins those only, says which are missing, and joins them when they appear', async (t) => {
  const { client, log, looks } = setUp(t, ['family', 'friends'], ['friends', 'nowhere']);
  await until(() => looks() === 1);
  t.deepEqual(client.calls, ['join friends']);
  t.deepEqual(log.lines, [
    'warn: In the room friends. There is no room named nowhere. It is looked for again every minute.',
  ]);
  client.server.set('nowhere', false);
  client.emit('state', { state: 'open', previous: 'connecting' });
  await until(() => looks() === 2);
  t.is(log.lines[1], 'info: In the rooms friends, nowhere.');
});

test('no room to be in is said once, and it goes on looking', async (t) => {
  const { client, log, looks } = setUp(t, ['friends'], ['nowhere']);
  await until(() => looks() === 1);
  client.emit('state', { state: 'open', previous: 'connecting' });
  await until(() => looks() === 2);
  t.deepEqual(log.lines, [
    'error: None of FINBOT_ROOMS exists (nowhere), so there is nobody to answer. Looking again every minute.',
  ]);
  t.deepEqual(client.calls, []);
});

test('a server without rooms is said', async (t) => {
  const { log, looks } = setUp(t, [], []);
  await until(() => looks() === 1);
  t.deepEqual(log.lines, ['error: The server has no rooms, so there is nobody to answer. Looking again every minute.']);
});

test('a room that was lost is looked for again, others’ leaving is not its business', async (t) => {
  const { client, looks } = setUp(t, ['friends'], []);
  await until(() => looks() === 1);
  client.server.set('friends', false);
  client.emit('parted', { room: 'friends', user: 'ann', you: false, stamp: '' });
  client.emit('parted', { room: 'friends', user: 'bot', you: true, stamp: '' });
  await until(() => looks() === 2);
  t.deepEqual(client.calls, ['join friends', 'join friends']);
});

test('a room in which the client is again by itself is no trouble', async (t) => {
  const { client, log, looks } = setUp(t, ['friends'], []);
  const join = client.join.bind(client);
  client.join = async (name) => {
    await join(name);
    return join(name);
  };
  await until(() => looks() === 1);
  t.deepEqual(log.lines, ['info: In the room friends.']);
});

test('after the stop nothing listens', async (t) => {
  const { client, stop, looks } = setUp(t, ['friends'], []);
  await until(() => looks() === 1);
  await stop();
  t.is(client.listening, 0);
});

test('a room that it is in from before and that is not wanted any more is left', async (t) => {
  const { client, log, looks } = setUp(t, ['family', 'friends'], ['friends'], ['family', 'friends']);
  await until(() => looks() === 1);
  t.deepEqual(client.calls, ['part family']);
  t.deepEqual(log.lines, ['info: In the room friends.']);
});
