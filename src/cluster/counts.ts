/**
 * How many members each room has on the other nodes, for the list of rooms. Every node tells all others what changed,
 * at most a few times a second, and everything when something may have been lost. It must not know live rooms.
 */
import type { Bus, Peers } from '../core/cluster-ports.ts';
import type { Clock } from '../core/ports.ts';
import type { RoomCounts } from '../core/room-channel.ts';

/** A list that is older is noticed by nobody; a storm of joins is told in a few words. */
const gapMs = 200;
/** Who looks at a room's page waits for it. */
const namesTimeoutMs = 1_000;

export interface ClusterRoomCounts extends RoomCounts {
  /** Tells all others everything, and asks them for theirs: when this node begins, also under another id. */
  announce(): void;
  close(): void;
}

export type RoomCountsOptions = {
  bus: Pick<Bus, 'isAlone' | 'onRestored'>;
  peers: Peers;
  /** A node was heard of: should it be dead, it has to be said so (`forget`), also where it died before this one began. */
  noteHere?: (node: string) => void;
  clock: Clock;
};

export function createRoomCounts(options: RoomCountsOptions): ClusterRoomCounts {
  return new BusRoomCounts(options);
}

/** `isAll`: rooms that are not named have no members there. `asks`: the other's counts are wanted. */
type Told = { rooms: [roomId: number, members: number][]; isAll: boolean; asks: boolean };

class BusRoomCounts implements ClusterRoomCounts {
  readonly #options: RoomCountsOptions;
  readonly #own = new Map<number, number>();
  readonly #byNode = new Map<string, Map<number, number>>();
  /** Rooms whose members changed here since the others were told. */
  readonly #changed = new Set<number>();
  #cancelGap: (() => void) | undefined;
  readonly #endRestored: () => void;

  constructor(options: RoomCountsOptions) {
    this.#options = options;
    this.#endRestored = options.bus.onRestored(() => this.announce());
    options.peers.on('counts', (value, from) => this.#handleTold(value, from));
  }

  announce(): void {
    this.#options.peers.tellAll('counts', this.#all(true));
  }

  changed(roomId: number, members: number): void {
    if (members === 0) this.#own.delete(roomId);
    else this.#own.set(roomId, members);
    if (this.#options.bus.isAlone) return;
    this.#changed.add(roomId);
    // What changes in one turn is told at once; what follows soon, together.
    this.#cancelGap ??= this.#options.clock.after(0, () => this.#tell());
  }

  elsewhere(roomId: number): number {
    let members = 0;
    for (const rooms of this.#byNode.values()) members += rooms.get(roomId) ?? 0;
    return members;
  }

  async names(roomId: number): Promise<string[]> {
    for (const [node, rooms] of Array.from(this.#byNode)) {
      const names = rooms.has(roomId) ? await this.#ask(node, roomId) : undefined;
      if (names !== undefined) return names;
    }
    return [];
  }

  serve(namesHere: (roomId: number) => string[]): void {
    this.#options.peers.serve('room-names', (question) => {
      const { room } = question as { room?: unknown };
      return Promise.resolve({ names: typeof room === 'number' ? namesHere(room) : [] });
    });
  }

  forget(node: string): void {
    this.#byNode.delete(node);
  }

  close(): void {
    this.#endRestored();
    this.#cancelGap?.();
  }

  #tell(): void {
    this.#cancelGap = undefined;
    if (this.#changed.size === 0) return;
    const rooms = Array.from(this.#changed, (id): [number, number] => [id, this.#own.get(id) ?? 0]);
    this.#changed.clear();
    this.#options.peers.tellAll('counts', { rooms, isAll: false, asks: false } satisfies Told);
    this.#cancelGap = this.#options.clock.after(gapMs, () => this.#tell());
  }

  #all(asks: boolean): Told {
    return { rooms: Array.from(this.#own), isAll: true, asks };
  }

  #handleTold(value: unknown, from: string): void {
    const told = parseTold(value);
    if (told === undefined) return;
    if (!this.#byNode.has(from)) this.#options.noteHere?.(from);
    const rooms = (told.isAll ? undefined : this.#byNode.get(from)) ?? new Map<number, number>();
    for (const [id, members] of told.rooms) {
      if (members === 0) rooms.delete(id);
      else rooms.set(id, members);
    }
    this.#byNode.set(from, rooms);
    if (told.asks) this.#options.peers.tell(from, 'counts', this.#all(false));
  }

  async #ask(node: string, roomId: number): Promise<string[] | undefined> {
    try {
      const answer = await this.#options.peers.ask(node, 'room-names', { room: roomId }, { timeoutMs: namesTimeoutMs });
      const { names } = answer as { names?: unknown };
      return Array.isArray(names) && names.length > 0 && names.every(isText) ? names : undefined;
    } catch {
      return undefined;
    }
  }
}

function parseTold(value: unknown): Told | undefined {
  const { rooms, isAll, asks } = value as Record<keyof Told, unknown>;
  const isOurs = typeof isAll === 'boolean' && typeof asks === 'boolean' && Array.isArray(rooms);
  return isOurs && rooms.every(isCount) ? { rooms, isAll, asks } : undefined;
}

function isCount(value: unknown): value is [number, number] {
  return Array.isArray(value) && Number.isSafeInteger(value[0]) && Number.isSafeInteger(value[1]) && value[1] >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
