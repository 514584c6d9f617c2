/**
 * The chat of one log-in: its client, from the connection to the end, and what has to be done when it connects, comes
 * back or ends. Rooms are joined and left here, older messages read, the list of rooms kept fresh.
 *
 *   start ──▶ (connecting) ──session──▶ chatting ──▶ ended ──goOn──▶ chatting …
 */
import {
  ChatError,
  type Client,
  ConnectionError,
  type EndReason,
  type ExportedSession,
  FatalError,
  limits,
  RequestError,
  type RoomStatus,
  type Timers,
} from '../../../client/index.ts';
import type { Texts } from '../../texts/texts.ts';
import type { KnownCommands } from './commands.ts';
import { watchConnection } from './connection-events.ts';
import type { Log } from './log.ts';
import type { OpenRooms } from './open-rooms.ts';
import type { Room } from './room.ts';
import { watchRooms } from './room-events.ts';
import type { RoomList } from './room-list.ts';
import type { Sending } from './sending.ts';
import { codeOf, type Sentences } from './sentences.ts';
import type { State } from './state.ts';

/** Milliseconds between looks at the list of rooms while nobody asks. */
const refreshMs = 60_000;
/** Milliseconds by which a timer may be early by the clock. */
const slackMs = 1_000;
/** Milliseconds until the server is asked again who this is, where it had no answer. */
const identifyMs = 3_000;
/** Messages read at a time by scrolling up: two screens. */
const olderCount = limits.historyDefault;

export type ChattingDeps = {
  client: Client;
  state: State;
  rooms: OpenRooms;
  roomList: RoomList;
  sending: Sending;
  commands: KnownCommands;
  log: Log;
  texts: Texts['chat']['model'];
  sentences: Sentences;
  timers: Timers;
  now: () => number;
  isVisible: () => boolean;
  /** It is known who chats: what the browser remembers of that user can be had. */
  onIdentified: () => void;
  /** In the chat, and it is known who chats. */
  onReady: () => void;
  onEnd: (reason: EndReason) => void;
};

export class Chatting {
  readonly #deps: ChattingDeps;
  readonly #client: Client;
  readonly #removers: (() => void)[];
  /** Rooms that are being left by this user's wish. */
  readonly #leaving = new Set<string>();
  #isOver = false;
  #isOpen = false;
  #identifyTimer: unknown;
  #refreshTimer: unknown;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: ChattingDeps) {
    const { client, state, rooms, commands } = deps;
    this.#deps = deps;
    this.#client = client;
    this.#removers = [
      watchConnection(client, { ...deps, link: state.link }),
      watchRooms(client, {
        rooms,
        onCommand: (name) => commands.note(name),
        onClosed: (name, error) => this.#onClosed(name, error),
        onRejoined: (room, status) => void this.#compare(room, status),
      }),
      client.on('session', () => this.#onSession()),
      client.on('end', ({ reason }) => this.#onEnd(reason)),
    ];
  }

  get client(): Client {
    return this.#client;
  }

  /** `resume`: what an earlier page left. */
  start(resume?: ExportedSession): void {
    this.#connect(resume === undefined ? {} : { resume });
    if (this.#deps.state.username.peek() === undefined) void this.#identify();
    else void this.#readRights();
  }

  /** After an end: connects anew, into the rooms one was in. */
  goOn(takeover: boolean): void {
    this.#connect({ takeover, resume: this.#openRooms() });
    if (this.#deps.state.username.peek() === undefined) void this.#identify();
  }

  /** What a later page goes on from: the session, or where there is none, the rooms. */
  export(): ExportedSession {
    return this.#client.session.export() ?? this.#openRooms();
  }

  #openRooms(): ExportedSession {
    const open = [...this.#deps.rooms.all.peek().values()];
    return { version: 1, rooms: open.map(({ name, epoch, seen }) => ({ name, epoch, seen })) };
  }

  #connect(options: { takeover?: boolean; resume?: ExportedSession }): void {
    this.#client.connect(options).catch((error: unknown) => {
      // An end is told as an event. What cannot be resumed is begun anew.
      if (error instanceof TypeError && options.resume !== undefined) this.#connect({});
    });
    for (const room of this.#deps.rooms.all.peek().values()) this.#deps.sending.resume(room);
  }

