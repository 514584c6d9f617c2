/**
 * The rooms that are live on this node: loads one with its first member, drops it with the last, and routes stored
 * messages to its gate. It must not know sessions beyond what a room knows of them.
 */
import { limits } from '../protocol/limits.ts';
import { LiveRoom, type Origin } from './live-room.ts';
import type { Clock, MessageStore, StoredMessage } from './ports.ts';
import type { RoomDirectory } from './rooms.ts';
import type { Turn } from './turn.ts';

/** How long a commit with an unknown outcome may still turn up: far above the deadline of a statement. */
const doubtMs = 60_000;

export type HubOptions = {
  clock: Clock;
  turn: Turn;
  store: MessageStore;
  directory: RoomDirectory;
  onDelivered: (frames: number) => void;
};

/** A room that is being loaded: what was stored or deleted meanwhile is caught up with afterwards. */
type Loading = { room: Promise<LiveRoom | undefined>; lastId: number; deleted: number[] };

export class Hub {
  readonly #options: HubOptions;
  readonly #live = new Map<number, LiveRoom>();
  readonly #loading = new Map<number, Loading>();
  /** Rooms whose last commit has an unknown outcome, and until when they are looked at. */
  readonly #doubtful = new Map<number, number>();

  constructor(options: HubOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#live.size;
  }

  get(roomId: number): LiveRoom | undefined {
    return this.#live.get(roomId);
  }

  /** Members of a room on this node. */
  count(roomId: number): number {
    return this.#live.get(roomId)?.members.size ?? 0;
  }

  /** Who is in a room on this node, sorted. */
  memberNames(roomId: number): string[] {
    return this.#live.get(roomId)?.usernames() ?? [];
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
    const entry: Loading = { room: Promise.resolve(undefined), lastId: 0, deleted: [] };
    entry.room = this.#load(roomId, entry).finally(() => {
      if (this.#loading.get(roomId) === entry) this.#loading.delete(roomId);
    });
    this.#loading.set(roomId, entry);
    return entry.room;
  }

  /** A message has been stored. False: the room's members have seen it already, without its origin. */
  offer(roomId: number, message: StoredMessage, origin: Origin | undefined): boolean {
    const loading = this.#loading.get(roomId);
    if (loading !== undefined) loading.lastId = Math.max(loading.lastId, message.id);
    return this.#live.get(roomId)?.gate.offer({ message, origin }) ?? true;
  }

  /** A message was deleted. */
  delete(roomId: number, id: number): void {
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

  /** Drops the room when nobody is in it or about to be. */
  release(room: LiveRoom): void {
    if (room.members.size > 0 || room.holds.size > 0 || this.#live.get(room.id) !== room) return;
    room.gate.close();
    this.#live.delete(room.id);
  }

  /** Ends a room under its present name: deleted or renamed. */
  disband(roomId: number): void {
    this.#loading.delete(roomId);
    const room = this.#live.get(roomId);
    if (room === undefined) return;
    this.#live.delete(roomId);
    room.disband();
  }

  /** Ends all rooms here. */
  disbandAll(): void {
    for (const id of [...this.#loading.keys(), ...this.#live.keys()]) this.disband(id);
  }

  /** These rooms may hold messages that nobody was shown, or get them a little later. */
  doubt(roomIds: readonly number[]): void {
    const until = this.#options.clock.now() + doubtMs;
    for (const id of roomIds) this.#doubtful.set(id, until);
  }

  /** Compares the doubtful rooms with the store, so that the last message of a quiet room is not left behind. Rejects with StoreError: look again later. */
  async reconcile(): Promise<void> {
    if (this.#doubtful.size === 0) return;
    const lastIds = await this.#options.store.lastIds(Array.from(this.#doubtful.keys()));
    for (const [id, lastId] of lastIds) this.#live.get(id)?.gate.catchUp(lastId);
    const now = this.#options.clock.now();
    for (const [id, until] of this.#doubtful) if (until <= now) this.#doubtful.delete(id);
  }

  async #load(roomId: number, entry: Loading): Promise<LiveRoom | undefined> {
    const { clock, turn, store, directory, onDelivered } = this.#options;
    const snapshot = await store.snapshot(roomId, limits.joinMessages);
    const info = directory.get(roomId);
    // Disbanded meanwhile, but perhaps only under the name or epoch that it had.
    if (this.#loading.get(roomId) !== entry) return this.open(roomId);
    if (snapshot === undefined || info === undefined) return undefined;
    const room = new LiveRoom({ ...info, ...snapshot, clock, turn, store, onDelivered });
    this.#live.set(roomId, room);
    this.#loading.delete(roomId);
    for (const id of entry.deleted) room.delete(id);
    room.gate.catchUp(entry.lastId);
    return room;
  }
}
