/**
 * One user's stay, from a token to its end, and the phases of the page: what starts a chat, what its ends mean, what is
 * left for the page after a reload and for the next visit.
 *
 *   signed-out ──token──▶ starting ──in the chat──▶ chatting ──elsewhere──▶ elsewhere ──useHere──▶ starting
 *   any ──logged out, kicked, refused──▶ signed-out                 starting ──already chatting──▶ elsewhere
 */
import { batch } from '@preact/signals';
import type { EndReason } from '../../../client/index.ts';
import { tokenKey } from '../../common/storage.ts';
import { Chatting } from './chatting.ts';
import { readMemory, writeMemory } from './memory.ts';
import type { Phase, SignedOutReason } from './model.ts';
import type { Parts } from './parts.ts';
import { dropSnapshot, type Snapshot, takeSnapshot, writeSnapshot } from './snapshot.ts';
import { noLink } from './state.ts';

/** Milliseconds from a change to its being written: a busy room that is read would write at every message. */
const rememberMs = 500;
/** Milliseconds until a chat is tried again that ended for no reason of its user's. */
const againMs = 10_000;
/** Lines of the log that a reload takes along: what one scrolls back to. */
const savedLines = 100;

export class Visit {
  readonly #parts: Parts;
  #token: string | undefined;
  #rememberTimer: unknown;
  #againTimer: unknown;

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.onChange = () => {
      this.#rememberTimer ??= parts.timers.setTimeout(() => this.#remember(), rememberMs);
    };
  }

  get #phase(): Phase {
    return this.#parts.state.phase.peek();
  }

  #setPhase(phase: Phase): void {
    this.#parts.state.phase.value = phase;
  }

  start(): void {
    const token = this.#storedToken();
    if (token === undefined) {
      // Logged out in another window, or on the administration page.
      dropSnapshot(this.#parts.session);
      return this.#setPhase({ kind: 'signed-out', reason: undefined });
    }
    const snapshot = takeSnapshot(this.#parts.session, token, this.#parts.now());
    try {
      this.begin(token, snapshot);
    } catch {
      // Not what this version of the page has written.
      this.begin(token);
    }
  }

  /** Chats with this token. */
  begin(token: string, snapshot?: Snapshot, takeover = false): void {
    const parts = this.#parts;
    batch(() => {
      void this.#endChat('keep');
      this.#clear();
      this.#token = token;
      parts.local.writeText(tokenKey, token);
      this.#setPhase({ kind: 'starting' });
      const chat = this.#createChat(token);
      parts.chat = chat;
      if (snapshot !== undefined) this.#restore(snapshot);
      if (takeover) chat.goOn(true);
      else chat.start(snapshot?.session);
    });
  }

  #createChat(token: string): Chatting {
    const parts = this.#parts;
    return new Chatting({
      ...parts,
      client: parts.createClient(token),
      isVisible: () => parts.isVisible.peek(),
      onIdentified: () => this.#recall(),
      onReady: () => this.#setPhase({ kind: 'chatting' }),
      onEnd: (reason) => this.#onEnd(reason),
    });
  }

  #recall(): void {
    const { local, rooms, state } = this.#parts;
    rooms.recall(readMemory(local, state.username.peek() ?? ''));
  }

  #onEnd(reason: EndReason): void {
    switch (reason) {
      case 'logged-out':
      case 'kicked':
      case 'not-authenticated':
        this.signOut(reason);
        break;
      case 'already-chatting':
      case 'resumed-elsewhere':
        this.#remember();
        this.#setPhase({ kind: 'elsewhere', reason });
        break;
      case 'closed':
      case 'suspended':
        break;
      default:
        this.#againTimer = this.#parts.timers.setTimeout(() => this.#parts.chat?.goOn(false), againMs);
    }
  }

  /** From `elsewhere`; the token may have changed hands in the meantime. */
  useHere(): void {
    if (this.#phase.kind !== 'elsewhere') return;
    const token = this.#storedToken();
    if (token === undefined) return this.signOut('logged-out');
    if (token !== this.#token) return this.begin(token, undefined, true);
    this.#setPhase({ kind: 'starting' });
    // The other window may have been in other rooms.
    if (this.#parts.state.username.peek() !== undefined) this.#recall();
    this.#parts.chat?.goOn(true);
  }

  /** Forgets who was here. */
  signOut(reason: SignedOutReason): void {
    batch(() => {
      this.#remember();
      void this.#endChat('leave');
      if (this.#storedToken() === this.#token) this.#parts.local.writeText(tokenKey, undefined);
      this.#token = undefined;
      this.#clear();
      this.#setPhase({ kind: 'signed-out', reason });
    });
  }

  /** Another page may have changed the stored token. */
  checkToken(): void {
    const token = this.#storedToken();
    if (this.#phase.kind === 'signed-out' && token !== undefined) this.begin(token);
    // A chat that is going on hears it from the server.
    else if (this.#phase.kind === 'elsewhere' && token === undefined) this.signOut('logged-out');
  }

  suspend(): void {
    const parts = this.#parts;
    const { chat, state, session, rooms } = parts;
    this.#remember();
    const token = this.#token;
    const username = state.username.peek();
    if (this.#phase.kind !== 'chatting' || chat === undefined || token === undefined || username === undefined) return;
    const exported = chat.export();
    writeSnapshot(session, (items) => ({
      version: 1,
      at: parts.now(),
      token,
      username,
      isSuperuser: state.isSuperuser.peek(),
      session: exported,
      place: rooms.place.peek(),
      directory: parts.roomList.entries.peek(),
      log: parts.log.lines.peek().slice(-savedLines),
      rooms: [...rooms.all.peek().values()].map((room) => room.save(items)),
    }));
  }

  #restore(snapshot: Snapshot): void {
    const { state, roomList, log, rooms } = this.#parts;
    state.username.value = snapshot.username;
    state.isSuperuser.value = snapshot.isSuperuser;
    roomList.reset(snapshot.directory);
    log.reset(snapshot.log);
    this.#recall();
    rooms.restore(snapshot.rooms, snapshot.place);
    this.#setPhase({ kind: 'chatting' });
  }

  unsuspend(): void {
    dropSnapshot(this.#parts.session);
  }

  async close(): Promise<void> {
    this.#remember();
    await this.#endChat('leave');
  }

  async #endChat(how: 'leave' | 'keep'): Promise<void> {
    const parts = this.#parts;
    parts.timers.clearTimeout(this.#againTimer);
    const { chat } = parts;
    parts.chat = undefined;
    await chat?.close(how);
  }

  #clear(): void {
    const { state, rooms, roomList, log } = this.#parts;
    rooms.clear();
    roomList.reset();
    log.reset();
    state.username.value = undefined;
    state.isSuperuser.value = false;
    state.link.value = noLink;
    state.notice.value = undefined;
  }

  /** Only a page that chats knows better than what is stored. */
  #remember(): void {
    const { local, rooms, state, timers } = this.#parts;
    timers.clearTimeout(this.#rememberTimer);
    this.#rememberTimer = undefined;
    const username = state.username.peek();
    if (this.#phase.kind === 'chatting' && username !== undefined) writeMemory(local, username, rooms.memory());
  }

  #storedToken(): string | undefined {
    return this.#parts.local.readText(tokenKey);
  }
}
