/**
 * The rooms the client is in, and what it has seen of each: turns room messages into events, each message once and in
 * order, over any number of sessions. Knows no connection; asks its own requests through `request`. A session that goes
 * on over another connection is no news here: it brings what was missed by itself.
 *
 *   live ──session lost──▶ away ──joined──▶ live                      (nothing missed, or all of it in the status)
 *                           ▲      joined, truncated ──▶ filling ──all pages read──▶ live
 *                           └──────session lost──────────┘
 *
 * Memory per room is one number and one epoch: ids ascend, so "seen" is a mark and not a set. While filling, at most
 * `heldMax` later events wait behind the pages.
 */
import type { ClientFrame, HistoryEntry, RoomFrame, RoomStatus, ServerFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import { ChatError } from './errors.ts';
import type { ChatMessage, ClientEvents } from './events.ts';

/** Events that wait while missed messages are read; beyond them messages are read from the history as well. */
const heldMax = 2_000;

type Held = { id: number; message: ChatMessage } | { id: null; deliver: () => void };

type Room = {
  name: string;
  epoch: string;
  /** The highest id that was shown, or was in the status of the first join. */
  seen: number;
  phase: 'live' | 'away' | 'filling';
  /** Filling: the ids from `seen` up to this one, exclusive, are read from the history. */
  until: number;
  held: Held[];
};

/** A room that the client is in, and the last message that it was told of. */
export type RoomMark = { name: string; epoch: string; seen: number };

export type RoomsDeps = {
  /** Sends a request of the client's own; rejects with ChatError, or otherwise when the session is gone or stuck. */
  request: (frame: ClientFrame) => Promise<ServerFrame>;
  emit: <Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]) => void;
  /** A room's phase changed: requests that waited for it may go. */
  onReady: () => void;
  /** The session no longer answers: only a new one helps. */
  onStuck: () => void;
};

export class Rooms {
  readonly #deps: RoomsDeps;
  readonly #rooms = new Map<string, Room>();
  /** Counts sessions, so that work begun in one stops with it. */
  #session = 0;

  constructor(deps: RoomsDeps) {
    this.#deps = deps;
  }

