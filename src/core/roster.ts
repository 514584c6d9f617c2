/**
 * Who is in a room, on all nodes, as one node knows it: a user at most once, with the session and the node that the
 * member is on. What it is told may come late, twice, or not at all; each call returns what changed for whoever looks at
 * the list of names. It must not know rooms, frames or the bus.
 *
 * A claim's number decides which of two facts is the newer one: it grows each time a user's session begins or moves.
 */

/** Parts that are remembered, so that a join which was overtaken by its part makes no ghost. */
const maxParted = 1_000;

/** A member, as its node tells of it. `session`: its key. */
export type RoomMember = { userId: number; username: string; session: string; claim: number };

export type RosterEntry = Readonly<RoomMember> & { readonly node: string };

/** What those in the room are to be shown. */
export type RosterChange = { code: 'joined' | 'parted'; userId: number; username: string };

export class Roster {
  readonly #byUser = new Map<number, RosterEntry>();
  /** The claims under which users have parted, oldest first. */
  readonly #parted = new Map<number, number>();

  get size(): number {
    return this.#byUser.size;
  }

  get(userId: number): RosterEntry | undefined {
    return this.#byUser.get(userId);
  }

  /** Sorted. */
  usernames(): string[] {
    return Array.from(this.#byUser.values(), ({ username }) => username).sort();
  }

  all(): Iterable<RosterEntry> {
    return this.#byUser.values();
  }

  /** Those whose member is on that node. */
  of(node: string): RosterEntry[] {
    return Array.from(this.#byUser.values()).filter((entry) => entry.node === node);
  }

  has(node: string): boolean {
    for (const entry of this.#byUser.values()) if (entry.node === node) return true;
    return false;
  }

  /** A member is there, under this claim. The same session with a higher claim has moved, which nobody sees. */
  join(entry: RosterEntry): RosterChange[] {
    const { userId, username, session, claim } = entry;
    const old = this.#byUser.get(userId);
    if (claim < (old?.claim ?? this.#parted.get(userId) ?? claim)) return [];
    this.#parted.delete(userId);
    this.#byUser.set(userId, entry);
    if (old?.session === session) return [];
    const joined: RosterChange = { code: 'joined', userId, username };
    return old === undefined ? [joined] : [{ code: 'parted', userId, username: old.username }, joined];
  }

  /** A session has parted, under this claim: it counts unless the user is there with another session or a newer claim. */
  part({ userId, session, claim }: Pick<RoomMember, 'userId' | 'session' | 'claim'>): RosterChange[] {
    const old = this.#byUser.get(userId);
    if (old === undefined) {
      this.#noteParted(userId, claim);
      return [];
    }
    if (old.session !== session || claim < old.claim) return [];
    this.#byUser.delete(userId);
    this.#noteParted(userId, claim);
    return [{ code: 'parted', userId, username: old.username }];
  }

  #noteParted(userId: number, claim: number): void {
    const known = this.#parted.get(userId) ?? claim;
    this.#parted.delete(userId);
    this.#parted.set(userId, Math.max(known, claim));
    if (this.#parted.size <= maxParted) return;
    const [oldest = userId] = this.#parted.keys();
    this.#parted.delete(oldest);
  }
}
