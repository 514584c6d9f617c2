/** Members that move between two nodes, seen from the rooms at both ends; over a bus they are in test/contracts/presence.test.ts. */
import test from 'ava';
import {
  type Member,
  message,
  openMember,
  openRoomWorld,
  type RoomWorld,
  type Shown,
} from '../../test/support/room-world.ts';
import { runCommand } from './commands.ts';
import { join } from './join.ts';
import type { LiveRoom, Receiver } from './live-room.ts';
import type { MemberState } from './member-state.ts';
import { type StoredMessage, StoreError } from './ports.ts';
import type { RosterEntry } from './roster.ts';

const turns = async (count = 4): Promise<void> => {
  for (let n = 0; n < count; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

const asked = { at: 0, roster: undefined };

const range = (to: number): StoredMessage[] => Array.from({ length: to }, (_, index) => message(index + 1));

async function enter({ context }: RoomWorld, id: number): Promise<Member> {
  const member = openMember(id);
  await join(context, member.session, { type: 'join', room_name: 'friends' });
  return member;
}

async function roomOf({ hub }: RoomWorld): Promise<LiveRoom> {
  const room = await hub.open(1);
  if (room === undefined) throw new Error('There is no room.');
  return room;
}

/** The state of user 1, who is alone in the room of a node that has shown so many messages. */
async function stateAfter(shown: number): Promise<MemberState> {
  const world = openRoomWorld(range(shown));
  const { session } = await enter(world, 1);
  return structuredClone((await roomOf(world)).exportMember(session));
}

const shownAs = (frames: readonly Shown[]): string[] =>
  frames.map(({ code, you, user, id, ref, repeat }) =>
    [code, id ?? user, you === true ? 'you' : undefined, ref, repeat && 'repeat'].filter(Boolean).join(' '),
  );

test('what happens while the missed messages are read comes after them', async (t) => {
  const state = await stateAfter(1);
  const world = openRoomWorld(range(60));
  const room = await roomOf(world);
  world.store.isHeld = true;
  const moved = openMember(1, { claim: 2 });
  const moving = room.importMember(moved.session, state, asked);
  await turns();
  t.is(world.store.waiting, 1);
  world.hub.offer(1, message(61), undefined);
  room.add(openMember(2).session);
  t.deepEqual(moved.frames, []);
  world.store.answer();
  t.true(await moving);
  world.hub.offer(1, message(62), undefined);
  await turns();
  t.deepEqual(
    shownAs(moved.frames).filter((line) => !line.startsWith('message')),
    ['joined user-2'],
  );
  t.deepEqual(
    moved.frames.flatMap(({ id }) => id ?? []),
    Array.from({ length: 61 }, (_, index) => index + 2),
  );
  t.true(room.members.has(moved.session));
});

test('its own message that waited for one of another node carries its ref, whoever shows it', async (t) => {
  const former = openRoomWorld([]);
  const { session } = await enter(former, 1);
  former.store.isHeld = true;
  void runCommand(former.context, session, { type: 'message', room_name: 'friends', body: 'm2', ref: 'r' });
  former.outcomes[0]?.({ status: 'stored', id: 2, createdAt: 0 });
  const state = structuredClone((await roomOf(former)).exportMember(session));
  t.is(state.position, 0);
  const world = openRoomWorld(range(2));
  const moved = openMember(1, { claim: 2 });
  t.true(await (await roomOf(world)).importMember(moved.session, state, asked));
  t.deepEqual(shownAs(moved.frames), ['message 1 you', 'message 2 you r']);
});

test('where that was deleted meanwhile, its sender learns of both', async (t) => {
  const held = [{ message: message(2), ref: 'r' }];
  const state = { ...(await stateAfter(1)), held };
  const world = openRoomWorld(range(3));
  world.store.remove(2);
  world.hub.delete(1, 2);
  const moved = openMember(1, { claim: 2 });
  t.true(await (await roomOf(world)).importMember(moved.session, state, asked));
  t.deepEqual(shownAs(moved.frames), ['message 3 you', 'message 2 you r repeat', 'deleted 2']);
});

test('it is told of deletions that it had not been told of, also of those from before the room was live', async (t) => {
  const state = { ...(await stateAfter(5)), deleted: [1] };
  const world = openRoomWorld(range(5));
  for (const id of [1, 2]) world.hub.delete(1, id);
  const room = await roomOf(world);
  world.hub.delete(1, 3);
  const moved = openMember(1, { claim: 2 });
  t.true(await room.importMember(moved.session, state, asked));
  t.deepEqual(shownAs(moved.frames), ['deleted 2', 'deleted 3']);
});

test('it is not a member of a room that has another name or log, or ends meanwhile, and is told so', async (t) => {
  const state = await stateAfter(1);
  for (const change of [{ name: 'others' }, { epoch: 'another' }]) {
    const room = await roomOf(openRoomWorld(range(1)));
    const moved = openMember(1, { claim: 2 });
    t.false(await room.importMember(moved.session, { ...state, ...change }, asked));
    t.deepEqual(shownAs(moved.frames), ['parted user-1 you']);
    t.is(room.roster.size, 0);
  }
  const world = openRoomWorld(range(60));
  const room = await roomOf(world);
  world.store.isHeld = true;
  const moved = openMember(1, { claim: 2 });
  const moving = room.importMember(moved.session, state, asked);
  await turns();
  world.hub.disband(1);
  world.store.answer();
  t.false(await moving);
  t.deepEqual(shownAs(moved.frames), ['parted user-1 you']);
});

test('when the store cannot be asked it is no member, and the others do not take it for one', async (t) => {
  const state = await stateAfter(1);
  const world = openRoomWorld(range(60));
  world.context.messages.range = () => Promise.reject(new StoreError('unavailable', 'away'));
  const room = await roomOf(world);
  const other = openMember(2);
  room.add(other.session);
  const moved = openMember(1, { claim: 2 });
  await t.throwsAsync(room.importMember(moved.session, state, asked), { instanceOf: StoreError });
  await turns();
  t.deepEqual(shownAs(other.frames), ['joined user-1', 'parted user-1']);
  t.deepEqual(room.usernames(), ['user-2']);
  t.is(room.holds.size, 0);
});

/** The room of a node with these users, and the room of the node that one of them leaves, who has seen the same. */
async function openTwo(users: number[]): Promise<{ former: LiveRoom; session: Receiver; room: LiveRoom }> {
  const [there, here] = [openRoomWorld([]), openRoomWorld([])];
  const { session } = await enter(there, 1);
  const [former, room] = [await roomOf(there), await roomOf(here)];
  for (const id of users) former.add(openMember(id).session);
  for (const id of [1, ...users]) room.add(openMember(id).session);
  return { former, session, room };
}

test('who is in the room does not travel where the other node knows the same, and does where it does not', async (t) => {
  const { former, session, room } = await openTwo([2, 3]);
  t.false('users' in former.exportMember(session, room.roster.digest));
  room.add(openMember(4).session);
  t.deepEqual(
    former.exportMember(session, room.roster.digest).users?.map(({ userId }) => userId),
    [1, 2, 3],
  );
  t.is(former.exportMember(session).users?.length, 3);
});

test('whoever comes and goes on the new node while the session is on its way is seen to, once', async (t) => {
  const { former, session, room } = await openTwo([2, 3]);
  const asked = { at: 0, roster: room.roster.moment() };
  const state = structuredClone(former.exportMember(session, room.roster.digest));
  t.is(state.users, undefined);
  const partHere = (userId: number): unknown => room.roster.part(room.roster.get(userId) as RosterEntry);
  const [four, five] = [openMember(4).session, openMember(5).session];
  partHere(2);
  room.add(four);
  room.remove(four, undefined);
  room.add(five);
  partHere(3);
  room.roster.join({ userId: 3, username: 'user-3', session: 'another', claim: 2, node: '' });
  const moved = openMember(1, { claim: 2 });
  t.true(await room.importMember(moved.session, state, asked));
  room.remove(five, undefined);
  room.flush();
  t.deepEqual(shownAs(moved.frames), ['joined user-5', 'parted user-2', 'parted user-5']);
});

test('without a list, and where the room was another one when it was asked for, it is told that it has parted', async (t) => {
  const { former, session, room } = await openTwo([2]);
  const state = former.exportMember(session, room.roster.digest);
  const moved = openMember(1, { claim: 2 });
  t.false(await room.importMember(moved.session, state, asked));
  t.deepEqual(shownAs(moved.frames), ['parted user-1 you']);
});

test('a copy that is dropped is seen to part by nobody', async (t) => {
  const world = openRoomWorld([]);
  const [ann, bob] = [await enter(world, 1), await enter(world, 2)];
  const room = await roomOf(world);
  room.dropMember(bob.session, { node: 'elsewhere', claim: 2 });
  await turns();
  t.deepEqual(shownAs(ann.frames), ['joined user-1 you', 'joined user-2']);
  t.deepEqual(room.usernames(), ['user-1', 'user-2']);
  // Its new node dies before it has said anything.
  room.nodeGone('elsewhere', 0);
  await turns();
  t.deepEqual(shownAs(ann.frames).at(-1), 'parted user-2');
});
