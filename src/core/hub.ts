/**
 * The rooms that are live on this node: loads one with its first member, drops it with the last, or a while later where
 * others would be asked again, and routes what is stored, and what other nodes say, to it. It must not know sessions
 * beyond what a room knows of them.
 */
import { limits } from '../protocol/limits.ts';
import { Lingering } from './lingering.ts';
import { LiveRoom, type Origin } from './live-room.ts';
import { Loading } from './loading.ts';
import type { Clock, MessageStore, StoredMessage } from './ports.ts';
import type { RoomChannels, RoomCounts } from './room-channel.ts';
import type { RoomDirectory } from './rooms.ts';
import { Rounds } from './rounds.ts';
import type { Turn } from './turn.ts';

/** How long a commit with an unknown outcome may still turn up: far above the deadline of a statement. */
const doubtMs = 60_000;
/** Waiting time before a failed look at the last ids is tried again: one look a second does not burden a store that is away. */
const retryMs = 1_000;
/** Rooms whose last ids are read in one statement. */
const lastIdsChunk = 1_000;
/** Deletions remembered for rooms that are loaded a little later: more than administrators make while a session moves here. */
const maxDeletions = 1_000;

export type HubOptions = {
  clock: Clock;
  turn: Turn;
  store: MessageStore;
  directory: RoomDirectory;
  onDelivered: (frames: number) => void;
  /** Left out: there is no other node. */
  channels?: RoomChannels;
  counts?: RoomCounts;
  log?: { warn(details: object, sentence: string): void };
  /** Whether all that was said on other nodes lately was heard here, as far as this one knows. Left out: it does not know. */
  hearsAll?: () => boolean;
  /** Tests lower it. */
  lingerMs?: number;
};

const aheadSentence =
  'Rooms had come further than the store, which has lost messages, or somebody else writes to Redis; they go on from where it is.';

