/**
 * What a room does for a session that moves from one node to another, so that it sees everything once: one node notes
 * what the session has seen, the other makes up for the difference to what it has shown itself. It must not know how the
 * state travels.
 *
 * At one instant the room here has come at least as far as the session had; what happens afterwards is held, as for a
 * join. What the session gets is the difference between the two lists of members, the messages and commands since, then
 * what was held.
 *
 * The list of a large room does not travel where it is known: the question carries the digest of the roster here, and by
 * the time the answer is used that roster may be another. So its moment is kept with the question. An answer without a
 * list says that the session had seen the list of that moment, and the difference is what has changed here since.
 */
import type { Hold } from './audience.ts';
import { encode } from './encode.ts';
import type { LiveRoom, Receiver } from './live-room.ts';
import type { MemberState } from './member-state.ts';
import { type Clock, type MessageStore, type StoredMessage, StoreError } from './ports.ts';
import type { RoomChannel } from './room-channel.ts';
import { commandFrame, deletedFrame, messageFrame, presenceFrame } from './room-frames.ts';
import type { RosterMoment, RosterUser } from './roster.ts';
import type { EncodedFrame } from './transport.ts';

/** Messages read at once. */
const readChunk = 500;

/** When the other node was asked for the session. `roster`: of the room here, whose digest the question had. */
export type Asked = { at: number; roster: RosterMoment | undefined };

type Tools = { clock: Clock; store: MessageStore; asked: Asked };

/** `known`: the digest of the roster over there. */
export function exportState(
  room: LiveRoom,
  member: Receiver,
  { channel, clock, known }: { channel?: RoomChannel | undefined; clock: Clock; known: string | undefined },
): MemberState {
  const isKnown = room.roster.digest === known;
  const held = Array.from(room.gate.waiting()).filter(({ origin }) => origin?.sender === member);
  return {
    roomId: room.id,
    name: room.name,
    epoch: room.epoch,
    position: room.gate.position,
    ...(isKnown ? {} : { users: Array.from(room.roster.all(), ({ userId, username }) => ({ userId, username })) }),
    commands: [...room.commands.seen(), [room.node, channel?.commands ?? 0]],
    heardForMs: room.commands.heardForMs(clock.now()),
    deleted: Array.from(room.deleted),
    held: held.map(({ message, origin }) => ({
      message,
      ...(origin?.ref === undefined ? {} : { ref: origin.ref }),
    })),
  };
}

/** See LiveRoom.importMember. */
export async function bringUpToDate(
  room: LiveRoom,
  member: Receiver,
  state: MemberState,
  tools: Tools,
): Promise<boolean> {
  const isMeant = room.name === state.name && room.epoch === state.epoch;
  // Without a roster to compare with, the room that was open when it was asked for has ended meanwhile.
  const isComparable = state.users !== undefined || tools.asked.roster !== undefined;
  if (!isMeant || !isComparable) return partedFrom(state.name, member, tools);
  const hold = room.hold(member);
  room.enroll(member);
  try {
    await passed(room, Math.max(state.position, ...state.held.map(({ message }) => message.id)));
    if (room.holds.get(member) !== hold) return partedFrom(state.name, member, tools);
    const frames = await missed(room, hold, { member, state, tools });
    if (room.holds.get(member) !== hold) return partedFrom(state.name, member, tools);
    room.flush();
    if (hold.overflowed) throw new StoreError('unavailable', 'More has happened in the room than is kept.');
    member.push([...frames, ...hold.frames]);
    room.settle(member);
    return true;
  } catch (error: unknown) {
    room.withdraw(member);
    throw error;
  }
}

/** Tells a member that it has parted from a room that ended while it was on its way here. */
export function partedFrom(roomName: string, member: Receiver, { clock }: Pick<Tools, 'clock'>): false {
  const { username } = member;
  member.push([encode(presenceFrame('parted', { roomName, username, at: clock.now(), you: true }))]);
  return false;
}

/** Resolves when the message has passed the gate, or never will. */
export function passed(room: LiveRoom, id: number): Promise<void> {
  return new Promise((resolve) => room.gate.after(id, resolve, resolve));
}

/** What the member has not seen of what was shown here; from this instant on, what is shown is in the hold. */
async function missed(
  room: LiveRoom,
  hold: Hold,
  { member, state, tools }: { member: Receiver; state: MemberState; tools: Tools },
): Promise<EncodedFrame[]> {
  room.flush();
  Object.assign(hold, { frames: [], bytes: 0, overflowed: false });
  const { name } = room;
  const presence = presenceSince(room, member, state, tools);
  const commands = room.commands.since(state.commands, Math.min(tools.asked.at, tools.clock.now() - state.heardForMs));
  // All of them that come here at all have come: they were shown over there before the session was asked for.
  for (const [node, n] of state.commands) room.commands.noteSeen(node, n);
  const known = new Set(state.deleted);
  const deleted = Array.from(room.deleted).filter((id) => id <= state.position && !known.has(id));
  const messages = await messagesSince(room, state.position, tools.store);
  const refs = new Map(state.held.map(({ message, ref }) => [message.id, ref]));
  const frames = [
    ...presence.joined,
    ...messages.map((one) => messageFrame(name, one, one.userId === member.userId, refs.get(one.id))),
    ...deletedBefore(name, state, messages),
    ...deleted.map((id) => deletedFrame(name, id)),
    ...commands.map((one) => commandFrame(name, one, one.userId === member.userId)),
    ...presence.parted,
  ];
  return frames.map(encode);
}

/** By the two lists of members: what happened between them is nothing to be shown. */
function presenceSince(
  { name, roster }: LiveRoom,
  { userId: own }: Receiver,
  { users }: MemberState,
  { asked, clock }: Tools,
): Record<'joined' | 'parted', ReturnType<typeof presenceFrame>[]> {
  const { joined, parted } =
    users === undefined ? roster.since(asked.roster ?? roster.moment()) : roster.comparedWith(users);
  const at = clock.now();
  const framesOf = (code: 'joined' | 'parted', changed: RosterUser[]): ReturnType<typeof presenceFrame>[] =>
    changed
      .filter(({ userId }) => userId !== own)
      .map(({ username }) => presenceFrame(code, { roomName: name, username, at, you: false }));
  return { joined: framesOf('joined', joined), parted: framesOf('parted', parted) };
}

/** Its own messages that were deleted before anybody was shown them: its page shows them as sent. */
function deletedBefore(
  roomName: string,
  { held }: MemberState,
  shown: readonly StoredMessage[],
): (ReturnType<typeof deletedFrame> | ReturnType<typeof messageFrame>)[] {
  const ids = new Set(shown.map(({ id }) => id));
  return held
    .filter(({ message }) => !ids.has(message.id))
    .flatMap(({ message, ref }) => [
      { ...messageFrame(roomName, message, true, ref), repeat: true as const },
      deletedFrame(roomName, message.id),
    ]);
}

/** Ascending, up to the one that was shown here last. */
async function messagesSince(room: LiveRoom, position: number, store: MessageStore): Promise<StoredMessage[]> {
  const last = room.gate.position;
  if (room.coversAfter(position)) return room.recent.filter(({ id }) => id > position);
  const messages: StoredMessage[] = [];
  for (let from = position + 1; from <= last; ) {
    const chunk = await store.range(room.id, from, last, readChunk);
    messages.push(...chunk);
    if (chunk.length < readChunk) break;
    from = (chunk.at(-1)?.id ?? last) + 1;
  }
  return messages;
}
