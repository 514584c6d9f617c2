/**
 * Rooms that are kept open here for a session that is on its way: what is said in them is heard before its owner is asked
 * for it, and who was in them when it was asked is found out afterwards. Knows nothing of the session.
 */
import type { Hub } from '../core/hub.ts';
import type { LiveRoom, Receiver } from '../core/live-room.ts';
import type { RoomDirectory } from '../core/rooms.ts';
import type { RosterMoment } from '../core/roster.ts';
import type { OpenRoom } from './move-frames.ts';

export class Seats {
  readonly #hub: Hub;
  readonly #directory: RoomDirectory;
  /** By id; undefined: it does not exist. */
  readonly #rooms = new Map<number, LiveRoom | undefined>();
  /** The rosters of which the last question had the digest. */
  readonly #asked = new Map<LiveRoom, RosterMoment>();
  /** Keeps a room open as one who is about to join does. */
  readonly #holder: Receiver = { userId: 0, username: '', key: '', claim: 0, push() {}, flush() {}, onDisbanded() {} };

  constructor({ hub, directory }: { hub: Hub; directory: RoomDirectory }) {
    this.#hub = hub;
    this.#directory = directory;
  }

  /** What a question says of the rooms, as they are at this moment. */
  ask(): OpenRoom[] {
    return Array.from(this.#rooms, ([id, room]) => {
      if (room === undefined) return { id };
      this.#asked.set(room, room.roster.moment());
      return { id, roster: room.roster.digest };
    });
  }

  /** The roster of the room as it was in the last question. Undefined: it was not open then. */
  rosterOf(room: LiveRoom): RosterMoment | undefined {
    return this.#asked.get(room);
  }

  /** Rejects with StoreError. */
  async take(ids: readonly number[]): Promise<void> {
    const missing = ids.filter((id) => !this.#rooms.has(id));
    // One that another node has just made.
    if (missing.some((id) => this.#directory.get(id) === undefined)) await this.#directory.current();
    await Promise.all(missing.map((id) => this.#take(id)));
  }

  leave(): void {
    for (const room of this.#rooms.values()) {
      room?.holds.delete(this.#holder);
      if (room !== undefined) this.#hub.release(room);
    }
    this.#rooms.clear();
    this.#asked.clear();
  }

  async #take(id: number): Promise<void> {
    const room = await this.#hub.open(id);
    const isLive = room !== undefined && this.#hub.get(id) === room;
    this.#rooms.set(id, isLive ? room : undefined);
    if (isLive) room.hold(this.#holder);
  }
}
