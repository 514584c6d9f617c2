/** A deleted message at every moment of its life here: nobody is shown it afterwards, and those who were shown it are told. */
import test from 'ava';
import { type Member, message, openMember, openRoomWorld, type Shown } from '../../test/support/room-world.ts';
import { limits } from '../protocol/limits.ts';
import { type CommandContext, runCommand } from './commands.ts';
import { join } from './join.ts';
import type { StoredMessage } from './ports.ts';

async function enter(context: CommandContext, since?: number, id = 2): Promise<Member> {
  const member = openMember(id);
  await join(context, member.session, {
    type: 'join',
    room_name: 'friends',
    ...(since === undefined ? {} : { since }),
  });
  return member;
}

const turns = async (count = 4): Promise<void> => {
  for (let n = 0; n < count; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

const range = (from: number, to: number): StoredMessage[] =>
  Array.from({ length: to - from + 1 }, (_, index) => message(from + index));

const idsOf = (frame: Shown | undefined): number[] => frame?.status?.messages.map(({ id }) => id) ?? [];

test('members are told once, after the message and before what came later in the same turn', async (t) => {
  const { hub, context } = openRoomWorld([]);
  const { shown } = await enter(context);
  hub.offer(1, message(1), undefined);
  hub.delete(1, 1);
  hub.offer(1, message(2), undefined);
  await turns();
  t.deepEqual(shown(), ['joined', 'message 1', 'deleted 1', 'message 2']);
});

test('a message that was shown is in no later join, whether memory or the store answers it', async (t) => {
  const { store, hub, context } = openRoomWorld(range(1, 60));
  await enter(context);
  store.remove(30);
  hub.delete(1, 30);
  const [{ frames: fresh }, { frames: next }, { frames: since }] = [
    await enter(context, undefined, 3),
    await enter(context, undefined, 4),
    await enter(context, 25, 5),
  ];
  const newest = [...range(10, 29), ...range(31, 60)].map(({ id }) => id).toReversed();
  t.is(newest.length, limits.joinMessages);
  t.deepEqual(idsOf(fresh[0]), newest);
  t.deepEqual(idsOf(next[0]), newest);
  t.deepEqual(idsOf(since[0]), newest.slice(0, 34));
});

test('memory that a deletion has left short is filled up again by the next join', async (t) => {
  const { store, hub, context } = openRoomWorld(range(1, limits.joinMessages));
  await enter(context);
  store.remove(7);
  hub.delete(1, 7);
  await enter(context, undefined, 3);
  store.isHeld = true;
  // From memory, since the store does not answer.
  const { frames } = await enter(context, undefined, 4);
  t.is(idsOf(frames[0]).length, limits.joinMessages - 1);
  hub.offer(1, message(limits.joinMessages + 1), undefined);
  hub.offer(1, message(limits.joinMessages + 2), undefined);
  const later = await enter(context, undefined, 5);
  t.deepEqual(idsOf(later.frames[0]).slice(-2), [3, 2]);
});

test('who knows of more than there is gets the newest messages and is told so, from the store as well', async (t) => {
  const { store, hub, context } = openRoomWorld(range(1, 60));
  await enter(context);
  store.remove(30);
  hub.delete(1, 30);
  for (const id of [3, 4]) {
    const { frames } = await enter(context, 1_000, id);
    t.is(idsOf(frames[0]).length, limits.joinMessages);
    t.true(frames[0]?.status?.truncated);
  }
});

test('what is deleted while memory is filled up again does not come back with it', async (t) => {
  const { store, hub, context } = openRoomWorld(range(1, 60));
  await enter(context);
  store.remove(30);
  hub.delete(1, 30);
  store.isHeld = true;
  const joining = enter(context, undefined, 3);
  await turns(1);
  // The one before those in memory, which the read is to bring.
  store.remove(10);
  hub.delete(1, 10);
  store.answer();
  const { frames, shown } = await joining;
  t.is(idsOf(frames[0]).at(-1), 10);
  await turns();
  t.deepEqual(shown(), ['joined', 'deleted 10']);
  store.isHeld = false;
  const { frames: next } = await enter(context, undefined, 4);
  t.deepEqual(idsOf(next[0]).slice(-2), [11, 9]);
});

test('a message deleted while a join reads it is followed by its deletion', async (t) => {
  const { store, hub, context } = openRoomWorld(range(1, 60));
  await enter(context);
  store.isHeld = true;
  const joining = enter(context, 1, 3);
  await turns(1);
  store.remove(5);
  hub.delete(1, 5);
  store.answer();
  const { frames, shown } = await joining;
  t.true(idsOf(frames[0]).includes(5));
  await turns();
  t.deepEqual(shown(), ['joined', 'deleted 5']);
});

test('a message deleted while its room is loaded is not in the room', async (t) => {
  const { store, hub, context } = openRoomWorld(range(1, 3));
  store.isHeld = true;
  const joining = enter(context);
  await turns(1);
  store.remove(2);
  hub.delete(1, 2);
  store.answer();
  const { frames } = await joining;
  t.deepEqual(idsOf(frames[0]), [3, 1]);
});

test('a message deleted while a page of history is read is not on it', async (t) => {
  const { store, hub, context } = openRoomWorld(range(1, 60));
  const { session, frames, shown } = await enter(context);
  store.isHeld = true;
  const reading = runCommand(context, session, { type: 'history', room_name: 'friends', before: 8 });
  store.remove(5);
  hub.delete(1, 5);
  store.answer();
  await reading;
  t.deepEqual(shown(), ['joined', 'deleted 5', 'history']);
  t.deepEqual(
    frames[2]?.messages?.map(({ id }) => id),
    [7, 6, 4, 3, 2, 1],
  );
});

test('a message deleted before it could be shown is shown to nobody, and what follows is', async (t) => {
  const { store, hub, context } = openRoomWorld([]);
  const { shown } = await enter(context);
  store.isHeld = true;
  store.add(1);
  store.add(2);
  hub.offer(1, message(3), undefined);
  // The hole below it is being read: 1 and 3 wait.
  hub.delete(1, 1);
  hub.delete(1, 3);
  store.answer();
  store.isHeld = false;
  hub.offer(1, message(4), undefined);
  await turns();
  t.deepEqual(shown(), ['joined', 'message 2', 'message 4']);
});

test('its sender alone learns that it was stored and is deleted', async (t) => {
  const { hub, context, outcomes } = openRoomWorld([]);
  const { session, shown, frames } = await enter(context, undefined, 1);
  const other = await enter(context, undefined, 2);
  void runCommand(context, session, { type: 'message', room_name: 'friends', body: 'm1', ref: 'r' });
  hub.delete(1, 1);
  outcomes[0]?.({ status: 'stored', id: 1, createdAt: 0 });
  await turns();
  t.deepEqual(shown(), ['joined', 'joined', 'message 1 repeat', 'deleted 1']);
  t.is(frames[2]?.ref, 'r');
  t.deepEqual(other.shown(), ['joined']);
});

test('so does the sender of one that was passed over as missing in the store', async (t) => {
  const { store, hub, context, outcomes } = openRoomWorld([]);
  const { session, shown } = await enter(context, undefined, 1);
  void runCommand(context, session, { type: 'message', room_name: 'friends', body: 'm1', ref: 'r' });
  store.add(1);
  store.add(2);
  store.remove(1);
  hub.delete(1, 1);
  hub.doubt([1]);
  await hub.reconcile();
  await turns();
  outcomes[0]?.({ status: 'stored', id: 1, createdAt: 0 });
  await turns();
  t.deepEqual(shown(), ['joined', 'message 2', 'message 1 repeat', 'deleted 1']);
});

test('so does the sender of one that is sent again and deleted while the answer is on its way', async (t) => {
  const { hub, context, outcomes } = openRoomWorld(range(1, 1));
  const { session, shown } = await enter(context, undefined, 1);
  void runCommand(context, session, { type: 'message', room_name: 'friends', body: 'm1', ref: 'r' });
  hub.delete(1, 1);
  outcomes[0]?.({ status: 'repeat', id: 1, createdAt: 0 });
  await turns();
  t.deepEqual(shown(), ['joined', 'deleted 1', 'message 1 repeat', 'deleted 1']);
});

test('deletions that nobody was told of are found by a comparison with the store', async (t) => {
  const { store, hub, context } = openRoomWorld(range(1, 5));
  const { shown } = await enter(context);
  store.remove(2);
  store.remove(5);
  await hub.recheck();
  await turns();
  t.deepEqual(shown(), ['joined', 'deleted 2', 'deleted 5']);
  await hub.recheck();
  hub.delete(1, 5);
  await turns();
  t.is(shown().length, 3);
});

test('so are those in a room that was being loaded', async (t) => {
  const { store, hub, context } = openRoomWorld(range(1, 3));
  store.isHeld = true;
  const joining = enter(context);
  await turns(1);
  store.remove(2);
  const checking = hub.recheck();
  store.isHeld = false;
  store.answer();
  const { shown } = await joining;
  await checking;
  await turns();
  t.deepEqual(shown(), ['joined', 'deleted 2']);
});

test('its sender gets what others said before it first', async (t) => {
  const { hub, context, outcomes } = openRoomWorld([]);
  const { session, shown } = await enter(context, undefined, 1);
  void runCommand(context, session, { type: 'message', room_name: 'friends', body: 'm2', ref: 'r' });
  hub.delete(1, 2);
  hub.offer(1, { ...message(1), userId: 2 }, undefined);
  outcomes[0]?.({ status: 'stored', id: 2, createdAt: 0 });
  await turns();
  t.deepEqual(shown(), ['joined', 'message 1', 'message 2 repeat', 'deleted 2']);
});

test('a room remembers its last thousand deletions', async (t) => {
  const { hub, context } = openRoomWorld(range(1, 3));
  await enter(context);
  for (let id = 1; id <= 1002; id += 1) hub.delete(1, id);
  const remembered = Array.from(hub.get(1)?.deleted ?? []);
  t.deepEqual([remembered.length, remembered[0], remembered.at(-1)], [1000, 3, 1002]);
});
