/**
 * Who is in a room, on all nodes, as one node knows it: a user at most once, with the session and the node that the
 * member is on. What it is told may come late, twice, or not at all; each call returns what changed for whoever looks at
 * the list of names. It must not know rooms, frames or the bus.
 *
 * A claim's number decides which of two facts is the newer one: it grows each time a user's session begins or moves.
 *
 * For sessions that move there are a digest, by which two nodes find out that they know the same users, and moments: what
 * has changed since one can be asked for later.
 */

import { UserList } from './user-list.ts';

/** Parts that are remembered, so that a join which was overtaken by its part makes no ghost. */
const maxParted = 1_000;

/** A member, as its node tells of it. `session`: its key. */
export type RoomMember = { userId: number; username: string; session: string; claim: number };

export type RosterEntry = Readonly<RoomMember> & { readonly node: string };

/** What those in the room are to be shown. */
export type RosterChange = { code: 'joined' | 'parted'; userId: number; username: string };

export type RosterUser = { userId: number; username: string };

/** Who is there and was not, and who was there and is not. */
export type RosterDifference = Record<'joined' | 'parted', RosterUser[]>;

/**
 * The roster as it was at an instant. The changes since then hang on it, each on the one before: so they are there once
 * for all who keep a moment, and go with the last of these.
 */
export type RosterMoment = { next?: RosterStep };
type RosterStep = RosterMoment & { change: RosterChange };

export class Roster {
  readonly #byUser = new Map<number, RosterEntry>();
  readonly #users = new UserList(() => Array.from(this.#byUser.values(), ({ username }) => username));
  /** The claims under which users have parted, oldest first. */
  readonly #parted = new Map<number, number>();
  /** Of all users' ids, each mixed. */
  #sum = 0n;
  #now: RosterMoment = {};

  get size(): number {
    return this.#byUser.size;
  }

  get(userId: number): RosterEntry | undefined {
    return this.#byUser.get(userId);
  }

  /** Sorted. */
  usernames(): string[] {
    return [...this.#users.names];
  }

  /** `status.users`, as that user is to see it, who need not be in it yet: the entries, without the brackets. */
  encodedFor(username: string): Buffer {
    return this.#users.encodedFor(username);
  }

  /** Of `encodedFor`, within a few. */
  get encodedBytes(): number {
    return this.#users.bytes;
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
    if (old?.username !== username) {
      if (old !== undefined) this.#users.delete(old.username);
      this.#users.add(username);
    }
    if (old?.session === session) return [];
    const joined: RosterChange = { code: 'joined', userId, username };
    if (old !== undefined) return [{ code: 'parted', userId, username: old.username }, joined];
    this.#note(joined, mixed(userId));
    return [joined];
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
    this.#users.delete(old.username);
    this.#noteParted(userId, claim);
    const parted: RosterChange = { code: 'parted', userId, username: old.username };
    this.#note(parted, -mixed(userId));
    return [parted];
  }

  // ---- what sessions that move need ----

  /**
   * The same on two nodes means the same users, whatever their sessions, claims and nodes: of two lists that differ, it
   * is the same by a chance of 1 to 2^64. With a thousand differing lists compared each second that is once in
   * 600 million years, and then a user in a list is wrong for one client until it joins again.
   */
  get digest(): string {
    return `${this.size}.${this.#sum.toString(36)}`;
  }

  /** To ask later what has changed since. */
  moment(): RosterMoment {
    return this.#now;
  }

  since(moment: RosterMoment): RosterDifference {
    // A user's first change tells whether the user was there.
    const first = new Map<number, RosterChange>();
    for (let at = moment.next; at !== undefined; at = at.next) {
      if (!first.has(at.change.userId)) first.set(at.change.userId, at.change);
    }
    const changes = Array.from(first.values());
    return {
      joined: changes.filter(({ code, userId }) => code === 'joined' && this.#byUser.has(userId)),
      parted: changes.filter(({ code, userId }) => code === 'parted' && !this.#byUser.has(userId)),
    };
  }

  /** `users`: who was there, by another node's list. */
  comparedWith(users: readonly RosterUser[]): RosterDifference {
    const before = new Set(users.map(({ userId }) => userId));
    return {
      joined: Array.from(this.#byUser.values()).filter(({ userId }) => !before.has(userId)),
      parted: users.filter(({ userId }) => !this.#byUser.has(userId)),
    };
  }

  #note(change: RosterChange, addend: bigint): void {
    this.#sum = BigInt.asUintN(64, this.#sum + addend);
    const next: RosterStep = { change };
    this.#now.next = next;
    this.#now = next;
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

/**
 * SplitMix64's finalizer (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): each id its own number,
 * so that one user in another's place is always found, and numbers of which sums look like chance. Less than 1 µs.
 */
function mixed(userId: number): bigint {
  let bits = BigInt.asUintN(64, BigInt(userId) * 0x9e37_79b9_7f4a_7c15n);
  bits = BigInt.asUintN(64, (bits ^ (bits >> 30n)) * 0xbf58_476d_1ce4_e5b9n);
  bits = BigInt.asUintN(64, (bits ^ (bits >> 27n)) * 0x94d0_49bb_1331_11ebn);
  return bits ^ (bits >> 31n);
}
