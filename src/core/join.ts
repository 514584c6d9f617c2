/**
 * Joining a room: where its history and what happens in it meet, without gap or duplicate.
 *
 * At one instant the room begins to hold its frames for the newcomer, and what the newcomer is told (`status`: users,
 * messages, `last_id`) is of that instant. When the messages are at hand, the others see it join, it gets `joined`, then
 * what was held, then what comes. Mostly the messages are in memory and all of it is one step.
 */
import type { HistoryEntry, JoinFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import { roomNameFault } from '../protocol/names.ts';
import { formatStamp } from '../protocol/text.ts';
import type { CommandContext } from './commands.ts';
import { encodeJoined, fitEntries, historyEntry } from './encode.ts';
import type { LiveRoom } from './live-room.ts';
import { passed } from './moving.ts';
import type { Session } from './session.ts';

type Messages = { entries: HistoryEntry[]; truncated: boolean };

export async function join(context: CommandContext, session: Session, frame: JoinFrame): Promise<void> {
  const { room_name: name, ref } = frame;
  try {
    let room = await findRoom(context, session, frame);
    // Dropped or renamed since it was found: look again.
    while (room !== undefined && (context.hub.get(room.id) !== room || room.name !== name)) {
      room = await findRoom(context, session, frame);
    }
    // Stopped meanwhile, with its node: it must not enter what the node has opened since.
    if (session.hasEnded) {
      if (room !== undefined) context.hub.release(room);
    } else if (room === undefined) {
      session.answerError('room:invalid', { name }, ref);
    } else if (session.rooms.has(room.id)) {
      session.answerError('room:already-joined', { name }, ref);
    } else {
      await enter(context, session, room, frame);
    }
  } catch (error: unknown) {
    context.log.error({ err: error, room: name }, 'A room could not be joined.');
    session.answerError('unavailable', undefined, ref);
  }
}

/** The room of that name, loaded if need be, and as far as its newcomer has seen it. */
async function findRoom(
  context: CommandContext,
  session: Session,
  { room_name: name, since, epoch }: JoinFrame,
): Promise<LiveRoom | undefined> {
  const { directory, hub } = context;
  const known = directory.peek(name);
  // A name that no room can have is not worth asking the store, nor, when that fails, a line of the log as long as it.
  if (known === undefined && roomNameFault(name) !== undefined) return undefined;
  const info = known ?? (await directory.find(name));
  const room = info && (hub.get(info.id) ?? (await hub.open(info.id)));
  if (room === undefined) return undefined;
  const seen = session.rooms.seenOf(room.id);
  if (seen > room.gate.position) await passed(room, seen);
  const isAhead = since !== undefined && since > room.gate.position && (epoch ?? room.epoch) === room.epoch;
  if (isAhead) await catchUpTo(context, room, since);
  return room;
}

/** It was shown on another node, perhaps, and is on its way here; or it makes no sense. */
async function catchUpTo({ messages }: CommandContext, room: LiveRoom, id: number): Promise<void> {
  const lastIds = await messages.lastIds([room.id]);
  if (id <= (lastIds.get(room.id) ?? 0)) await passed(room, id);
}

async function enter(context: CommandContext, session: Session, room: LiveRoom, frame: JoinFrame): Promise<void> {
  if (!session.isHeard) {
    // What it has sent after this needs a member, and nothing needs the answer.
    room.add(session);
    session.rooms.enter(room);
    return;
  }
  const hold = room.hold(session);
  const lastId = room.gate.position;
  const users = room.roster.encodedFor(session.username);
  let messages: Messages;
  try {
    messages = fromMemory(session, room, frame) ?? (await fromStore(context, session, room, frame, lastId));
  } catch (error: unknown) {
    room.holds.delete(session);
    context.hub.release(room);
    throw error;
  }
  room.flush();
  if (session.hasEnded) {
    room.holds.delete(session);
    context.hub.release(room);
    return;
  }
  if (context.hub.get(room.id) !== room) {
    session.answerError('room:invalid', { name: frame.room_name }, frame.ref);
    return;
  }
  if (hold.overflowed) {
    room.holds.delete(session);
    context.hub.release(room);
    session.answerError('unavailable', undefined, frame.ref);
    return;
  }
  room.add(session);
  session.rooms.enter(room);
  const status = {
    users: [] as [],
    messages: messages.entries,
    last_id: lastId,
    epoch: room.epoch,
    ...(messages.truncated ? { truncated: true as const } : {}),
  };
  const joined = {
    type: 'room:notification',
    code: 'joined',
    you: true,
    user: session.username,
    room_name: room.name,
    stamp: formatStamp(context.clock.now()),
    status,
    ...(frame.ref === undefined ? {} : { ref: frame.ref }),
  } as const;
  session.pushDirect(encodeJoined(joined, users));
  session.push(hold.frames);
}

/** The messages to begin with, where memory has them. */
function fromMemory(session: Session, room: LiveRoom, frame: JoinFrame): Messages | undefined {
  const since = sinceOf(room, frame);
  if (since === undefined) {
    if (!room.coversNewest) return undefined;
    const entries = room.recent.toReversed().map((message) => historyEntry(message, session.userId));
    return { entries, truncated: frame.since !== undefined };
  }
  if (!room.coversAfter(since)) return undefined;
  const after = room.recent.filter((message) => message.id > since).toReversed();
  const { entries, cut } = fitEntries(after, session.userId, limits.historyBytes);
  return { entries, truncated: cut };
}

/** Undefined: the last messages are wanted, or what the client has makes no sense. */
function sinceOf(room: LiveRoom, { since, epoch }: JoinFrame): number | undefined {
  const isStale = since !== undefined && (since > room.gate.position || (epoch ?? room.epoch) !== room.epoch);
  return isStale ? undefined : since;
}

async function fromStore(
  context: CommandContext,
  session: Session,
  room: LiveRoom,
  frame: JoinFrame,
  lastId: number,
): Promise<Messages> {
  const since = sinceOf(room, frame);
  const page = await context.messages.page(room.id, {
    ...(since === undefined ? {} : { after: since }),
    before: lastId + 1,
    limit: since === undefined ? limits.joinMessages : limits.sinceMessages,
    // As from memory: the last ones are few, and all of them are wanted. A character has three bytes at most.
    maxBytes: since === undefined ? limits.joinMessages * context.bodyLength * 3 : limits.historyBytes,
  });
  if (since === undefined) {
    room.refill(page);
    const entries = page.messages.map((message) => historyEntry(message, session.userId));
    return { entries, truncated: frame.since !== undefined };
  }
  const { entries, cut } = fitEntries(page.messages, session.userId, limits.historyBytes);
  return { entries, truncated: page.more || cut };
}
