/** What a room makes of what other nodes say of their members; over a bus it is in test/contracts/presence.test.ts. */
import test from 'ava';
import { createManualTimers } from '../../test/support/manual-timers.ts';
import { openMember } from '../../test/support/room-world.ts';
import { systemClock } from './clock.ts';
import { LiveRoom } from './live-room.ts';
import type { Clock, MessageStore } from './ports.ts';
import type { RoomMember } from './roster.ts';
import { createTurn } from './turn.ts';

/** A room without messages, with user 1 in it. */
function openRoom() {
  const timers = createManualTimers();
  const clock: Clock = {
    ...systemClock,
    now: () => timers.now(),
    after(ms, run) {
      const handle = timers.setTimeout(run, ms);
      return () => timers.clearTimeout(handle);
    },
  };
  const turn = createTurn(clock);
  const store = {} as MessageStore;
  const info = { id: 1, name: 'friends', epoch: 'e', lastId: 0, messages: [] };
  const room = new LiveRoom({ ...info, clock, turn, store, onDelivered() {} });
  const member = openMember(1);
  room.add(member.session);
  /** What user 1 was shown since it was asked last. */
  const shown = (): string[] => {
    room.flush();
    return member.frames.splice(0).map(({ code, user, command }) => `${code} ${command ?? user}`);
  };
  const tell = (members: RoomMember[], n = 0): void => room.receive('b', { kind: 'roster', at: 0, n, members });
  return { room, timers, shown, tell };
}

const user2: RoomMember = { userId: 2, username: 'user-2', session: 's', claim: 1 };

test('a member that its node says nothing of parts after a second, unless it is told of again before', (t) => {
  const { timers, shown, tell } = openRoom();
  tell([user2]);
  t.deepEqual(shown(), ['joined user-2']);
  tell([]);
  timers.advance(900);
  tell([user2]);
  timers.advance(2_000);
  t.deepEqual(shown(), []);
  tell([]);
  timers.advance(900);
  t.deepEqual(shown(), []);
  timers.advance(100);
  t.deepEqual(shown(), ['parted user-2']);
});

test('commands that a node relayed before it said who is here are not shown', (t) => {
  const { room, shown, tell } = openRoom();
  const command = { userId: 2, username: 'user-2', payload: '', createdAt: 0 };
  tell([user2], 5);
  shown();
  room.receive('b', { kind: 'command', at: 0, n: 5, command: { ...command, command: 'before' } });
  room.receive('b', { kind: 'command', at: 0, n: 6, command: { ...command, command: 'after' } });
  t.deepEqual(shown(), ['custom after']);
});
