/**
 * A model of the server in a page of code, for properties of the client SDK: rooms with a log, dense ids and refs, joins
 * with `since`, truncation, pages cut short, repeats; and one session that outlives its line, with a cursor to come back
 * by. A schedule of whims decides, for each client message, whether the line is cut before it takes effect, after it and
 * before its answer, or after that, whether the session ends with it, or whether it is refused for now; and whether a
 * line that was cut still blocks the one that comes back. How messages travel is in model-lines.ts.
 */
import type { ClientFrame, FatalFrame, HistoryEntry, ServerFrame } from '../../src/protocol/frames.ts';

/** What happens to one client message. */
export type Whim =
  | 'serve'
  | 'cut before'
  | 'cut after'
  | 'cut later'
  | 'cut and end'
  | 'limit'
  | 'unavailable'
  | 'crowd'
  | 'cut and block';

export type ModelOptions = {
  rooms: readonly string[];
  /** What happens to the messages in turn; after the last one all are served. */
  whims: readonly Whim[];
  /** Messages in a status with `since`, and in a page, at most. */
  sinceMessages: number;
  pageMessages: number;
  /** Whether lines that ask for it can come back to their session. */
  resumes: boolean;
};

/** The way down to a client; what comes after `end` goes nowhere. */
export type ModelLine = {
  /** `n`: the message's place in the session; undefined for what is not counted. */
  deliver(frame: ServerFrame, n: number | undefined): void;
  /** Ends it, after a fatal or as if it had been cut. */
  end(fatal?: FatalFrame['code']): void;
};

type Room = { name: string; log: HistoryEntry[]; refs: Map<string, HistoryEntry> };
type Ref = { ref: string };
type Session = {
  id: string;
  frames: ServerFrame[];
  /** The highest place that a cursor has named. */
  presented: number;
  joined: Set<string>;
  commandRefs: Set<string>;
  line: ModelLine | undefined;
};

const stamp = '2020-09-26 12:12:13';
const me = 'bob';

