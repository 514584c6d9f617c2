/**
 * The directory: every room's name, topic and epoch in memory, so that listing and joining ask no store. Kept by the
 * changes that it is told of. Names match exactly; everything else goes by a room's id.
 */
import type { Room } from './ports.ts';

export type RoomInfo = Pick<Room, 'id' | 'name' | 'topic' | 'epoch'>;

export class RoomDirectory {
  readonly #byId = new Map<number, RoomInfo>();
  readonly #byName = new Map<string, RoomInfo>();
  #sorted: readonly RoomInfo[] | undefined;
  readonly #refresh: () => Promise<void>;

  /** `refresh` reads what other processes changed; a name that is not known is looked for again after it. */
  constructor(refresh: () => Promise<void>) {
    this.#refresh = refresh;
  }

  /** All rooms, sorted by name. */
  list(): readonly RoomInfo[] {
    this.#sorted ??= Array.from(this.#byId.values()).sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#sorted;
  }

  /** As `list`, with what another process has just changed. Rejects with StoreError when the store cannot be asked. */
  async current(): Promise<readonly RoomInfo[]> {
    await this.#refresh();
    return this.list();
  }

  get(id: number): RoomInfo | undefined {
    return this.#byId.get(id);
  }

  /** By name; a room that another process has just made is found too. Rejects with StoreError when the store cannot be asked. */
  async find(name: string): Promise<RoomInfo | undefined> {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    await this.#refresh();
    return this.#byName.get(name);
  }

  /** By name, from memory alone. */
  peek(name: string): RoomInfo | undefined {
    return this.#byName.get(name);
  }

  put(room: RoomInfo): void {
    this.remove(room.id);
    const info = { id: room.id, name: room.name, topic: room.topic, epoch: room.epoch };
    this.#byId.set(room.id, info);
    this.#byName.set(room.name, info);
    this.#sorted = undefined;
  }

  remove(id: number): void {
    const old = this.#byId.get(id);
    if (old === undefined) return;
    this.#byId.delete(id);
    if (this.#byName.get(old.name) === old) this.#byName.delete(old.name);
    this.#sorted = undefined;
  }

  /** Replaces everything. Resolves the ids that are gone. */
  reset(rooms: readonly RoomInfo[]): number[] {
    const kept = new Set(rooms.map((room) => room.id));
    const gone = Array.from(this.#byId.keys()).filter((id) => !kept.has(id));
    for (const id of gone) this.remove(id);
    for (const room of rooms) this.put(room);
    return gone;
  }
}
