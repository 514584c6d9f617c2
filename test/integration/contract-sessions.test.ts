/** What rooms see of a session that is in several of them, and what becomes of a connection that is silent or was replaced. */
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { createTestClock, startApp } from '../support/app.ts';
import { openRawClient } from '../support/raw-client.ts';
import { assertEnded, eachTransport } from '../support/transports.ts';

const rooms = ['family', 'friends', 'investments'];

for (const how of ['closing', 'a cut and its grace', 'being replaced in its grace'] as const) {
  eachTransport(
    test,
    `each room of whoever leaves by ${how} sees one parting, after what was said there`,
    async (t, transport) => {
      const clock = createTestClock();
      const server = await startApp(t, { overrides: { clock } });
      const token = await server.login('alice');
      const alice = await server.chat('alice', { token, transport, resume: true });
      const [everywhere, friend] = [await server.chat('everywhere'), await server.chat('friend')];
      for (const room_name of rooms) await everywhere.ask({ type: 'join', room_name }, { code: 'joined' });
      await friend.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
      for (const room_name of rooms) await alice.ask({ type: 'join', room_name }, { code: 'joined', room_name });
      for (const room_name of rooms) alice.send({ type: 'message', room_name, body: 'last' });
      const isOver = (): boolean => everywhere.frames.filter(({ code }) => code === 'parted').length >= rooms.length;
      if (how === 'closing') await alice.close();
      else {
        await alice.next({ code: 'message', room_name: 'investments' });
        alice.cut();
        // The heartbeats of the others need their answers in between. A poll is missed only after its gap.
        for (let passed = 0; passed < 100_000 && !isOver(); passed += 5000) {
          if (how === 'being replaced in its grace' && passed >= 1000 * limits.pollGapSeconds + 5000) break;
          clock.advance(5000);
          await Promise.all([everywhere.settle(), friend.settle()]);
          if (how === 'being replaced in its grace' && transport !== 'poll') break;
        }
        t.is(isOver(), how !== 'being replaced in its grace');
        if (how === 'being replaced in its grace') await server.chat('alice', { token, transport });
      }
      while (!isOver()) await everywhere.next({ code: 'parted' });
      await Promise.all([everywhere.settle(), friend.settle()]);
      for (const client of [everywhere, friend]) {
        for (const room of client === friend ? ['friends'] : rooms) {
          const seen = client.frames.filter(({ user, room_name }) => user === 'alice' && room_name === room);
          t.deepEqual(
            seen.map(({ code }) => code),
            ['joined', 'message', 'parted'],
            room,
          );
        }
      }
    },
  );
}

test('of a WebSocket whose session goes on elsewhere nothing more is read', async (t) => {
  const server = await startApp(t);
  const token = await server.login('alice');
  const first = await server.chat('alice', { token, resume: true });
  await first.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  // It speaks before its library has seen the close frame behind the fatal.
  first.socket.on('message', (data: Buffer) => {
    if (data.toString().includes('resumed-elsewhere'))
      first.send({ type: 'message', room_name: 'friends', body: 'late' });
  });
  const second = await openRawClient(t, server.url, { transport: 'sse', token, cursor: first.cursor ?? '' });
  await assertEnded(t, first, 'resumed-elsewhere');
  second.send({ type: 'message', room_name: 'friends', body: 'next' });
  t.like(await second.next({ code: 'message' }), { body: 'next', id: 1 });
});

test('a WebSocket that answers no ping is closed, and its session can be resumed until its grace is over', async (t) => {
  const clock = createTestClock();
  const server = await startApp(t, { overrides: { clock } });
  const token = await server.login('alice');
  const bob = await server.chat('bob');
  await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  const alice = await server.chat('alice', { token, resume: true, mute: true });
  await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
  for (let beats = 0; beats < 2; beats += 1) {
    clock.advance(limits.pingIntervalMs);
    await bob.settle();
  }
  t.is((await alice.closed).code, 4408);
  clock.advance(1000 * limits.graceSeconds - 6000);
  await bob.ask({ type: 'message', room_name: 'friends', body: 'missed' }, { code: 'message' });
  const again = await openRawClient(t, server.url, { transport: 'poll', token, cursor: alice.cursor ?? '' });
  t.like(await again.next({ code: 'message' }), { body: 'missed' });
  t.false(bob.frames.some(({ code }) => code === 'parted'));
});
