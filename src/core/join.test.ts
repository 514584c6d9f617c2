import test from 'ava';
import { message, openMember, openRoomWorld } from '../../test/support/room-world.ts';
import { limits } from '../protocol/limits.ts';
import { systemClock } from './clock.ts';
import { type CommandContext, runCommand } from './commands.ts';
import { createCounters } from './counters.ts';
import { Hub } from './hub.ts';
import { join } from './join.ts';
import type { LiveRoom, Receiver } from './live-room.ts';
import type { LogOutcome, MessageLog } from './message-log.ts';
import { Mutes } from './mutes.ts';
import type { MessageStore } from './ports.ts';
import { RoomDirectory } from './rooms.ts';
import type { Session } from './session.ts';
import { SessionRooms } from './session-rooms.ts';
import type { EncodedFrame } from './transport.ts';
import { createTurn } from './turn.ts';

const friends = { id: 1, name: 'friends', topic: '', epoch: 'first' };

/** A hub over a store with one empty room. */
function openHub(
  snapshot: MessageStore['snapshot'] = () => Promise.resolve({ lastId: 0, messages: [] }),
  others: Partial<MessageStore> = {},
) {
  const directory = new RoomDirectory(() => Promise.resolve());
  directory.reset([friends]);
  const turn = createTurn(systemClock);
  const store = { snapshot, ...others } as Partial<MessageStore> as MessageStore;
  const hub = new Hub({ clock: systemClock, turn, store, directory, onDelivered() {} });
  const log = { error() {} };
  const context = {
    clock: systemClock,
    turn,
    hub,
    directory,
    log,
    counters: createCounters(),
    mutes: new Mutes(systemClock),
    bodyLength: 100,
  } as Partial<CommandContext> as CommandContext;
  return { hub, directory, context };
}

type Shown = { code: string; id?: number; you?: boolean; ref?: string; repeat?: true };

function newSession(userId: number): {
  session: Session & Receiver;
  rooms: SessionRooms;
  answers: string[];
  shown: Shown[];
} {
  const shown: Shown[] = [];
  const answers: string[] = [];
  const rooms = new SessionRooms();
  const session = {
    userId,
    username: `user-${userId}`,
    key: `session-${userId}`,
    claim: 1,
    rooms,
    isHeard: true,
    push: (frames: readonly EncodedFrame[]) =>
      shown.push(...frames.map((frame) => JSON.parse(frame.bytes.toString()) as Shown)),
    beginAppend: () => () => {},
    flush() {},
    onDisbanded: (room: LiveRoom) => rooms.exit(room),
    answer: (frame: Shown) => shown.push(frame),
    pushDirect(frame: EncodedFrame) {
      const answer = JSON.parse(frame.bytes.toString()) as Shown;
      shown.push(answer);
      answers.push(answer.code);
    },
    answerError: (code: string) => answers.push(code),
  };
  return { session: session as unknown as Session & Receiver, rooms, answers, shown };
}

test('a room that is dropped, renamed or begun anew at any moment of a join is joined as it is then', async (t) => {
  for (let steps = 0; steps < 10; steps++) {
    for (const event of ['dropped', 'renamed', 'begun anew'] as const) {
      const { hub, directory, context } = openHub();
      const first = newSession(1);
      await join(context, first.session, { type: 'join', room_name: 'friends' });
      const second = newSession(2);
      const joining = join(context, second.session, { type: 'join', room_name: 'friends' });
      for (let step = 0; step < steps; step++) await Promise.resolve();
      const room = hub.get(1);
      if (event === 'dropped' && room !== undefined) {
        room.remove(first.session, undefined);
        hub.release(room);
      } else if (event !== 'dropped') {
        hub.disband(1);
        directory.put(event === 'renamed' ? { ...friends, name: 'others' } : { ...friends, epoch: 'second' });
      }
      await joining;
      const label = `${event} ${steps} steps after the join began`;
      const live = hub.get(1);
      const isMember = second.rooms.get(1) !== undefined;
      t.is(isMember, live !== undefined && live.members.has(second.session) && live === second.rooms.get(1), label);
      // A rename, or a new log, parts those who were in the room by then: the join had been answered before.
      if (event === 'dropped') t.true(isMember, label);
      if (event === 'renamed') t.false(isMember, label);
      t.deepEqual(
        second.answers,
        [event === 'renamed' && !second.answers.includes('joined') ? 'room:invalid' : 'joined'],
        label,
      );
    }
  }
});

test('a room that is begun anew while it is loaded is loaded again', async (t) => {
  let loads = 0;
  const { hub, directory, context } = openHub(async (_id, limit) => {
    t.is(limit, limits.joinMessages);
    loads += 1;
    if (loads === 1) {
      await Promise.resolve();
      hub.disband(1);
      directory.put({ ...friends, epoch: 'second' });
    }
    return { lastId: 0, messages: [] };
  });
  const { session, rooms, answers } = newSession(1);
  await join(context, session, { type: 'join', room_name: 'friends' });
  t.deepEqual(answers, ['joined']);
  t.is(rooms.get(1)?.epoch, 'second');
  t.is(loads, 2);
});

