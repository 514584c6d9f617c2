/**
 * A room with members on this node: who is in it, here and elsewhere, its newest messages, its ordering gate, and what
 * each event of it shows to whom. It must not know how a message is stored, what a connection is, or how other nodes are
 * reached.
 */
import type { RoomFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import { Audience, type Hold, type Listener } from './audience.ts';
import { encode } from './encode.ts';
import { OrderingGate } from './gate.ts';
import type { MemberState, MovedTo } from './member-state.ts';
import { type Asked, bringUpToDate, exportState } from './moving.ts';
import type { Clock, MessageStore, StoredMessage } from './ports.ts';
import { RecentCommands } from './recent-commands.ts';
import type { RelayedCommand, RoomChannel, RoomEvent } from './room-channel.ts';
import { commandFrame, deletedFrame, messageFrame, presenceFrame } from './room-frames.ts';
import { type RoomMember, Roster, type RosterChange, type RosterEntry } from './roster.ts';
import type { EncodedFrame } from './transport.ts';
import type { Turn } from './turn.ts';

/** Deletions that a room remembers: more than administrators make while anything that was read before is on its way. */
const maxDeleted = 1_000;
/** How long a member that its node says nothing of is kept: it has moved, perhaps, and its new node tells of it. */
const absentMs = 1_000;
/** Frames that are shown at once when many part together: more would stop everything else for seconds. */
const maxShownAtOnce = 100_000;
/** Time for everything else until the next of them are. */
const showGapMs = 20;
/** Messages that another node can be ahead: who says more has not the room's log, and the gate would count up to there. */
const maxAhead = 1_000_000;
/** The one node, where there is no other. */
const aloneNode = '';

/** What a room knows of a session. */
export interface Receiver extends Listener {
  readonly username: string;
  /** Names the session in the whole cluster; stays when it moves to another node. */
  readonly key: string;
  /** Of two sessions of one user, or two places of one session, the one with the higher number is the present one. */
  readonly claim: number;
  /** The room has ended under it: it is no member any more. */
  onDisbanded(room: LiveRoom): void;
}

/** Who sent a message, and under which ref: its own echo carries it. */
export type Origin = { sender: Receiver; ref: string | undefined };

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
  /** The number of members here has changed. */
  onMembers?: (members: number) => void;
  /** Undefined: there is no other node. */
  channel?: RoomChannel | undefined;
  patienceMs?: () => number;
};

export class LiveRoom {
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  readonly gate: OrderingGate<Origin>;
  /** All members, on all nodes. */
  readonly roster: Roster = new Roster();
  readonly commands: RecentCommands;
  /** The newest messages, ascending, at most `limits.joinMessages`. */
  readonly recent: StoredMessage[];
  /** Ids of the messages that were deleted last, since the room is live: what is under way must not show them. */
  readonly deleted: Set<number> = new Set();
  /** Whether `recent` holds the whole log of the room. */
  #isComplete: boolean;
  readonly #options: LiveRoomOptions;
  readonly #audience: Audience<Receiver>;

  constructor(options: LiveRoomOptions) {
    this.#options = options;
    this.id = options.id;
    this.name = options.name;
    this.epoch = options.epoch;
    this.commands = new RecentCommands(options.clock.now());
    this.recent = options.messages.toReversed();
    this.#isComplete = options.messages.length < limits.joinMessages;
    const { turn, onDelivered, onMembers } = options;
    this.#audience = new Audience({ turn, onDelivered, onMembers });
    this.gate = new OrderingGate<Origin>({
      clock: options.clock,
      position: options.lastId,
      read: (from, to, limit) => options.store.range(options.id, from, to, limit),
      release: ({ message, origin }) => this.#show(message, origin),
      ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
    });
  }

  /** Those on this node. */
  get members(): ReadonlySet<Receiver> {
    return this.#audience.members;
  }

  /** Sessions that are about to join, each with what it must get afterwards. */
  get holds(): Map<Receiver, Hold> {
    return this.#audience.holds;
  }

  /** Whether `recent` holds all that a newcomer is shown. */
  get coversNewest(): boolean {
    return this.#isComplete || this.recent.length >= limits.joinMessages;
  }

