/**
 * The channels of all rooms that are open on this node: what they have in common. Owns the end of a turn, when each says
 * what it has to say; what happens after something was lost; and the question to a node that says nothing. It must not
 * know what the events of a room mean.
 */
import type { Bus, Peers } from '../core/cluster-ports.ts';
import type { Clock } from '../core/ports.ts';
import type { RoomChannel, RoomChannels, RoomListener } from '../core/room-channel.ts';
import type { RoomInfo } from '../core/rooms.ts';
import { type Channels, createChannels } from './channels.ts';
import { Channel, type ChannelOwner } from './room-channel.ts';
import { type Publication, parsePublication } from './room-publication.ts';
import { createSeldom } from './seldom.ts';

/**
 * What another node has stored is here after some milliseconds, when the bus works, or a little later when it is busy; a
 * read of SQL costs more, and would overtake the commands and joins that were before it.
 */
const patienceMs = 200;
/** Without the bus others' messages come from SQL alone; what this node has just stored is about to be shown all the same. */
const ownPatienceMs = 20;
/** Time between two questions to a node that does not say who is in a room. */
const askAgainMs = 2_000;
/** Rooms that are compared at once after something was lost, and the time between: all at once would choke the bus. */
const restoreChunk = 100;
const restoreGapMs = 20;
/** Some round trips of a busy bus: whoever answers later is announced. */
const answerMsDefault = 500;
/** Ids of dead nodes that are remembered: what they have said last is on its way for seconds at most. */
const maxDead = 1_000;
/** Closed rooms that the others are told of when the bus is back; beyond them, they ask by themselves if they lost something too. */
const maxUnsaid = 10_000;
/** Rooms in one question or answer between two nodes. */
const maxRooms = 1_000;

export interface ClusterRoomChannels extends RoomChannels {
  close(): void;
}

export type RoomChannelsOptions = {
  bus: Bus;
  peers: Pick<Peers, 'id' | 'tell' | 'on'>;
  clusterId: string;
  clock: Clock;
  /** A node was heard of: should it be dead, it has to be said so (`forget`), also where it died before this one began. */
  noteHere?: (node: string) => void;
  log: { warn(details: object, sentence: string): void };
  /** How long a room that is opened waits for the others to say who is in it. Tests raise it. */
  answerMs?: number;
};

export function createRoomChannels(options: RoomChannelsOptions): ClusterRoomChannels {
  return new BusRoomChannels(options);
}

class BusRoomChannels implements ClusterRoomChannels, ChannelOwner {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly answerMs: number;
  commands = 0;
  readonly #options: RoomChannelsOptions;
  readonly #channels: Channels;
  readonly #seldom: (name: string, run: () => void) => void;
  readonly #open = new Map<number, Channel>();
  /** Channels that have something to say. */
  readonly #due = new Set<Channel>();
  #isDue = false;
  #streams = 0;
  /** Rooms, by the node of which it is not known who is in them. */
  readonly #doubts = new Map<string, Set<number>>();
  #cancelDoubts: (() => void) | undefined;
  readonly #unsaid = new Map<number, Publication>();
  readonly #dead = new Set<string>();
  readonly #endRestored: () => void;
  #cancelRestore: () => void = () => {};