  /** Ends without a word to anybody. `leave`: the rooms see it at once. */
  async close(how: 'leave' | 'keep'): Promise<void> {
    this.#isOver = true;
    for (const remove of this.#removers) remove();
    this.#deps.timers.clearTimeout(this.#identifyTimer);
    this.#deps.timers.clearTimeout(this.#refreshTimer);
    if (how === 'leave') await this.#client.close();
    else await this.#client.suspend();
  }

  /** What an earlier page knew of them may have changed. */
  async #readRights(): Promise<void> {
    try {
      const { isSuperuser = false } = await this.#client.profile();
      if (!this.#isOver) this.#deps.state.isSuperuser.value = isSuperuser;
    } catch {
      // What is wrong with the log-in or the line is told by the chat itself.
    }
  }

  async #identify(): Promise<void> {
    const { state, timers, onIdentified } = this.#deps;
    try {
      const { username, isSuperuser = false } = await this.#client.profile();
      if (this.#isOver) return;
      state.username.value = username;
      state.isSuperuser.value = isSuperuser;
      onIdentified();
      this.#readyIfSo();
    } catch (error) {
      if (this.#isOver) return;
      if (error instanceof RequestError && error.status === 401) return this.#onEnd('not-authenticated');
      this.#identifyTimer = timers.setTimeout(() => void this.#identify(), identifyMs);
    }
  }

  #onSession(): void {
    this.#isOpen = true;
    this.#readyIfSo();
  }

  #readyIfSo(): void {
    const { state, rooms, onReady } = this.#deps;
    if (!this.#isOpen || state.username.peek() === undefined) return;
    onReady();
    void this.refresh(false);
    // Also in a session that goes on: a reload may have come before a room was joined.
    const wanted = new Set(rooms.remembered);
    const place = rooms.place.peek();
    if (place.kind === 'room' && rooms.get(place.name) === undefined) wanted.add(place.name);
    for (const name of wanted) void this.#joinAgain(name);
  }

  #onEnd(reason: EndReason): void {
    if (this.#isOver) return;
    this.#isOpen = false;
    this.#deps.onEnd(reason);
  }

  /** A room of the visit before. */
  async #joinAgain(name: string): Promise<void> {
    const { rooms, log, texts } = this.#deps;
    try {
      await this.join(name);
    } catch (error) {
      // The line was away for that long; in a new session it would be tried again in any case.
      if (error instanceof ConnectionError && error.reason === 'timeout' && !this.#isOver) return this.#joinAgain(name);
      if (!(error instanceof ChatError)) return;
      rooms.forget(name);
      if (rooms.isShown(name)) rooms.show({ kind: 'log' });
      log.add('error', texts.notJoined(name, this.#deps.sentences.other(error)), codeOf(error));
    }
  }

  async join(name: string): Promise<void> {
    try {
      await this.#client.join(name);
    } catch (error) {
      if (!(error instanceof ChatError) || error.code !== 'room:already-joined') throw error;
      // The session is in, and this page was not told who else is: out and in again.
      if (this.#deps.rooms.get(name) !== undefined) return;
      await this.leave(name);
      await this.#client.join(name);
    }
  }

  async leave(name: string): Promise<void> {
    this.#leaving.add(name);
    try {
      await this.#client.part(name);
    } finally {
      this.#leaving.delete(name);
    }
  }

  #onClosed(name: string, error: ChatError | undefined): void {
    const { rooms, log, texts, state } = this.#deps;
    rooms.close(name);
    if (this.#leaving.has(name)) return;
    const text =
      error === undefined ? texts.roomClosed(name) : texts.notJoined(name, this.#deps.sentences.other(error));
    log.add('rooms', text, error?.code);
    state.notice.value = text;
    void this.refresh(false);
  }

  /** Messages that were deleted while this page was away are not told of: what is shown is compared with what is there. */
  async #compare(room: Room, status: RoomStatus): Promise<void> {
    const shown = room.items.peek().filter(({ kind }) => kind === 'message').length;
    if (shown === 0) return;
    try {
      const before = status.last_id + 1;
      const limit = Math.min(limits.historyMessages, shown + status.messages.length);
      const page = await this.#client.history(room.name, { before, limit });
      if (this.#deps.rooms.get(room.name) === room) room.compare(page, before);
    } catch {
      // Away again: the next time it comes back it is compared again.
    }
  }

  /** Rejects where the server has no answer. */
  async loadOlder(room: Room): Promise<void> {
    if (room.isLoadingOlder.peek() || !room.hasOlder.peek()) return;
    room.isLoadingOlder.value = true;
    try {
      const { epoch } = room;
      const before = room.timeline.oldestId;
      const page = await this.#client.history(room.name, {
        ...(before === undefined ? {} : { before }),
        limit: olderCount,
      });
      if (room.epoch === epoch) room.timeline.prepend(page, before);
    } finally {
      room.isLoadingOlder.value = false;
    }
  }

  /** The list of rooms; never rejects. */
  async refresh(wanted: boolean): Promise<void> {
    const { roomList, log, sentences, texts, timers, now } = this.#deps;
    timers.clearTimeout(this.#refreshTimer);
    this.#refreshedAt = now();
    try {
      await roomList.refresh(wanted);
    } catch (error) {
      if (wanted && !this.#isOver) log.add('error', texts.roomsNotRead(sentences.other(error)), codeOf(error));
    }
    timers.clearTimeout(this.#refreshTimer);
    if (!this.#isOver) this.#refreshTimer = timers.setTimeout(() => this.refreshIfOld(), refreshMs);
  }

  /** Where somebody can see it. */
  refreshIfOld(): void {
    const { isVisible, now } = this.#deps;
    if (this.#isOpen && isVisible() && now() - this.#refreshedAt >= refreshMs - slackMs) void this.refresh(false);
  }
}

/** Whether it is only that the chat has ended, which is told in another way. */
export function isEnd(error: unknown): boolean {
  return error instanceof FatalError;
}
