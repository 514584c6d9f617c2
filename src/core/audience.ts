/**
 * Those on this node who see what happens in a room: its members, and who is about to become one. Owns the fan-out of one
 * turn's frames. It must not know what the frames say.
 */
import { limits } from '../protocol/limits.ts';
import type { EncodedFrame } from './transport.ts';
import type { Flushable, Turn } from './turn.ts';

/** What the audience knows of a session. */
export interface Listener extends Flushable {
  readonly userId: number;
  /** Takes frames in order, to be written when the turn ends. */
  push(frames: readonly EncodedFrame[]): void;
}

/** One event of a turn: the frame for all, and what the session that it is about gets instead, if anything else. */
type Pending<L> = { all: EncodedFrame; of: L | undefined; own: readonly EncodedFrame[] | undefined };

/** Frames for a member-to-be, held until its snapshot has been read. */
export type Hold = { frames: EncodedFrame[]; bytes: number; overflowed: boolean };

export type AudienceOptions = {
  turn: Turn;
  /** Counts what is handed to members. */
  onDelivered: (frames: number) => void;
  /** The number of members has changed. */
  onMembers: ((members: number) => void) | undefined;
};

export class Audience<L extends Listener> implements Flushable {
  readonly members: Set<L> = new Set();
  /** Sessions that are about to join, each with what it must get afterwards. */
  readonly holds: Map<L, Hold> = new Map();
  readonly #options: AudienceOptions;
  readonly #byUser = new Map<number, L>();
  #pending: Pending<L>[] = [];

  constructor(options: AudienceOptions) {
    this.#options = options;
  }

  /** It may have been held before. */
  add(member: L): void {
    this.holds.delete(member);
    this.members.add(member);
    this.#byUser.set(member.userId, member);
    this.#options.onMembers?.(this.members.size);
  }

  delete(member: L): void {
    if (!this.members.delete(member)) return;
    if (this.#byUser.get(member.userId) === member) this.#byUser.delete(member.userId);
    this.#options.onMembers?.(this.members.size);
  }

  clear(): void {
    this.members.clear();
    this.#byUser.clear();
    this.holds.clear();
    this.#options.onMembers?.(0);
  }

  /** The user's session here, or the one that is about to join. */
  of(userId: number): L | undefined {
    const member = this.#byUser.get(userId);
    if (member !== undefined || this.holds.size === 0) return member;
    for (const joining of this.holds.keys()) if (joining.userId === userId) return joining;
    return undefined;
  }

  /** Begins to hold what happens for a session whose snapshot is being read. */
  hold(member: L): Hold {
    this.flush();
    const hold: Hold = { frames: [], bytes: 0, overflowed: false };
    this.holds.set(member, hold);
    return hold;
  }

  /** Shows it with this turn: `of` sees `own` instead, where it is given. */
  post(all: EncodedFrame, of?: L, own?: readonly EncodedFrame[]): void {
    this.#pending.push({ all, of, own });
    this.#options.turn.addRoom(this);
  }

  /** Hands this turn's frames to the members. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    const shared = pending.map((event) => event.all);
    const subjects = new Set(pending.map((event) => event.of));
    // Who has said something hears first that it was stored, and says the next while the others are told: so there is
    // more to each of their writes. Where 8 of 200 wait for their own message, a delivery costs a tenth less CPU.
    for (const member of subjects) {
      if (member !== undefined && this.members.has(member)) member.push(framesFor(member, pending));
    }
    for (const member of this.members) if (!subjects.has(member)) member.push(shared);
    for (const [member, hold] of this.holds) holdBack(hold, subjects.has(member) ? framesFor(member, pending) : shared);
    this.#options.onDelivered(shared.length * this.members.size);
  }
}

function framesFor<L>(member: L, pending: readonly Pending<L>[]): EncodedFrame[] {
  const frames: EncodedFrame[] = [];
  for (const { all, of, own } of pending) {
    if (of === member && own !== undefined) frames.push(...own);
    else frames.push(all);
  }
  return frames;
}

function holdBack(hold: Hold, frames: readonly EncodedFrame[]): void {
  if (hold.overflowed) return;
  for (const frame of frames) hold.bytes += frame.bytes.length;
  if (hold.bytes > limits.unwrittenBytes) {
    hold.overflowed = true;
    hold.frames = [];
    return;
  }
  hold.frames.push(...frames);
}
