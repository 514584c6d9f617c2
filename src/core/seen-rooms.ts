/**
 * How far a session had seen the rooms that it has left: where it joins one again, on a node that has not come as far, it
 * waits, so that nothing comes twice. Knows ids only.
 */

/** Rooms remembered, those left last: who comes back to a room does so soon. */
export const maxSeenRooms = 100;

export class SeenRooms {
  /** Undefined: none was left yet. An empty map is 200 bytes of each session. */
  #positions: Map<number, number> | undefined;

  /** Oldest first. */
  constructor(positions?: Iterable<readonly [roomId: number, position: number]>) {
    if (positions !== undefined) this.#positions = new Map(positions);
  }

  of(roomId: number): number {
    return this.#positions?.get(roomId) ?? 0;
  }

  note(roomId: number, position: number): void {
    this.#positions ??= new Map();
    this.#positions.delete(roomId);
    this.#positions.set(roomId, position);
    if (this.#positions.size <= maxSeenRooms) return;
    const [oldest = roomId] = this.#positions.keys();
    this.#positions.delete(oldest);
  }

  export(): [roomId: number, position: number][] {
    return Array.from(this.#positions ?? []);
  }
}
