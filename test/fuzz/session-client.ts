/**
 * One user's session, held by the written contract alone and without a line of the SDK: it counts what it gets, comes
 * back by any transport with its cursor, sends again what was not answered, and rejoins with `since` what it could not
 * resume. Whatever breaks the contract is reported at once. What it does and when is for its driver (raw-driver.ts).
 *
 *   idle ──connect──▶ opening ──session──▶ open ──cut, drop──▶ idle
 */
import type { RawFrame } from '../support/raw-client.ts';
import type { Request } from './batch.ts';
import { type Line, openLine, splitCursor, type TransportKind } from './lines.ts';
import type { Stored } from './parts.ts';
import { Requests } from './requests.ts';
import { createRoomLog, noteOnce, type RoomLog } from './room-log.ts';
import type { SessionClientOptions } from './session-options.ts';

/** What nobody may hear. */
export const unheard = 'said on a line that was left';
/** Stands among refs for an attempt to resume. */
const resumption = 'to resume';
/** After so many openings in a row that are told of another connection, there is none. */
const vainMax = 20;

export class SessionClient {
  readonly logs: ReadonlyMap<string, RoomLog>;
  /** The rooms that it goes back into in a new session. */
  readonly wanted: Set<string> = new Set();
  readonly stored: Stored[] = [];
  /** Messages that are not known to be stored, by ref, in the order of sending. */
  readonly unsettled: Map<string, Request> = new Map();
  /** The order of its messages may have been changed by the proxy, or by a refusal that asked for another try. */
  lostOrder = false;
  readonly #options: SessionClientOptions;
  #state: 'idle' | 'opening' | 'open' = 'idle';
  #line: Line | undefined;
  #session: { id: string; n: number } | undefined;
  /** Of the last session that ended: asked for at times, because that is what a client does that does not know. */
  #deadCursor: string | undefined;
  readonly #requests: Requests;
  /** The line is busy with ending the session: nothing else is begun before that is over. */
  #isFinishing = false;
  #lastKind: TransportKind | undefined;
  /** A line that was left standing when the session went on elsewhere. */
  #left: Line | undefined;
  #attachedAt = 0;
  #heardAt = 0;
  #needsTakeover = false;
  /** The session with whose cursor a takeover was asked for: where it cannot be resumed, that ends it. */
  #tookOver: string | undefined;
  /** Times in a row that the session was said to be elsewhere. */
  #vain = 0;
  /** A session that has ended because another one of this user began, and what was asked of it since. */
  #ousted: { id: string; refs: Set<string> } | undefined;
  #refs = 0;
  readonly #commands = new Set<string>();
  readonly #idOfRef = new Map<string, string>();

