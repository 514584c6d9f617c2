/**
 * The rooms of one session: those that it is a member of, by id, and how far it had seen those that it has left. Most
 * sessions are idle, so nothing is made for what one has not done. It must not know what rooms say.
 */
import type { LiveRoom } from './live-room.ts';
import { SeenRooms } from './seen-rooms.ts';

const none: ReadonlyMap<number, LiveRoom> = new Map();

export class SessionRooms {
  readonly #seen: SeenRooms;
  /** Undefined: none was entered yet. An empty map is 200 bytes of each session. */
  #entered: Map<number, LiveRoom> | undefined;

  /** `seen`: what another one has exported. */
  constructor(seen?: ReturnType<SeenRooms['export']>) {
    this.#seen = new SeenRooms(seen);
  }

  get size(): number {
    return this.#all.size;
  }

  has(roomId: number): boolean {
    return this.#all.has(roomId);
  }

  get(roomId: number): LiveRoom | undefined {
    return this.#all.get(roomId);
  }

  ids(): number[] {
    return Array.from(this.#all.keys());
  }

  all(): Iterable<LiveRoom> {
    return this.#all.values();
  }

  enter(room: LiveRoom): void {
    this.#entered ??= new Map();
    this.#entered.set(room.id, room);
  }

  exit(room: LiveRoom): void {
    this.#entered?.delete(room.id);
    this.#seen.note(room.id, room.gate.position);
  }

  /** It ends, or goes on elsewhere: where it was is of no use any more. */
  clear(): void {
    this.#entered?.clear();
  }

  /** How far it had seen a room that it has left; 0: not known. */
  seenOf(roomId: number): number {
    return this.#seen.of(roomId);
  }

  exportSeen(): ReturnType<SeenRooms['export']> {
    return this.#seen.export();
  }

  get #all(): ReadonlyMap<number, LiveRoom> {
    return this.#entered ?? none;
  }
}