export class ModelServer {
  readonly #options: ModelOptions;
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #whims: Whim[];
  #session: Session | undefined;
  #sessions = 0;
  /** Whether the next line that cannot resume is refused, as while an older one is tested. */
  #isBlocked = false;
  /** The payloads of the commands that were relayed. */
  readonly commands: string[] = [];

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#rooms = new Map(options.rooms.map((name) => [name, { name, log: [], refs: new Map() }]));
    this.#whims = [...options.whims];
  }

  get logs(): ReadonlyMap<string, readonly HistoryEntry[]> {
    return new Map([...this.#rooms].map(([name, { log }]) => [name, log]));
  }

  /** Somebody else says something. */
  say(name: string, body: string): void {
    this.#show(name, this.#store(name, 'ann', body), {});
  }

  /** Somebody else gives a command. */
  sayCommand(name: string, payload: string): void {
    if (this.#session?.joined.has(name) !== true) return;
    const about = { room_name: name, user: 'ann', you: false, stamp };
    this.#tell({ type: 'room:notification', code: 'custom', command: 'note', payload, ...about });
  }

  /** Breaks the line of the moment; the session lives on where it can be resumed. */
  cut(): void {
    const line = this.#session?.line;
    if (this.#session !== undefined) this.#session.line = undefined;
    if (!this.#options.resumes) this.#session = undefined;
    line?.end();
  }

  /** A line that its client has left. */
  detach(line: ModelLine): void {
    if (this.#session?.line === line) this.cut();
  }

  /** Ends the session, as if its grace were over. */
  forget(): void {
    this.cut();
    this.#session = undefined;
  }

  /** The session's id, if it can be resumed from `cursor`. */
  resumable(cursor: string | undefined): { id: string; n: number } | undefined {
    const [id, n] = cursor?.split('.') ?? [];
    const session = this.#session;
    const isPlace = Number(n) >= (session?.presented ?? 0) && Number(n) <= (session?.frames.length ?? 0);
    return session !== undefined && session.id === id && isPlace ? { id, n: Number(n) } : undefined;
  }

  /** Attaches a line; tells it which session it has, and all that its cursor does not have. */
  attach(line: ModelLine, cursor: string | undefined, announces: boolean): Session | undefined {
    const place = this.resumable(cursor);
    const session = place === undefined ? this.#begin(line) : this.#session;
    if (session === undefined) return undefined;
    const old = session.line;
    session.line = line;
    session.presented = place?.n ?? 0;
    if (old !== line) old?.end('resumed-elsewhere');
    if (announces && this.#options.resumes) {
      const resumed = place !== undefined;
      line.deliver({ type: 'notification', code: 'session', session: session.id, resumed, grace: 30 }, undefined);
    }
    for (const [index, frame] of session.frames.entries()) {
      if (index >= session.presented) line.deliver(frame, index + 1);
    }
    return session;
  }

  #begin(line: ModelLine): Session | undefined {
    if (this.#isBlocked || this.#session?.line !== undefined) {
      this.#isBlocked = false;
      line.end('already-chatting');
      return undefined;
    }
    this.#sessions += 1;
    this.#session = {
      id: `session-${this.#sessions}`,
      frames: [{ type: 'notification', code: 'api-motd', content: 'Welcome.' }],
      presented: 0,
      joined: new Set(),
      commandRefs: new Set(),
      line: undefined,
    };
    return this.#session;
  }

  #tell(frame: ServerFrame): void {
    const session = this.#session;
    if (session === undefined) return;
    session.frames.push(frame);
    session.line?.deliver(frame, session.frames.length);
  }

  /** Takes one client message of the session `id`; tells whether its line still stands then. */
  take(id: string | undefined, frame: ClientFrame): boolean {
    if (this.#session === undefined || (id !== undefined && id !== this.#session.id)) return false;
    const ref = { ref: frame.ref ?? '' };
    const whim = this.#whims.shift() ?? 'serve';
    if (whim === 'limit') {
      this.#tell({ type: 'error', code: 'rate-limited', details: { retry_after: 0.05 }, ...ref });
    } else if (whim === 'unavailable') this.#tell({ type: 'error', code: 'unavailable', ...ref });
    else if (whim === 'cut before') this.cut();
    else if (whim === 'cut and block') {
      this.cut();
      this.#isBlocked = true;
    } else {
      if (whim === 'crowd') this.#crowd();
      this.#serve(frame, ref);
      // The answer is lost with the line, or makes it through just before.
      if (whim === 'cut after') this.cut();
      if (whim === 'cut and end') this.forget();
      if (whim === 'cut later') setImmediate(() => setImmediate(() => this.cut()));
    }
    return whim !== 'cut before' && whim !== 'cut and block' && whim !== 'cut after' && whim !== 'cut and end';
  }

  #crowd(): void {
    for (const name of this.#rooms.keys()) for (let number = 0; number < 9; number += 1) this.say(name, `${number}`);
  }

  #serve(frame: ClientFrame, ref: Ref): void {
    if (frame.type === 'list') this.#tell({ type: 'notification', code: 'list', list: [], ...ref });
    if (!('room_name' in frame)) return;
    const room = this.#rooms.get(frame.room_name) as Room;
    if (frame.type === 'join') this.#join(room, frame, ref);
    else if (this.#session?.joined.has(room.name) !== true) {
      this.#tell({ type: 'error', code: 'room:not-joined', details: { name: room.name }, ...ref });
    } else if (frame.type === 'message') {
      const known = room.refs.get(ref.ref);
      const entry = known ?? this.#store(room.name, me, frame.body);
      room.refs.set(ref.ref, entry);
      this.#show(room.name, entry, { ...ref, ...(known === undefined ? {} : { repeat: true }) });
    } else if (frame.type === 'custom') this.#relay(frame, ref);
    else if (frame.type === 'history') this.#history(room, frame, ref);
  }

  #relay(frame: Extract<ClientFrame, { type: 'custom' }>, ref: Ref): void {
    // The server drops a command that its session has had, but a client must not count on it over a line that was cut.
    if (this.#session?.commandRefs.has(ref.ref) === true) throw new Error(`command ${frame.payload} came twice`);
    this.#session?.commandRefs.add(ref.ref);
    this.commands.push(frame.payload);
    const { room_name, command, payload } = frame;
    const about = { room_name, command, payload, user: me, you: true, stamp };
    this.#tell({ type: 'room:notification', code: 'custom', ...about, ...ref });
  }

  #join(room: Room, frame: { since?: number }, ref: Ref): void {
    const { log, name } = room;
    this.#session?.joined.add(name);
    const wanted = log.slice(frame.since ?? -50);
    const given = frame.since === undefined ? wanted : wanted.slice(-this.#options.sinceMessages);
    const truncated = given.length < wanted.length ? { truncated: true as const } : {};
    const status = { messages: [...given].reverse(), last_id: log.length, epoch: 'e', ...truncated };
    const about = { you: true, user: me, room_name: name, stamp, ...ref };
    this.#tell({
      type: 'room:notification',
      code: 'joined',
      ...about,
      status: { users: [{ name: me, you: true }], ...status },
    });
  }

  #history(room: Room, frame: { before?: number; limit?: number }, ref: Ref): void {
    const { before = Number.POSITIVE_INFINITY, limit = 50 } = frame;
    const below = room.log.filter(({ id }) => id < before);
    const messages = below.slice(-Math.min(limit, this.#options.pageMessages)).reverse();
    const more = messages.length < below.length;
    this.#tell({ type: 'notification', code: 'history', room_name: room.name, messages, more, ...ref });
  }

  #store(name: string, user: string, body: string): HistoryEntry {
    const { log } = this.#rooms.get(name) as Room;
    const entry = { id: log.length + 1, stamp, user, you: user === me, body };
    log.push(entry);
    return entry;
  }

  #show(name: string, entry: HistoryEntry, answer: { ref?: string; repeat?: true }): void {
    if (this.#session?.joined.has(name) !== true) return;
    this.#tell({ type: 'room:notification', code: 'message', room_name: name, ...entry, ...answer });
  }
}