  /** What a later client needs to go on from here. */
  marks(): RoomMark[] {
    return [...this.#rooms.values()].map(({ name, epoch, seen }) => ({ name, epoch, seen }));
  }

  /** Whether all that came was told: otherwise a later client has to join the rooms again to be told of the rest. */
  isAllTold(): boolean {
    return [...this.#rooms.values()].every(({ phase }) => phase === 'live');
  }

  /** Goes on from an earlier client's marks, in its session; without it, `lose` comes before the first `rejoin`. */
  restore(marks: readonly RoomMark[]): void {
    for (const { name, epoch, seen } of marks) {
      this.#rooms.set(name, { name, epoch, seen, phase: 'live', until: 0, held: [] });
    }
  }

  names(): ReadonlySet<string> {
    return new Set(this.#rooms.keys());
  }

  /** Whether a request may go now. A part waits until the room has caught up, or it would cut the catching up off. */
  isReady(frame: ClientFrame): boolean {
    if (!('room_name' in frame)) return true;
    const phase = this.#rooms.get(frame.room_name)?.phase;
    return phase !== 'away' && (phase !== 'filling' || frame.type !== 'part');
  }

  /** A new session is open: joins every room again, from where it was. */
  rejoin(): void {
    for (const room of this.#rooms.values()) void this.#rejoin(room, this.#session);
  }

  /** The session is gone. */
  lose(): void {
    this.#session += 1;
    for (const room of this.#rooms.values()) {
      room.phase = 'away';
      // The messages among them come again after the next join; live events would be lost.
      for (const entry of room.held.splice(0)) {
        // A listener may have closed the client.
        if (this.#rooms.get(room.name) !== room) break;
        if (entry.id === null) entry.deliver();
      }
    }
  }

  clear(): void {
    this.#session += 1;
    this.#rooms.clear();
  }

  /** Takes one room message. */
  take(frame: RoomFrame): void {
    const { emit } = this.#deps;
    const { room_name: name } = frame;
    if (frame.code === 'deleted') {
      const { id } = frame;
      this.#deliver(name, () => emit('deleted', { room: name, id }));
      return;
    }
    const { user, you, stamp } = frame;
    const about = { room: name, user, you, stamp };
    switch (frame.code) {
      case 'joined':
        if (you && frame.status !== undefined) this.#joined(name, about, frame.status);
        else this.#deliver(name, () => emit('joined', about));
        return;
      case 'parted':
        if (you) this.#leave(name);
        this.#deliver(name, () => emit('parted', about));
        return;
      case 'custom': {
        const event = { ...about, command: frame.command, payload: frame.payload };
        this.#deliver(name, () => emit('custom', event));
        return;
      }
      case 'message':
        // A repeat answers a resend; the message itself was or will be shown in its place.
        if (frame.repeat !== true) this.#message({ room: name, id: frame.id, stamp, user, you, body: frame.body });
        return;
      default:
    }
  }

  #joined(name: string, about: ChatAbout, status: RoomStatus): void {
    const room = this.#rooms.get(name);
    if (room?.phase === 'away') {
      this.#rejoined(room, status);
      return;
    }
    const fresh: Room = { name, epoch: status.epoch, seen: status.last_id, phase: 'live', until: 0, held: [] };
    this.#rooms.set(name, fresh);
    this.#deps.emit('joined', { ...about, status });
  }

  async #rejoin(room: Room, session: number): Promise<void> {
    try {
      // The answer itself is handled by `take`: what follows it may be in the same turn.
      await this.#deps.request({ type: 'join', room_name: room.name, since: room.seen, epoch: room.epoch });
    } catch (error) {
      if (session !== this.#session) return;
      if (!(error instanceof ChatError)) return this.#deps.onStuck();
      this.#rooms.delete(room.name);
      this.#deps.emit('left', { room: room.name, error });
      this.#deps.onReady();
    }
  }

  #rejoined(room: Room, status: RoomStatus): void {
    const { emit } = this.#deps;
    const gap = status.epoch !== room.epoch || status.last_id < room.seen;
    const missed = gap ? [] : newer(status.messages, room).map((message) => ({ id: message.id, message }));
    if (gap) room.seen = status.last_id;
    room.epoch = status.epoch;
    room.phase = 'filling';
    room.held = missed;
    // Without truncation the status holds all there is, and nothing is left to read.
    const oldest = missed[0]?.id ?? status.last_id + 1;
    room.until = !gap && status.truncated === true ? oldest : 0;
    emit('rejoined', { room: room.name, status, gap });
    if (room.until > room.seen + 1) void this.#fill(room, this.#session);
    else this.#caughtUp(room);
    this.#deps.onReady();
  }

  /**
   * Reads what is missing in windows of ids from the oldest on, so that each page is shown when it comes, nothing
   * piles up, and a cut in between loses no progress. Ids have holes where messages were deleted: an empty window makes
   * the next one wider; a page that does not reach down to where the window began makes it narrower.
   */
  async #fill(room: Room, session: number): Promise<void> {
    let width: number = limits.historyMessages;
    while (room.until > room.seen + 1) {
      const before = Math.min(room.seen + 1 + width, room.until);
      const page = await this.#page(room, before);
      if (session !== this.#session || this.#rooms.get(room.name) !== room) return;
      if (page === undefined) return this.#deps.onStuck();
      const lowest = page.messages.at(-1)?.id ?? 0;
      if (page.more && lowest > room.seen + 1) {
        width = Math.max(1, Math.floor(width / 4));
        continue;
      }
      const messages = newer(page.messages, room);
      for (const message of messages) this.#show(room, message);
      if (this.#rooms.get(room.name) !== room) return;
      room.seen = Math.max(room.seen, before - 1);
      width = messages.length === 0 ? width * 4 : Math.min(width * 2, limits.historyMessages);
    }
    this.#caughtUp(room);
    this.#deps.onReady();
  }

  async #page(room: Room, before: number): Promise<{ messages: HistoryEntry[]; more: boolean } | undefined> {
    const limit = Math.min(limits.historyMessages, Math.max(1, before - room.seen - 1));
    try {
      const answer = await this.#deps.request({ type: 'history', room_name: room.name, before, limit });
      return answer.type === 'notification' && answer.code === 'history' ? answer : undefined;
    } catch {
      // Parted meanwhile, which the caller sees by itself; or no answer, which only a new session mends.
      return undefined;
    }
  }

  /** What waited is next in line: shows it and goes live. */
  #caughtUp(room: Room): void {
    for (const entry of room.held.splice(0)) {
      // A listener may have closed the client: then the room is no longer ours.
      if (this.#rooms.get(room.name) !== room) return;
      if (entry.id === null) entry.deliver();
      else this.#show(room, entry.message);
    }
    if (room.phase === 'filling') room.phase = 'live';
  }

  #message(message: ChatMessage): void {
    const room = this.#rooms.get(message.room);
    if (room === undefined) this.#deps.emit('message', message);
    else if (room.phase === 'filling') this.#hold(room, { id: message.id, message });
    else this.#show(room, message);
  }

  /** Shows a message unless it was seen, or the room is no longer this one. */
  #show(room: Room, message: ChatMessage): void {
    if (message.id <= room.seen || this.#rooms.get(room.name) !== room) return;
    room.seen = message.id;
    this.#deps.emit('message', message);
  }

  #deliver(name: string, deliver: () => void): void {
    const room = this.#rooms.get(name);
    if (room?.phase === 'filling') this.#hold(room, { id: null, deliver });
    else deliver();
  }

  #hold(room: Room, entry: Held): void {
    room.held.push(entry);
    if (room.held.length <= heldMax) return;
    // Too much to keep: the messages are in the history, so they are read from there; the rest is shown early.
    for (const held of room.held.splice(0)) {
      if (held.id === null) held.deliver();
      else room.until = held.id + 1;
    }
  }

  /** This client is no longer in the room: what waited is shown, what could not be read stays unread. */
  #leave(name: string): void {
    const room = this.#rooms.get(name);
    if (room === undefined) return;
    this.#caughtUp(room);
    this.#rooms.delete(name);
    this.#deps.onReady();
  }
}

type ChatAbout = { room: string; user: string; you: boolean; stamp: string };

/** Entries above what was seen, oldest first. `entries`: newest first. */
function newer(entries: readonly HistoryEntry[], room: Room): ChatMessage[] {
  const messages: ChatMessage[] = [];
  for (const { id, stamp, user, you, body } of entries) {
    if (id > room.seen) messages.push({ room: room.name, id, stamp, user, you, body });
  }
  return messages.reverse();
}
