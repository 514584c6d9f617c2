/**
 * A room with members on this node: who is in it, its newest messages, its ordering gate, and the fan-out of one turn's
 * frames to all members. It must not know how a message is stored or what a connection is.
 */
import type { RoomFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import { formatStamp } from '../protocol/text.ts';
import { encode } from './encode.ts';
import { OrderingGate } from './gate.ts';
import type { Clock, MessageStore, StoredMessage } from './ports.ts';
import type { EncodedFrame } from './transport.ts';
import type { Flushable, Turn } from './turn.ts';

/** Deletions that a room remembers: more than administrators make while anything that was read before is on its way. */
const maxDeleted = 1_000;

/** What a room knows of a session. */
export interface Receiver extends Flushable {
  readonly userId: number;
  readonly username: string;
  /** Names the session in the whole cluster; stays when it moves to another node. */
  readonly key: string;
  /** Of two sessions of one user, or two places of one session, the one with the higher number is the present one. */
  readonly claim: number;
  /** Takes frames in order, to be written when the turn ends. */
  push(frames: readonly EncodedFrame[]): void;
  /** The room has ended under it: it is no member any more. */
  onDisbanded(room: LiveRoom): void;
}

/** Who sent a message, and under which ref: its own echo carries it. */
export type Origin = { sender: Receiver; ref: string | undefined };

/** One event of a turn: the frame for all, and the one for the session that it is about. */
type Pending = { all: EncodedFrame; own: EncodedFrame | undefined; of: Receiver | undefined };

/** Frames for a member-to-be, held until its snapshot has been read. */
export type Hold = { frames: EncodedFrame[]; bytes: number; overflowed: boolean };

export type LiveRoomOptions = {
  id: number;
  name: string;
  epoch: string;
  lastId: number;
  /** Newest first. */
  messages: readonly StoredMessage[];
  clock: Clock;
  turn: Turn;
  store: MessageStore;
  /** Counts what is handed to members. */
  onDelivered: (frames: number) => void;
};

export class LiveRoom implements Flushable {
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  readonly gate: OrderingGate<Origin>;
  readonly members: Set<Receiver> = new Set();
  /** Sessions that are about to join, each with what it must get afterwards. */
  readonly holds: Map<Receiver, Hold> = new Map();
  /** The newest messages, ascending, at most `limits.joinMessages`. */
  readonly recent: StoredMessage[];
  /** Ids of the messages that were deleted last, since the room is live: what is under way must not show them. */
  readonly deleted: Set<number> = new Set();
  /** Whether `recent` holds the whole log of the room. */
  #isComplete: boolean;
  readonly #options: LiveRoomOptions;
  #pending: Pending[] = [];

  constructor(options: LiveRoomOptions) {
    this.#options = options;
    this.id = options.id;
    this.name = options.name;
    this.epoch = options.epoch;
    this.recent = options.messages.toReversed();
    this.#isComplete = options.messages.length < limits.joinMessages;
    this.gate = new OrderingGate<Origin>({
      clock: options.clock,
      position: options.lastId,
      read: (from, to, limit) => options.store.range(options.id, from, to, limit),
      release: ({ message, origin }) => this.#show(message, origin),
    });
  }

  /** Whether `recent` holds all that a newcomer is shown. */
  get coversNewest(): boolean {
    return this.#isComplete || this.recent.length >= limits.joinMessages;
  }

  /** Whether every message after `id` is in `recent`. */
  coversAfter(id: number): boolean {
    if (this.#isComplete || id >= this.gate.position) return true;
    const oldest = this.recent[0];
    return oldest !== undefined && oldest.id <= id + 1;
  }

  /** Takes back what deletions have cost: `page` is what the store had below some id of `recent`, or all there is. */
  refill({ messages, more }: { messages: readonly StoredMessage[]; more: boolean }): void {
    const oldest = this.recent[0]?.id ?? Number.POSITIVE_INFINITY;
    const older = messages.filter(({ id }) => id < oldest && !this.deleted.has(id)).toReversed();
    this.recent.unshift(...older);
    this.#isComplete = !more && this.recent.length <= limits.joinMessages;
    this.recent.splice(0, this.recent.length - limits.joinMessages);
  }

  /** The names of the members, sorted. */
  usernames(): string[] {
    return Array.from(this.members, (member) => member.username).sort();
  }

  /** From now on `member` gets what happens here; the others are told. Its own `joined` is the caller's to send. */
  add(member: Receiver): void {
    this.flush();
    this.holds.delete(member);
    this.#post(this.#presence('joined', member, false), undefined, undefined);
    this.flush();
    this.members.add(member);
  }

  /** Tells everybody, the leaving member with its ref, and removes it. */
  remove(member: Receiver, ref: string | undefined): void {
    if (!this.members.has(member)) return;
    this.#post(this.#presence('parted', member, false), this.#presence('parted', member, true, ref), member);
    this.flush();
    this.members.delete(member);
  }

  /** The room ends under this name: each member learns of its own parting only. */
  disband(): void {
    this.flush();
    for (const member of this.members) {
      member.push([encode(this.#presence('parted', member, true))]);
      member.onDisbanded(this);
    }
    this.members.clear();
    this.holds.clear();
    this.gate.close();
  }

  /** Relays a command to all members. */
  relay(command: { command: string; payload: string }, origin: Origin): void {
    const { sender, ref } = origin;
    const base = {
      user: sender.username,
      room_name: this.name,
      ...command,
      stamp: formatStamp(this.#options.clock.now()),
    };
    const own: RoomFrame = { type: 'room:notification', code: 'custom', you: true, ...base, ...refOf(ref) };
    this.#post({ type: 'room:notification', code: 'custom', you: false, ...base }, own, sender);
  }

  /** A message was deleted: nobody is shown it from now on, and those whom it was shown are told. */
  delete(id: number): void {
    // A comparison with the store may have found it before its change was read.
    if (this.deleted.has(id)) return;
    this.deleted.add(id);
    if (this.deleted.size > maxDeleted) {
      const [oldest = id] = this.deleted;
      this.deleted.delete(oldest);
    }
    // It is on its way here still, or was found missing in the store.
    if (id > this.gate.position) return;
    const index = this.recent.findIndex((message) => message.id === id);
    if (index !== -1) this.recent.splice(index, 1);
    this.#post(deletedFrame(this.name, id), undefined, undefined);
  }

  /** Begins to hold what happens for a session whose snapshot is being read. */
  hold(member: Receiver): Hold {
    this.flush();
    const hold: Hold = { frames: [], bytes: 0, overflowed: false };
    this.holds.set(member, hold);
    return hold;
  }

  /** Hands this turn's frames to the members. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    const shared = pending.map((event) => event.all);
    const subjects = new Set(pending.map((event) => event.of));
    for (const member of this.members) {
      if (subjects.has(member))
        member.push(pending.map((event) => (event.of === member ? (event.own ?? event.all) : event.all)));
      else member.push(shared);
    }
    for (const hold of this.holds.values()) holdBack(hold, shared);
    this.#options.onDelivered(shared.length * this.members.size);
  }

  #show(message: StoredMessage, origin: Origin | undefined): void {
    if (this.deleted.has(message.id)) {
      this.#settle(message, origin);
      return;
    }
    this.recent.push(message);
    if (this.recent.length > limits.joinMessages) {
      this.recent.shift();
      this.#isComplete = false;
    }
    // A hole filled from the store shows a message without its origin; it is still its user's own.
    const sender = origin?.sender ?? this.#memberOf(message.userId);
    const frame = messageFrame(this.name, message, false);
    this.#post(frame, sender && messageFrame(this.name, message, true, origin?.ref), sender);
  }

  /** Deleted before it was shown: its sender alone, whose page shows it as sent, learns of both. */
  #settle(message: StoredMessage, origin: Origin | undefined): void {
    if (origin === undefined) return;
    this.flush();
    const echo: RoomFrame = { ...messageFrame(this.name, message, true, origin.ref), repeat: true };
    origin.sender.push([encode(echo), encode(deletedFrame(this.name, message.id))]);
  }

  #memberOf(userId: number): Receiver | undefined {
    for (const member of this.members) if (member.userId === userId) return member;
    return undefined;
  }

  #post(all: RoomFrame, own: RoomFrame | undefined, of: Receiver | undefined): void {
    this.#pending.push({ all: encode(all), own: own === undefined ? undefined : encode(own), of });
    this.#options.turn.addRoom(this);
  }

  #presence(code: 'joined' | 'parted', member: Receiver, you: boolean, ref?: string): RoomFrame {
    const stamp = formatStamp(this.#options.clock.now());
    return { type: 'room:notification', code, you, user: member.username, room_name: this.name, stamp, ...refOf(ref) };
  }
}

/** The notification of a stored message. */
export function messageFrame(
  roomName: string,
  message: StoredMessage,
  you: boolean,
  ref?: string,
): Extract<RoomFrame, { code: 'message' }> {
  return {
    type: 'room:notification',
    code: 'message',
    you,
    user: message.username,
    room_name: roomName,
    body: message.body,
    id: message.id,
    stamp: formatStamp(message.createdAt),
    ...refOf(ref),
  };
}

/** The notification that a message was deleted. */
export function deletedFrame(roomName: string, id: number): RoomFrame {
  return { type: 'room:notification', code: 'deleted', room_name: roomName, id };
}

function holdBack(hold: Hold, frames: readonly EncodedFrame[]): void {
  if (hold.overflowed) return;
  for (const frame of frames) hold.bytes += frame.bytes.length;
  if (hold.bytes > limits.unwrittenBytes) {
    hold.overflowed = true;
    hold.frames = [];
    return;
  }
  hold.frames.push(...frames);
}

function refOf(ref: string | undefined): { ref?: string } {
  return ref === undefined ? {} : { ref };
}
