/**
 * Rooms that are kept open here for a session that is on its way: what is said in them is heard before its owner is asked
 * for it. Knows nothing of the session.
 */
import type { Hub } from '../core/hub.ts';
import type { LiveRoom, Receiver } from '../core/live-room.ts';
import type { RoomDirectory } from '../core/rooms.ts';

export class Seats {
  readonly #hub: Hub;
  readonly #directory: RoomDirectory;
  readonly #ids = new Set<number>();
  readonly #rooms: LiveRoom[] = [];
  /** Keeps a room open as one who is about to join does. */
  readonly #holder: Receiver = { userId: 0, username: '', key: '', claim: 0, push() {}, flush() {}, onDisbanded() {} };

  constructor({ hub, directory }: { hub: Hub; directory: RoomDirectory }) {
    this.#hub = hub;
    this.#directory = directory;
  }

  /** Those that were asked for; one of them may not exist. */
  get rooms(): number[] {
    return Array.from(this.#ids);
  }

  /** Rejects with StoreError. */
  async take(ids: readonly number[]): Promise<void> {
    const missing = ids.filter((id) => !this.#ids.has(id));
    // One that another node has just made.
    if (missing.some((id) => this.#directory.get(id) === undefined)) await this.#directory.current();
    await Promise.all(missing.map((id) => this.#take(id)));
  }

  leave(): void {
    for (const room of this.#rooms.splice(0)) {
      room.holds.delete(this.#holder);
      this.#hub.release(room);
    }
  }

  async #take(id: number): Promise<void> {
    const room = await this.#hub.open(id);
    this.#ids.add(id);
    if (room === undefined || this.#hub.get(id) !== room) return;
    room.hold(this.#holder);
    this.#rooms.push(room);
  }
}