test('a message that is found in the store before its outcome is known is shown once, and its sender learns of its ref', async (t) => {
  const stored = { id: 1, userId: 1, username: 'user-1', body: 'hello', createdAt: 0 };
  const { hub, context } = openHub(undefined, {
    lastIds: () => Promise.resolve(new Map([[1, 1]])),
    range: () => Promise.resolve([stored]),
  });
  const outcomes: ((outcome: LogOutcome) => void)[] = [];
  context.messageLog = { append: (_entry, done) => outcomes.push(done) } as Partial<MessageLog> as MessageLog;
  const { session, shown } = newSession(1);
  await join(context, session, { type: 'join', room_name: 'friends' });
  void runCommand(context, session, { type: 'message', room_name: 'friends', body: 'hello', ref: 'r' });
  hub.doubt([1]);
  await hub.reconcile();
  await new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
  for (const done of outcomes) done({ status: 'stored', id: 1, createdAt: 0 });
  await new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
  const messages = shown.filter((frame) => frame.code === 'message');
  t.deepEqual(
    messages.map(({ id, you, ref, repeat }) => ({ id, you, ref, repeat })),
    [
      { id: 1, you: true, ref: undefined, repeat: undefined },
      { id: 1, you: true, ref: 'r', repeat: true },
    ],
  );
});

test('who has seen more of a room than its node has shown joins when that has come as far', async (t) => {
  for (const how of ['since', 'left before'] as const) {
    const { store, hub, context } = openRoomWorld([message(1)]);
    const [first, second] = [openMember(1), openMember(2)];
    await join(context, first.session, { type: 'join', room_name: 'friends' });
    // Stored by another node, which has shown it.
    store.add(2);
    if (how === 'left before') second.session.rooms.exit({ id: 1, gate: { position: 2 } } as LiveRoom);
    await join(context, second.session, {
      type: 'join',
      room_name: 'friends',
      ...(how === 'since' ? { since: 2, epoch: 'e' } : {}),
    });
    const { status } = second.frames[0] ?? {};
    t.is(status?.last_id, 2, how);
    t.is(status?.truncated, undefined, how);
    t.deepEqual(
      status?.messages.map(({ id }) => id),
      how === 'since' ? [] : [2, 1],
    );
    t.is(hub.get(1)?.gate.position, 2);
  }
});

test('who claims to have seen what nobody has said is told that it makes no sense', async (t) => {
  const { context } = openRoomWorld([message(1)]);
  const { session, frames } = openMember(1);
  await join(context, session, { type: 'join', room_name: 'friends', since: 7, epoch: 'e' });
  t.is(frames[0]?.status?.last_id, 1);
  t.true(frames[0]?.status?.truncated);
});

test('a session that ended with its node, while a join of it waited, is in no room that the node opens afterwards', async (t) => {
  let isHeld = true;
  let answer: () => void = () => {};
  const lastIds = async (): Promise<Map<number, number>> => {
    if (isHeld) await new Promise<void>((resolve) => (answer = resolve));
    return new Map([[1, 0]]);
  };
  const { hub, context } = openHub(undefined, { lastIds });
  Object.assign(context, { messages: { lastIds } });
  const first = newSession(1);
  await join(context, first.session, { type: 'join', room_name: 'friends' });
  const gone = newSession(2);
  const joining = join(context, gone.session, { type: 'join', room_name: 'friends', since: 5 });
  hub.dropAll();
  Object.assign(gone.session, { hasEnded: true });
  const next = newSession(3);
  await join(context, next.session, { type: 'join', room_name: 'friends' });
  isHeld = false;
  answer();
  await joining;
  t.deepEqual(
    Array.from(hub.get(1)?.members ?? [], ({ username }) => username),
    ['user-3'],
  );
});

/** Characters that become JSON while so many join one room. */
async function encodedInJoins(count: number): Promise<number> {
  const { context } = openRoomWorld([]);
  const members = Array.from({ length: count }, (_, index) => openMember(index + 1));
  const { stringify } = JSON;
  let characters = 0;
  JSON.stringify = ((value: unknown): string => {
    const text = stringify(value);
    characters += text.length;
    return text;
  }) as typeof stringify;
  try {
    for (const { session } of members) await join(context, session, { type: 'join', room_name: 'friends' });
  } finally {
    JSON.stringify = stringify;
  }
  return characters;
}

test.serial(
  'what is encoded when many join one room grows as they do, although each is shown all who are there',
  async (t) => {
    const [few, many] = [await encodedInJoins(50), await encodedInJoins(200)];
    t.true(few > 50 * 100, 'what is encoded is counted');
    t.true(many < few * 4.5, `${few} characters for 50, ${many} for 200`);
  },
);