export class Hub {
  readonly #options: HubOptions;
  readonly #live = new Map<number, LiveRoom>();
  readonly #loading = new Map<number, Loading>();
  /** Rooms whose last commit has an unknown outcome, and until when they are looked at. */
  readonly #doubtful = new Map<number, number>();
  /** The newest deletions, oldest first. */
  readonly #deletions: { roomId: number; id: number }[] = [];
  readonly #lingering: Lingering<LiveRoom>;
  readonly #rounds: Rounds;
  /** Counts how often all rooms were dropped. */
  #generation = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    const { clock, lingerMs } = options;
    this.#lingering = new Lingering({
      clock,
      drop: (room) => this.#drop(room),
      ...(lingerMs === undefined ? {} : { lingerMs }),
    });
    this.#rounds = new Rounds(clock);
    options.counts?.serve((roomId) => this.#live.get(roomId)?.usernames() ?? []);
  }

  /** Rooms that somebody here is in, or about to be. */
  get size(): number {
    let size = 0;
    for (const room of this.#live.values()) if (isUsed(room)) size += 1;
    return size;
  }

  /** Messages and events that wait for messages before them, in all rooms. */
  get backlog(): number {
    let backlog = 0;
    for (const { gate } of this.#live.values()) backlog += gate.backlog;
    return backlog;
  }

  get(roomId: number): LiveRoom | undefined {
    return this.#live.get(roomId);
  }

  /** Members of a room, on all nodes. */
  count(roomId: number): number {
    const here = this.#live.get(roomId)?.members.size ?? 0;
    return here + (this.#options.counts?.elsewhere(roomId) ?? 0);
  }

  /** Who is in a room, on all nodes, sorted; as far as it is known. */
  async memberNames(roomId: number): Promise<string[]> {
    const live = this.#live.get(roomId);
    return live === undefined ? ((await this.#options.counts?.names(roomId)) ?? []) : live.usernames();
  }

  /**
   * The room, loaded if it is not live. It may be dropped or renamed before the caller goes on: compare with `get`.
   * Undefined: it does not exist. Rejects with StoreError.
   */
  open(roomId: number): Promise<LiveRoom | undefined> {
    const live = this.#live.get(roomId);
    if (live !== undefined) return Promise.resolve(live);
    const loading = this.#loading.get(roomId);
    if (loading !== undefined) return loading.room;
    const entry = new Loading();
    this.#loading.set(roomId, entry);
    entry.room = this.#load(roomId, entry).finally(() => {
      if (this.#loading.get(roomId) === entry) this.#loading.delete(roomId);
    });
    return entry.room;
  }

  /** A message has been stored. False: the room's members have seen it already, without its origin. */
  offer(roomId: number, message: StoredMessage, origin: Origin | undefined): boolean {
    this.#loading.get(roomId)?.stored(message.id);
    const room = this.#live.get(roomId);
    if (room === undefined) return true;
    if (origin !== undefined) room.tell(message);
    return room.gate.offer({ message, origin });
  }

  /** A message was deleted. */
  delete(roomId: number, id: number): void {
    this.#deletions.push({ roomId, id });
    if (this.#deletions.length > maxDeletions) this.#deletions.shift();
    this.#loading.get(roomId)?.deleted.push(id);
    this.#live.get(roomId)?.delete(id);
  }

  /**
   * Compares what the live rooms remember with the store: deletions that nobody was told of are made good. Rejects with
   * StoreError.
   */
  async recheck(): Promise<void> {
    // One that is being loaded may have read what is deleted by now.
    await Promise.allSettled(Array.from(this.#loading.values(), ({ room }) => room));
    for (const room of Array.from(this.#live.values())) {
      const [oldest] = room.recent;
      if (oldest === undefined) continue;
      const known = Array.from(room.recent, ({ id }) => id);
      const stored = await this.#options.store.range(room.id, oldest.id, known.at(-1) ?? oldest.id, known.length);
      const present = new Set(stored.map(({ id }) => id));
      for (const id of known) if (!present.has(id)) room.delete(id);
    }
  }

  /**
   * Drops the room when nobody is in it here or about to be. Among other nodes it is kept for a while, and goes on
   * following what they say: whoever comes back finds it as it is, and they need not be asked who is in it.
   */
  release(room: LiveRoom): void {
    if (isUsed(room) || this.#live.get(room.id) !== room) return;
    if (this.#isAlone) this.#drop(room);
    else this.#lingering.add(room);
  }

  /** Ends a room under its present name: deleted or renamed. */
  disband(roomId: number): void {
    this.#stopLoading(roomId, true);
    const room = this.#live.get(roomId);
    if (room === undefined) return;
    this.#live.delete(roomId);
    room.disband();
  }

  /** Drops all rooms, silently: this node was marked dead, and the others have shown that its members parted. */
  dropAll(): void {
    this.#generation += 1;
    for (const id of Array.from(this.#loading.keys())) this.#stopLoading(id, false);
    const rooms = Array.from(this.#live.values());
    this.#live.clear();
    for (const room of rooms) room.close(false);
  }

  /** Another node was marked dead: its members part, each once, after the last message that it has stored. */
  nodeGone(node: string): void {
    this.#options.channels?.forget(node);
    this.#options.counts?.forget(node);
    for (const loading of this.#loading.values()) loading.forget(node);
    void this.#partNode(node, Array.from(this.#live.values()));
  }

  /** These rooms may hold messages that nobody was shown, or get them a little later. */
  doubt(roomIds: readonly number[]): void {
    const until = this.#options.clock.now() + doubtMs;
    for (const id of roomIds) this.#doubtful.set(id, until);
  }

  /**
   * Looks for messages that nobody was shown, twice a second: in all rooms while not everything of the other nodes may
   * arrive; else in the doubtful ones, and in all others once in a while, for a loss that was noticed by nobody. Rejects
   * with StoreError: look again later.
   */
  async look(): Promise<void> {
    if (this.#isAlone || !(this.#options.hearsAll?.() ?? false)) return this.reconcile();
    await this.#compare([...this.#doubtful.keys(), ...this.#rounds.next(this.#live)]);
    this.#rounds.done();
  }

  /**
   * Compares rooms with the store, so that the last message of a quiet room is not left behind: all live ones where other
   * nodes write as well, else the doubtful ones. Rejects with StoreError: look again later.
   */
  reconcile(): Promise<void> {
    return this.#compare(Array.from(this.#isAlone ? this.#doubtful.keys() : this.#live.keys()));
  }

  async #compare(ids: readonly number[]): Promise<void> {
    const positions = new Map(ids.map((id) => [id, this.#live.get(id)?.gate.position]));
    let ahead = 0;
    for (const [id, lastId] of await this.#lastIds(ids)) {
      if (this.#live.get(id)?.gate.compare(positions.get(id) ?? 0, lastId)) ahead += 1;
    }
    if (ahead > 0) this.#options.log?.warn({ rooms: ahead }, aheadSentence);
    const now = this.#options.clock.now();
    for (const [id, until] of this.#doubtful) if (until <= now) this.#doubtful.delete(id);
  }

  async #lastIds(ids: readonly number[]): Promise<Map<number, number>> {
    const all = new Map<number, number>();
    for (let from = 0; from < ids.length; from += lastIdsChunk) {
      const chunk = await this.#options.store.lastIds(ids.slice(from, from + lastIdsChunk));
      for (const [id, lastId] of chunk) all.set(id, lastId);
    }
    return all;
  }

  /** All live rooms: what a dead node has said last may still wait in one that knows no member there. */
  async #partNode(node: string, rooms: readonly LiveRoom[]): Promise<void> {
    try {
      const lastIds = await this.#lastIds(rooms.map(({ id }) => id));
      for (const room of rooms) room.nodeGone(node, lastIds.get(room.id) ?? 0);
    } catch {
      this.#options.clock.after(retryMs, () => {
        void this.#partNode(
          node,
          rooms.filter((room) => this.#live.get(room.id) === room),
        );
      });
    }
  }

  get #isAlone(): boolean {
    return this.#options.channels?.isAlone ?? true;
  }

  #drop(room: LiveRoom): void {
    if (isUsed(room) || this.#live.get(room.id) !== room) return;
    this.#live.delete(room.id);
    room.close(false);
  }

  #stopLoading(roomId: number, isEnded: boolean): void {
    this.#loading.get(roomId)?.channel?.close(isEnded);
    this.#loading.delete(roomId);
  }

  async #load(roomId: number, entry: Loading): Promise<LiveRoom | undefined> {
    const { store, directory, channels } = this.#options;
    const generation = this.#generation;
    const info = directory.get(roomId);
    if (info === undefined) return undefined;
    const channel = channels?.open(info, entry);
    entry.channel = channel;
    try {
      // What is said from here on is heard, so the snapshot, which is read afterwards, leaves no gap.
      if (channel !== undefined) await channel.ready;
      const snapshot = await store.snapshot(roomId, limits.joinMessages);
      if (channel !== undefined) await channel.answered;
      // Disbanded meanwhile, but perhaps only under the name or epoch that it had.
      if (this.#loading.get(roomId) !== entry) return generation === this.#generation ? this.open(roomId) : undefined;
      if (snapshot === undefined) {
        channel?.close(false);
        return undefined;
      }
      return this.#begin(entry, { ...info, ...snapshot });
    } catch (error: unknown) {
      channel?.close(false);
      throw error;
    }
  }

  #begin(
    entry: Loading,
    loaded: { id: number; name: string; epoch: string; lastId: number; messages: readonly StoredMessage[] },
  ): LiveRoom {
    const { clock, turn, store, onDelivered, counts, channels } = this.#options;
    const room = new LiveRoom({
      ...loaded,
      clock,
      turn,
      store,
      onDelivered,
      channel: entry.channel,
      ...(channels === undefined ? {} : { patienceMs: () => channels.patienceMs() }),
      ...(counts === undefined ? {} : { onMembers: (members: number) => counts.changed(loaded.id, members) }),
    });
    this.#live.set(room.id, room);
    this.#loading.delete(room.id);
    for (const { roomId, id } of this.#deletions) if (roomId === room.id) entry.deleted.push(id);
    entry.begin(room);
    return room;
  }
}

/** Whether somebody here is in it, or about to be. */
function isUsed({ members, holds }: LiveRoom): boolean {
  return members.size > 0 || holds.size > 0;
}
