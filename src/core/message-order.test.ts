/** What a session's messages to a room have to do with those of other nodes, which come before them in the log. */
import test from 'ava';
import { message, openMember, openRoomWorld, type RoomWorld } from '../../test/support/room-world.ts';
import { runCommand } from './commands.ts';
import { join } from './join.ts';

const turns = async (): Promise<void> => {
  for (let n = 0; n < 4; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** Somebody whose message `m2` is on its way to the log; what was stored before it is not shown yet. */
async function say(world: RoomWorld) {
  const member = openMember(1);
  await join(world.context, member.session, { type: 'join', room_name: 'friends' });
  const state = { isSettled: false };
  member.session.beginAppend = () => () => void (state.isSettled = true);
  void runCommand(world.context, member.session, { type: 'message', room_name: 'friends', body: 'm2', ref: 'r' });
  world.store.isHeld = true;
  world.store.add(1);
  world.store.add(2);
  return { ...member, state };
}

test('what a session does next waits until its message is shown, behind one of another node', async (t) => {
  const world = openRoomWorld([]);
  const { shown, frames, state } = await say(world);
  world.outcomes[0]?.({ status: 'stored', id: 2, createdAt: 0 });
  await turns();
  t.deepEqual(shown(), ['joined']);
  t.false(state.isSettled);
  world.store.answer();
  await turns();
  t.deepEqual(shown(), ['joined', 'message 1', 'message 2']);
  t.is(frames[2]?.ref, 'r');
  t.true(state.isSettled);
});

test('a message that is sent again is answered when it has been shown, not before', async (t) => {
  const world = openRoomWorld([]);
  const { shown, state } = await say(world);
  world.outcomes[0]?.({ status: 'repeat', id: 2, createdAt: 0 });
  await turns();
  t.deepEqual(shown(), ['joined']);
  t.false(state.isSettled);
  world.store.answer();
  await turns();
  t.deepEqual(shown(), ['joined', 'message 1', 'message 2', 'message 2 repeat']);
  t.true(state.isSettled);
});

test('a room that ends meanwhile keeps nobody waiting', async (t) => {
  for (const status of ['stored', 'repeat'] as const) {
    const world = openRoomWorld([message(0)]);
    const { shown, state } = await say(world);
    world.outcomes[0]?.({ status, id: 2, createdAt: 0 });
    t.false(state.isSettled);
    world.hub.disband(1);
    t.true(state.isSettled);
    t.deepEqual(shown().slice(0, 2), ['joined', 'parted']);
  }
});