  constructor(options: SessionClientOptions) {
    this.#options = options;
    this.#requests = new Requests({
      ...options,
      line: () => (this.#state === 'open' ? this.#line : undefined),
      drop: () => this.drop(),
    });
    this.logs = new Map(options.rooms.map((room) => [room, createRoomLog(room, options.name)]));
  }

  get state(): 'idle' | 'opening' | 'open' {
    return this.#state;
  }

  get kind(): TransportKind | undefined {
    return this.#line?.kind;
  }

  get load(): number {
    return this.#requests.size;
  }

  /** Something waits for an answer, and nothing has come for so long: the line may be dead. */
  isStuck(ms: number): boolean {
    return !this.#isFinishing && this.#requests.size > 0 && performance.now() - this.#heardAt > ms;
  }

  connect(kind: TransportKind): void {
    const { url, token, random, diary } = this.#options;
    const { id, n } = this.#session ?? { id: '', n: 0 };
    const asksForDead = this.#session === undefined && this.#deadCursor !== undefined && random.chance(0.3);
    const cursor = this.#session === undefined ? (asksForDead ? this.#deadCursor : undefined) : `${id}.${n}`;
    if (this.#ousted?.id === id) this.#ousted.refs.add(resumption);
    const takeover = this.#needsTakeover || random.chance(0.05);
    if (takeover) this.#tookOver = id;
    this.#state = 'opening';
    // An opening has its own time: on a busy machine no other would ever be waited for.
    this.#heardAt = performance.now();
    diary.note(`connect by ${kind} with ${cursor ?? 'nothing'}${takeover ? ', takeover' : ''}`);
    const line = openLine(kind, {
      url,
      token,
      cursor,
      takeover,
      random,
      session: () => this.#session?.id,
      events: {
        onSession: (session, resumed) => this.#onSession(kind, session, resumed),
        onFrame: (frame, place) => this.#guard(() => this.#onFrame(frame, place)),
        onFatal: (code) => this.#onFatal(code),
        onBroken: (why) => this.#options.fail(why),
        onClosed: (why) => {
          diary.note(`closed: ${why}`);
          this.#lose();
        },
      },
    });
    this.#line = line;
  }

  /** Leaves the line without a word. */
  drop(): void {
    if (this.#isFinishing) return;
    this.#options.diary.note(`drop ${this.kind ?? 'nothing'}`);
    this.#line?.drop();
    this.#lose();
  }

  /** Comes back by another line while the present one still stands. */
  moveTo(kind: TransportKind): void {
    const old = this.#line;
    this.#state = 'idle';
    this.#attachedAt = performance.now();
    this.connect(kind);
    // The old one stays for a while, unread: the server has to take the session from it.
    old?.drop(this.#options.random.wait(500));
    this.#left = old;
  }

  /** Another session of this user has begun, for which this one was ended before. */
  oust(): void {
    this.#options.diary.note('ousted');
    if (this.#session !== undefined) this.#ousted = { id: this.#session.id, refs: new Set() };
  }

  /** Ends the session as a client should. */
  async finish(): Promise<boolean> {
    const { diary } = this.#options;
    diary.note(`finish ${this.kind ?? 'nothing'}`);
    const line = this.#line;
    this.#state = 'opening';
    this.#isFinishing = true;
    // Whether it has ended is not known from here on.
    this.#attachedAt = Number.NEGATIVE_INFINITY;
    const isEnded = (await line?.finish()) ?? false;
    this.#isFinishing = false;
    diary.note(isEnded ? 'finished' : 'not known to be finished');
    if (isEnded) this.#forgetSession();
    this.#lose();
    return isEnded;
  }

  /** `ref` and all: sent now, and again for as long as this session does not answer it. */
  ask(request: { type: string; room_name?: string; [key: string]: unknown }): void {
    this.#refs += 1;
    this.#send({ ...request, ref: `${this.#options.name}-${this.#refs}` });
  }

  join(room: string): void {
    this.wanted.add(room);
    const { contiguous, epoch, first } = this.#log(room);
    const since = first === undefined || this.#options.random.chance(0.1) ? {} : { since: contiguous, epoch };
    this.ask({ type: 'join', room_name: room, ...since });
  }

  /** Into a room that it wants to be in, unless it has asked for it already. */
  rejoin(room: string): void {
    if (!this.#requests.has('join', room)) this.join(room);
  }

  part(room: string): void {
    this.wanted.delete(room);
    this.ask({ type: 'part', room_name: room });
  }

  /** Sends again what the room has not taken, for whatever reason, where nothing is under way for it. */
  settleRoom(room: string): void {
    if (!this.#log(room).isMember) return;
    for (const request of this.unsettled.values()) {
      if (request.room_name === room && this.#requests.get(request.ref) === undefined) this.#send(request);
    }
  }

  /** A message that is sent until it is known to be stored. */
  say(room: string, body: string): void {
    this.#refs += 1;
    const request = { type: 'message', room_name: room, body, ref: `${this.#options.name}-${this.#refs}` };
    this.unsettled.set(request.ref, request);
    this.#send(request);
  }

  // ---- the line ----

  #onSession(kind: TransportKind, id: string, resumed: boolean): void {
    const { tally, diary, fail } = this.#options;
    const now = performance.now();
    const had = this.#session;
    const awayMs = Math.round(now - this.#attachedAt);
    diary.note(`session ${id} by ${kind}${resumed ? ', resumed' : ''}`);
    this.#state = 'open';
    this.#needsTakeover = false;
    this.#vain = 0;
    this.#heardAt = now;
    this.#speakOnLeftLine();
    if (resumed) {
      if (had?.id !== id) fail(`${had?.id ?? 'no session'} was asked for and ${id} resumed`);
      if (this.#ousted?.refs.has(resumption) === true && this.#ousted.id === id)
        fail(`session ${id} goes on beside another`);
      tally.count(`resumed ${this.#lastKind ?? 'nothing'} > ${kind}`);
      this.#requests.sendAllAgain();
    } else {
      if (had !== undefined) this.#noteExpired(awayMs);
      if (had?.id === id) fail(`session ${id} is said to be new`);
      this.#forgetSession();
      this.#session = { id, n: 0 };
      tally.count(`new session by ${kind}`);
      for (const room of this.wanted) this.join(room);
    }
    this.#lastKind = kind;
  }

  /** Nothing may be read from it any more: what is said on it must not be in any log. */
  #speakOnLeftLine(): void {
    const line = this.#left;
    this.#left = undefined;
    if (line?.kind !== 'websocket') return;
    const frames = this.#options.rooms.map((room) => ({ type: 'message', room_name: room, body: unheard }));
    void line.send(frames);
  }

  #noteExpired(awayMs: number): void {
    const { tally, fail, graceMs, resumableMs, isExcused } = this.#options;
    tally.count('not resumed');
    if (awayMs < graceMs - 300) tally.count('not resumed within the grace');
    if (resumableMs === undefined || awayMs >= resumableMs) return;
    if (isExcused()) tally.count('not resumed, excused');
    else fail(`the session was not resumed ${awayMs} ms after its line was lost`);
  }

  #onFatal(code: string): void {
    const { diary, tally, fail } = this.#options;
    diary.note(`fatal ${code}`);
    tally.count(`fatal ${code}`);
    if (code === 'not-authenticated' || code === 'kicked') fail(`fatal ${code}`);
    // A line that cannot be seen to be gone from here: this client is the only one of its user.
    if (code === 'already-chatting') this.#needsTakeover = true;
    if (code === 'resumed-elsewhere' && this.#state === 'opening') this.#vain += 1;
    // It was ended by a takeover whose greeting was lost: the server says so for as long as it would have kept it.
    const over = [this.#tookOver, this.#ousted?.id];
    if (this.#vain >= vainMax && this.#session && over.includes(this.#session.id)) this.#forgetSession();
    if (code === 'session-expired') {
      const awayMs = this.#state === 'open' ? 0 : Math.round(performance.now() - this.#attachedAt);
      if (this.#session !== undefined) this.#noteExpired(awayMs);
      this.#forgetSession();
    }
  }

  #lose(): void {
    if (this.#state === 'open') this.#attachedAt = performance.now();
    this.#line = undefined;
    this.#state = 'idle';
    this.#requests.hold();
    this.#options.onIdle();
  }

  #forgetSession(): void {
    this.#vain = 0;
    if (this.#session !== undefined) this.#deadCursor = `${this.#session.id}.${this.#session.n}`;
    this.#session = undefined;
    if (this.#options.isTroubled?.() === true) this.#commands.clear();
    for (const log of this.logs.values()) log.lose();
    this.#requests.clear();
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.fail(error instanceof Error ? error.message : String(error));
    }
  }

  // ---- sending ----

  #send(request: Request): void {
    if (this.#session === undefined) return;
    if (this.#ousted?.id === this.#session.id) this.#ousted.refs.add(request.ref);
    this.#requests.send(request);
  }

  // ---- what comes ----

  #onFrame(frame: RawFrame, place: string | undefined): void {
    const session = this.#session;
    if (session === undefined) throw new Error(`a message without a session: ${JSON.stringify(frame)}`);
    session.n += 1;
    this.#heardAt = performance.now();
    if (place !== undefined && place !== `${session.id}.${session.n}`) {
      const { n } = splitCursor(place);
      throw new Error(`the message ${place} came as number ${session.n}: ${n > session.n ? 'lost' : 'doubled'}`);
    }
    const { ref } = frame;
    const asked = ref === undefined ? undefined : this.#requests.get(ref);
    // A node that slept past its lease answers `unavailable` when it wakes, before its sessions end: nothing was done.
    const isRefused = frame.type === 'error' && frame.code === 'unavailable';
    if (this.#ousted?.id === session.id && this.#ousted.refs.has(ref ?? '') && !isRefused) {
      throw new Error(`${ref ?? ''} is answered by a session that another one has replaced`);
    }
    if (ref !== undefined && frame['you'] !== false) this.#requests.answered(ref);
    if (frame.type === 'error') this.#onError(frame, asked);
    else if (frame.type === 'room:notification') this.#onRoomFrame(frame);
    else if (frame.code === 'history') this.#log(frame.room_name).take(frame);
    else if (frame.code === 'ping') this.ask({ type: 'list' });
    if (frame.room_name !== undefined) this.#fillGap(frame.room_name);
  }

  #onRoomFrame(frame: RawFrame): void {
    const { tally, diary } = this.#options;
    const { code, you, ref, room_name: room = '' } = frame;
    if (code === 'message' && you === true) this.#settle(frame);
    if (frame['repeat'] === true) return tally.count('repeat');
    const log = this.#log(room);
    log.take(frame);
    tally.count(`got ${code ?? ''}`);
    if (code === 'custom') {
      diary.note(`told ${room} ${frame.user ?? ''} ${String(frame.payload)}`);
      noteOnce(this.#commands, frame);
    }
    if (you !== true) return;
    if (code === 'joined' || code === 'parted') diary.note(`${code} ${room} ${ref ?? ''}`);
    if (code === 'joined') {
      // Those that a part overtook, or that the last session left unanswered.
      this.settleRoom(room);
    }
    // A command of an earlier session may have been on its way when that ended.
    if (code === 'parted' && this.wanted.has(room) && ref === undefined) this.#options.fail(`parted ${room} by nobody`);
  }

  #settle({ ref = '', id = 0, room_name: room = '', body = '' }: RawFrame): void {
    const known = this.#idOfRef.get(ref);
    if (known !== undefined && known !== `${room} ${id}`) {
      throw new Error(`${ref} is stored twice: as ${known} and as ${room} ${id}`);
    }
    this.#idOfRef.set(ref, `${room} ${id}`);
    if (this.unsettled.delete(ref)) this.stored.push({ room, id, body });
  }

  #onError({ code, ref, details }: RawFrame, asked: Request | undefined): void {
    const { diary, tally } = this.#options;
    const room = asked?.room_name ?? '';
    diary.note(`error ${code ?? ''} ${ref ?? ''}`);
    tally.count(`error ${code ?? ''}`);
    switch (code) {
      case 'room:not-joined':
        // Answered before, and sent again when it was not known: the first answer counts.
        if (asked !== undefined && this.#log(room).isMember) throw new Error(`${ref ?? ''} is refused: not in ${room}`);
        if (asked?.type === 'message' && this.wanted.has(room)) this.rejoin(room);
        return;
      case 'room:already-joined':
        if (asked !== undefined && !this.#log(room).isMember) throw new Error(`${ref ?? ''} is refused: in ${room}`);
        return;
      case 'unavailable':
        this.lostOrder = true;
        if (asked !== undefined) this.#send(asked);
        return;
      default:
        throw new Error(`error ${code ?? ''} ${JSON.stringify(details)} for ${JSON.stringify(asked ?? ref)}`);
    }
  }

  /** Reads what a status did not hold. One page at a time: the answer leads here again. */
  #fillGap(room: string): void {
    const log = this.#log(room);
    const before = log.isMember ? log.missingBefore() : undefined;
    if (before === undefined || this.#requests.has('history', room)) return;
    this.#options.tally.count('history read');
    this.ask({ type: 'history', room_name: room, before, limit: this.#options.random.int(5, 200) });
  }

  #log(room = ''): RoomLog {
    const log = this.logs.get(room);
    if (log === undefined) throw new Error(`a message about the room "${room}"`);
    return log;
  }
}
