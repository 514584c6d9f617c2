/**
 * A client in one room that comes back as the SDK does: its waits, its cursor, its `since`, and the same `ref` for what
 * was not answered. It checks that each message comes in its place: the ids of a room have no holes here.
 */
import { backoff, backoffDelay } from '../src/client/backoff.ts';
import { blockedMs } from '../src/client/connection-times.ts';
import { retryAfterClose } from '../src/protocol/close-codes.ts';
import type { RawClient } from './raw-client.ts';
import { openWebSocket } from './raw-socket.ts';

/** Milliseconds until a message goes again that was refused for the moment. */
const againMs = 500;
/** The database may have the refs of other runs. */
const runId = Date.now().toString(36);
// Of a connection that broke without a word (RFC 6455 §7.1.5).
const brokenCode = 1006;

/** What all members of a herd count together. */
export type HerdCounts = {
  delivered: number;
  lost: number;
  repeated: number;
  cuts: number;
  resumed: number;
  rejoined: number;
  errors: Record<string, number>;
  /** A message that was due at that moment has arrived. */
  onArrival(dueAt: number): void;
};

export type HerdRoom = {
  name: string;
  members: HerdMember[];
  sent: number;
  /** The newest id before the herd has sent, and the newest that a member was shown. */
  base: number;
  newest: number;
};

type Shown = { id: number; body: string };
type Heard = Partial<Shown> & {
  type: string;
  code: string;
  session?: string;
  resumed?: boolean;
  you?: boolean;
  ref?: string;
  repeat?: true;
  reconnect_in?: number;
  status?: { messages: Shown[]; last_id: number; epoch: string };
};