  constructor(options: RoomChannelsOptions) {
    this.#options = options;
    this.bus = options.bus;
    this.clock = options.clock;
    this.answerMs = options.answerMs ?? answerMsDefault;
    this.#channels = createChannels(options.clusterId);
    this.#seldom = createSeldom(options.clock);
    this.#endRestored = this.bus.onRestored(() => this.#restore());
    options.peers.on('rooms-asked', (value, from) => this.#handleAsked(value, from));
    options.peers.on('rooms-left', (value, from) => this.#handleLeft(value, from));
    options.peers.on('room-roster', (value, from) => this.#handleAnswer(value, from));
  }

  get node(): string {
    return this.#options.peers.id;
  }

  get isAlone(): boolean {
    return this.bus.isAlone;
  }

  open(room: RoomInfo, listener: RoomListener): RoomChannel {
    this.#streams += 1;
    const name = this.#channels.room(room.id);
    const channel = new Channel({ owner: this, name, stream: this.#streams, room, listener }, (...heard) =>
      this.#hear(...heard, false),
    );
    this.#open.set(room.id, channel);
    // The first publication of the new stream says what the last one of the former would have.
    this.#unsaid.delete(room.id);
    return channel;
  }

  patienceMs(): number {
    if (this.bus.isAlone) return 0;
    return this.bus.isHealthy() ? patienceMs : ownPatienceMs;
  }

  forget(node: string): void {
    this.#dead.add(node);
    const [oldest = node] = this.#dead;
    if (this.#dead.size > maxDead) this.#dead.delete(oldest);
    this.#doubts.delete(node);
    for (const channel of this.#open.values()) channel.forget(node);
  }

  close(): void {
    this.#endRestored();
    this.#cancelRestore();
    this.#cancelDoubts?.();
    for (const channel of Array.from(this.#open.values())) channel.close(false);
  }

  // ---- for the channels ----

  schedule(channel: Channel): void {
    this.#due.add(channel);
    if (this.#isDue) return;
    this.#isDue = true;
    this.clock.endOfTurn(() => {
      this.#isDue = false;
      const due = Array.from(this.#due);
      this.#due.clear();
      for (const one of due) one.flush();
    });
  }

  doubt(node: string, roomId: number, isAsked: boolean): void {
    const rooms = this.#doubts.get(node) ?? new Set();
    this.#doubts.set(node, rooms.add(roomId));
    // For all rooms of this turn at once; again, as long as there is no answer.
    if (this.#cancelDoubts === undefined) this.#askSoon(isAsked ? askAgainMs : 0);
  }

  noteHere(node: string): void {
    this.#options.noteHere?.(node);
  }

  trust(node: string, roomId: number): void {
    const rooms = this.#doubts.get(node);
    rooms?.delete(roomId);
    if (rooms?.size === 0) this.#doubts.delete(node);
  }

  tell(node: string, room: number, said: Publication): void {
    this.#options.peers.tell(node, 'room-roster', { room, said });
  }

  onClosed(channel: Channel, unsaid: Publication | undefined): void {
    const { roomId } = channel;
    if (this.#open.get(roomId) === channel) {
      this.#open.delete(roomId);
      for (const node of Array.from(this.#doubts.keys())) this.trust(node, roomId);
    }
    if (unsaid === undefined || this.#open.has(roomId)) return;
    this.#unsaid.set(roomId, unsaid);
    const [oldest = roomId] = this.#unsaid.keys();
    if (this.#unsaid.size > maxUnsaid) this.#unsaid.delete(oldest);
    if (this.bus.isHealthy()) void this.#sayFarewell(roomId, unsaid);
  }

  #hear(channel: Channel, value: unknown, isAnswer: boolean): void {
    const publication = parsePublication(value);
    if (publication === 'garbage' || publication === 'other-version') {
      this.#seldom(publication, () => this.#options.log.warn({ room: channel.roomId }, refusals[publication]));
    } else if (!this.#dead.has(publication.node)) {
      channel.hear(publication, isAnswer);
    }
  }

  // ---- nodes of which something is missing ----

  #askSoon(ms: number): void {
    this.#cancelDoubts = this.clock.after(ms, () => {
      this.#cancelDoubts = undefined;
      for (const [node, rooms] of this.#doubts) {
        for (const chunk of chunksOf(rooms)) this.#options.peers.tell(node, 'rooms-asked', { rooms: chunk });
      }
      if (this.#doubts.size > 0) this.#askSoon(askAgainMs);
    });
  }

  #handleAsked(value: unknown, from: string): void {
    const rooms = roomsOf(value);
    for (const id of rooms) this.#open.get(id)?.answer(from);
    const left = rooms.filter((id) => !this.#open.has(id));
    if (left.length > 0) this.#options.peers.tell(from, 'rooms-left', { rooms: left });
  }

  #handleLeft(value: unknown, from: string): void {
    for (const id of roomsOf(value)) this.#open.get(id)?.left(from);
  }

  #handleAnswer(value: unknown, from: string): void {
    const { room, said } = value as { room?: unknown; said?: { node?: unknown } | null };
    const channel = typeof room === 'number' ? this.#open.get(room) : undefined;
    if (channel !== undefined && said?.node === from) this.#hear(channel, said, true);
  }

  // ---- after a loss ----

  #restore(): void {
    this.#cancelRestore();
    for (const [roomId, publication] of this.#unsaid) void this.#sayFarewell(roomId, publication);
    this.#restoreSome(Array.from(this.#open.values()));
  }

  async #sayFarewell(roomId: number, publication: Publication): Promise<void> {
    const hearing = await this.bus.publish(this.#channels.room(roomId), publication);
    if (hearing !== undefined && this.#unsaid.get(roomId) === publication) this.#unsaid.delete(roomId);
  }

  #restoreSome(channels: readonly Channel[]): void {
    for (const channel of channels.slice(0, restoreChunk)) channel.restore();
    const rest = channels.slice(restoreChunk);
    if (rest.length > 0) this.#cancelRestore = this.clock.after(restoreGapMs, () => this.#restoreSome(rest));
  }
}

const refusals = {
  garbage: 'Something on the channel of a room has not its form, and is dropped.',
  'other-version': 'A node of another version of finchat is on the channel of a room; what it says is dropped.',
} as const;

function chunksOf(rooms: Iterable<number>): number[][] {
  const all = Array.from(rooms);
  return Array.from({ length: Math.ceil(all.length / maxRooms) }, (_, index) =>
    all.slice(index * maxRooms, (index + 1) * maxRooms),
  );
}

function roomsOf(value: unknown): number[] {
  const { rooms } = value as { rooms?: unknown };
  return Array.isArray(rooms) ? rooms.filter((id): id is number => Number.isSafeInteger(id)).slice(0, maxRooms) : [];
}