  /** This node. */
  get node(): string {
    return this.#options.channel?.node ?? aloneNode;
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

  /** The names of the members on all nodes, sorted. */
  usernames(): string[] {
    return this.roster.usernames();
  }

  // ---- members here ----

  /** From now on `member` gets what happens here; the others are told. Its own `joined` is the caller's to send. */
  add(member: Receiver): void {
    this.flush();
    this.holds.delete(member);
    this.enroll(member);
    this.flush();
    this.#audience.add(member);
  }

  /** Tells everybody, the leaving member with its ref, and removes it. */
  remove(member: Receiver, ref: string | undefined): void {
    if (!this.members.has(member)) return;
    const own = [encode(this.#presence('parted', member.username, true, ref))];
    if (!this.#leave(member, own)) {
      this.flush();
      member.push(own);
    }
    this.#audience.delete(member);
  }

  /** The room ends under this name: each member learns of its own parting only. */
  disband(): void {
    this.flush();
    for (const member of this.members) {
      member.push([encode(this.#presence('parted', member.username, true))]);
      member.onDisbanded(this);
    }
    this.close(true);
  }

  /** Ends silently. `isEnded`: on the other nodes, too. */
  close(isEnded: boolean): void {
    this.#audience.clear();
    this.gate.close();
    this.#options.channel?.close(isEnded);
  }

  // ---- members that move to or from another node ----

  /** What the member has seen, to go on where the roster has the digest `known`; the others were told all of it. */
  exportMember(member: Receiver, known?: string): MemberState {
    this.flush();
    this.#options.channel?.flush();
    return exportState(this, member, { ...this.#options, known });
  }

  /**
   * The session goes on here, in place of another node: the others are not told. It gets what it has missed, then what
   * happens. Resolves whether it is a member now (or was again removed meanwhile: look at `members`); false: the room is
   * another one, or has ended, and the session was told that it has parted. Rejects with StoreError: it is no member.
   * Nothing must be asked of the room in the session's name before that.
   */
  importMember(member: Receiver, state: MemberState, asked: Asked): Promise<boolean> {
    return bringUpToDate(this, member, state, { ...this.#options, asked });
  }

  /** The member has gone on on another node: nobody is told. `to`: where, if it is known. Release the room afterwards. */
  dropMember(member: Receiver, to?: MovedTo): void {
    if (!this.members.has(member)) return;
    this.flush();
    const { userId, username, key: session } = member;
    // It may have parted there by now, which was told here.
    const isThere = this.roster.get(userId)?.session === session;
    if (to !== undefined && isThere) this.#apply(this.roster.join({ userId, username, session, ...to }));
    this.#audience.delete(member);
  }

  /** Enters a member of this node in the roster and tells the other nodes. */
  enroll(member: Receiver): void {
    const entry = memberOf(member);
    this.#apply(this.roster.join({ ...entry, node: this.node }));
    this.#options.channel?.say({ kind: 'joined', at: this.gate.position, member: entry });
  }

  /** Takes back `enroll`: the session does not become a member. */
  withdraw(member: Receiver): void {
    this.holds.delete(member);
    this.#leave(member);
  }

  /** A session whose hold is over becomes a member; nobody is told. */
  settle(member: Receiver): void {
    this.#audience.add(member);
  }

  // ---- what happens in the room ----

  /** Relays a command to all members. */
  relay({ command, payload }: { command: string; payload: string }, origin: Origin): void {
    const { sender, ref } = origin;
    const { channel, clock } = this.#options;
    const { userId, username } = sender;
    const relayed: RelayedCommand = { userId, username, command, payload, createdAt: clock.now() };
    this.#post(commandFrame(this.name, relayed, false), sender, [encode(commandFrame(this.name, relayed, true, ref))]);
    if (channel === undefined || channel.isAlone) return;
    const n = channel.nextCommand();
    this.commands.add(channel.node, n, relayed, clock.now());
    channel.say({ kind: 'command', at: this.gate.position, n, command: relayed });
  }

  /** A message of a member here has been stored: the other nodes are told. */
  tell(message: StoredMessage): void {
    const { channel } = this.#options;
    if (channel !== undefined && !channel.isAlone) channel.say({ kind: 'messages', messages: [message] });
  }

  /** What another node says; all but messages in its order, each when the room has come as far here. */
  receive(node: string, event: RoomEvent): void {
    const highest = this.gate.position + maxAhead;
    if (event.kind === 'messages') {
      const sensible = event.messages.filter(({ id }) => id <= highest);
      for (const message of sensible) this.gate.offer({ message, origin: undefined });
    } else if (event.at <= highest) {
      this.gate.after(event.at, () => this.#take(node, event));
    }
  }

  /** What another node has said while the room was loaded: it is part of what newcomers find. */
  takeAtOnce(node: string, event: Exclude<RoomEvent, { kind: 'messages' }>): void {
    this.#take(node, event);
  }

  /** A node was marked dead: its members have parted, after the last message that it can have stored. */
  nodeGone(node: string, lastId: number): void {
    this.gate.after(lastId, () => this.#dismiss(this.roster.of(node)));
  }

  /** The members here, as other nodes are told of them. */
  ownMembers(): RoomMember[] {
    return Array.from(this.members, memberOf);
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
    this.#post(deletedFrame(this.name, id));
  }

  /** Begins to hold what happens for a session whose snapshot is being read. */
  hold(member: Receiver): Hold {
    return this.#audience.hold(member);
  }

  /** Hands this turn's frames to the members. */
  flush(): void {
    this.#audience.flush();
  }

  /** False: its user is here with a newer session, of which the others have been told, or will be. */
  #leave(member: Receiver, own: readonly EncodedFrame[] = []): boolean {
    const { userId, key: session, claim } = member;
    const [parted] = this.roster.part({ userId, session, claim });
    if (parted === undefined) return false;
    this.#post(this.#presence('parted', parted.username, false), member, own);
    this.#options.channel?.say({ kind: 'parted', at: this.gate.position, userId, session, claim });
    this.flush();
    return true;
  }

  #take(node: string, event: Exclude<RoomEvent, { kind: 'messages' }>): void {
    switch (event.kind) {
      case 'joined':
        this.#apply(this.roster.join({ ...event.member, node }));
        return;
      case 'parted':
        this.#apply(this.roster.part(event));
        return;
      case 'command':
        this.#takeCommand(node, event.n, event.command);
        return;
      case 'roster':
        this.commands.noteSeen(node, event.n);
        this.#compare(node, event.members);
    }
  }

  #takeCommand(node: string, n: number, command: RelayedCommand): void {
    if (!this.commands.add(node, n, command, this.#options.clock.now())) return;
    const own = this.#audience.of(command.userId);
    this.#post(commandFrame(this.name, command, false), own, own && [encode(commandFrame(this.name, command, true))]);
  }

  /** All members of another node: who is missing has parted, or has moved and is told of by its new node in a moment. */
  #compare(node: string, members: readonly RoomMember[]): void {
    for (const member of members) this.#apply(this.roster.join({ ...member, node }));
    const present = new Set(members.map(({ userId }) => userId));
    const absent = this.roster.of(node).filter(({ userId }) => !present.has(userId));
    if (absent.length > 0) this.#options.clock.after(absentMs, () => this.#dismiss(absent));
  }

  #dismiss(absent: readonly RosterEntry[]): void {
    const atOnce = Math.max(1, Math.floor(maxShownAtOnce / Math.max(1, this.members.size)));
    // Whoever was told of again meanwhile has another entry.
    const still = absent.filter((entry) => this.roster.get(entry.userId) === entry);
    for (const entry of still.slice(0, atOnce)) this.#apply(this.roster.part(entry));
    const rest = still.slice(atOnce);
    if (rest.length > 0) this.#options.clock.after(showGapMs, () => this.#dismiss(rest));
  }

  #apply(changes: readonly RosterChange[]): void {
    for (const { code, userId, username } of changes) {
      // Its user, who is here with a newer session, has no use for that of the older one.
      this.#post(this.#presence(code, username, false), this.#audience.of(userId), []);
    }
  }

  #show(message: StoredMessage, origin: Origin | undefined): void {
    if (this.deleted.has(message.id)) {
      this.#settleDeleted(message, origin);
      return;
    }
    this.recent.push(message);
    if (this.recent.length > limits.joinMessages) {
      this.recent.shift();
      this.#isComplete = false;
    }
    // A hole filled from the store, or another node, brings a message without its origin; it is still its user's own.
    const own = this.#audience.of(message.userId);
    const ref = own !== undefined && own === origin?.sender ? origin.ref : undefined;
    const frame = messageFrame(this.name, message, false);
    this.#post(frame, own, own && [encode(messageFrame(this.name, message, true, ref))]);
  }

  /** Deleted before it was shown: its sender alone, whose page shows it as sent, learns of both. */
  #settleDeleted(message: StoredMessage, origin: Origin | undefined): void {
    if (origin === undefined) return;
    this.flush();
    const echo: RoomFrame = { ...messageFrame(this.name, message, true, origin.ref), repeat: true };
    origin.sender.push([encode(echo), encode(deletedFrame(this.name, message.id))]);
  }

  #post(all: RoomFrame, of?: Receiver, own?: readonly EncodedFrame[]): void {
    this.#audience.post(encode(all), of, own);
  }

  #presence(code: 'joined' | 'parted', username: string, you: boolean, ref?: string): RoomFrame {
    const at = this.#options.clock.now();
    return presenceFrame(code, { roomName: this.name, username, at, you, ...(ref === undefined ? {} : { ref }) });
  }
}

function memberOf({ userId, username, key: session, claim }: Receiver): RoomMember {
  return { userId, username, session, claim };
}