export class HerdMember {
  /** When it last came into its room, or back. */
  readyAt = 0;
  /** The last id that it was shown; undefined: it was never in the room. */
  last: number | undefined;
  readonly #port: number;
  readonly #token: string;
  readonly #room: HerdRoom;
  readonly #counts: HerdCounts;
  /** By ref: what it has sent and has no answer to. */
  readonly #open = new Map<string, string>();
  #client: RawClient | undefined;
  #isReady = false;
  #hasEnded = false;
  #openedAt = 0;
  #session = '';
  #heard = 0;
  #epoch = '';
  #said = 0;
  #attempt = 0;
  #knownWait: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(port: number, token: string, room: HerdRoom, counts: HerdCounts) {
    this.#port = port;
    this.#token = token;
    this.#room = room;
    this.#counts = counts;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  get unsettled(): number {
    return this.#open.size;
  }

  /** Connects; `readyAt` says when it is in its room. */
  start(): void {
    const cursor = this.#session === '' ? '' : `&cursor=${this.#session}.${this.#heard}`;
    let isOpen = false;
    let isOver = false;
    const over = (code: number): void => {
      if (isOver) return;
      isOver = true;
      this.#lose(isOpen, code);
    };
    this.#client = openWebSocket(this.#port, `/ws/chat?token=${encodeURIComponent(this.#token)}&resume=1${cursor}`, {
      onOpen: () => {
        isOpen = true;
        this.#openedAt = performance.now();
      },
      onMessage: (bytes, from, to) => this.#take(JSON.parse(bytes.toString('utf8', from, to)) as Heard),
      onRefused: () => over(brokenCode),
      onEnd: (how) => over(Number(/\d+$/.exec(how)?.[0] ?? brokenCode)),
    });
  }

  /** Its connection breaks, without a goodbye. */
  cut(): void {
    if (this.#client === undefined) return;
    this.#counts.cuts += 1;
    this.#client.end();
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#client?.end();
  }

  /** Sends a message, or does when it is back. */
  say(dueAt: number, index: number): void {
    const ref = `${runId}-${index}-${this.#said}`;
    this.#said += 1;
    this.#room.sent += 1;
    const body = `${dueAt.toFixed(1)} is when this was due to be sent`;
    const text = JSON.stringify({ type: 'message', room_name: this.#room.name, body, ref });
    this.#open.set(ref, text);
    if (this.#isReady) this.#client?.send(text);
  }

  #lose(wasOpen: boolean, code: number): void {
    this.#client = undefined;
    this.#isReady = false;
    if (this.#hasEnded) return;
    if (wasOpen && performance.now() - this.#openedAt >= backoff.stableMs) this.#attempt = 0;
    const isJitter = retryAfterClose(code) === 'jitter' && this.#attempt === 0;
    const wait = isJitter ? Math.random() * backoff.jitterMs : backoffDelay(this.#attempt, Math.random);
    const delay = this.#attempt === 0 ? (this.#knownWait ?? wait) : Math.max(this.#knownWait ?? 0, wait);
    this.#attempt += 1;
    this.#knownWait = undefined;
    this.#timer = setTimeout(() => this.start(), delay);
  }

  #take(heard: Heard): void {
    const { type, code } = heard;
    if (code === 'session') return this.#greet(heard);
    if (type === 'fatal') return this.#refuse(code);
    this.#heard += 1;
    if (type === 'error') this.#retry(code, heard.ref);
    else if (code === 'server-closing') this.#knownWait = heard.reconnect_in;
    else if (code === 'message') this.#hear(heard);
    else if (code === 'joined' && heard.status !== undefined) this.#enter(heard.status);
  }

  #greet({ session = '', resumed }: Heard): void {
    this.#session = session;
    if (resumed === true) {
      this.#counts.resumed += 1;
      // Cut before its join was answered: the answer is under way.
      if (this.last !== undefined) this.#becomeReady();
      return;
    }
    this.#heard = 0;
    if (this.last !== undefined) this.#counts.rejoined += 1;
    const since = this.last === undefined ? {} : { since: this.last, epoch: this.#epoch };
    this.#client?.send(JSON.stringify({ type: 'join', room_name: this.#room.name, ...since }));
  }

  #enter({ messages, last_id: lastId, epoch }: NonNullable<Heard['status']>): void {
    this.#epoch = epoch;
    if (this.last === undefined) {
      this.last = lastId;
      this.#room.base = this.#room.newest = Math.max(this.#room.newest, lastId);
    } else {
      for (const { id, body } of messages.toReversed()) this.#show(id, body);
    }
    this.#becomeReady();
  }

  #becomeReady(): void {
    this.#isReady = true;
    this.readyAt = performance.now();
    for (const text of this.#open.values()) this.#client?.send(text);
  }

  #hear({ id = 0, body = '', you, ref, repeat }: Heard): void {
    if (you === true && ref !== undefined) this.#open.delete(ref);
    // The answer to one that came again; it was shown, or will be, in its place.
    if (repeat !== true) this.#show(id, body);
  }

  #show(id: number, body: string): void {
    const last = this.last ?? 0;
    if (id <= last) {
      this.#counts.repeated += 1;
      return;
    }
    this.#counts.lost += id - last - 1;
    this.#counts.delivered += 1;
    this.last = id;
    if (id > this.#room.newest) this.#room.newest = id;
    this.#counts.onArrival(Number.parseFloat(body));
  }

  #retry(code: string, ref: string | undefined): void {
    this.#counts.errors[code] = (this.#counts.errors[code] ?? 0) + 1;
    setTimeout(() => {
      const text = ref === undefined ? undefined : this.#open.get(ref);
      if (text !== undefined && this.#isReady) this.#client?.send(text);
    }, againMs);
  }

  /**
   * Its own older connection may block it for a moment. `resumed-elsewhere`: an attempt of its own that was cut has come
   * late, so it takes the session back. Nothing else of it passes by itself.
   */
  #refuse(code: string): void {
    this.#counts.errors[code] = (this.#counts.errors[code] ?? 0) + 1;
    if (code === 'already-chatting') this.#knownWait = blockedMs;
    else if (code === 'session-expired') this.#session = '';
  }
}
