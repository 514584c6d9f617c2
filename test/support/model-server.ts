/**
 * A model of the server in a page of code, for properties of the client SDK: rooms with a log, dense ids and refs, joins
 * with `since`, truncation, pages cut short, repeats. A schedule of whims decides, for each client message, whether the
 * line is cut before it takes effect, after it and before its answer, or after that, or whether it is refused for now; and
 * whether a line that was cut still blocks the one that comes back.
 */

import type { WebSocketConstructor, WebSocketLike } from '../../src/client/index.ts';
import type { ClientFrame, HistoryEntry, ServerFrame } from '../../src/protocol/frames.ts';

/** What happens to one client message. */
export type Whim =
  | 'serve'
  | 'cut before'
  | 'cut after'
  | 'cut later'
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
};

type Room = { name: string; log: HistoryEntry[]; refs: Map<string, HistoryEntry> };
type Ref = { ref: string };
type Listeners = { message: (event: { data: unknown }) => void; close: (event: { code: number }) => void };
type Line = { listeners: Listeners; joined: Set<string>; open: boolean };

const stamp = '2020-09-26 12:12:13';
const me = 'bob';

export class ModelServer {
  readonly #options: ModelOptions;
  readonly #rooms: ReadonlyMap<string, Room>;
  readonly #whims: Whim[];
  #line: Line | undefined;
  /** Whether the next line is refused, as while an older one is tested. */
  #isBlocked = false;

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#rooms = new Map(options.rooms.map((name) => [name, { name, log: [], refs: new Map() }]));
    this.#whims = [...options.whims];
  }

  get logs(): ReadonlyMap<string, readonly HistoryEntry[]> {
    return new Map([...this.#rooms].map(([name, { log }]) => [name, log]));
  }

  /** What a client takes for a WebSocket class. */
  get WebSocket(): WebSocketConstructor {
    const accept = (line: Line): void => this.#accept(line);
    const take = (frame: ClientFrame): void => this.#take(frame);
    const end = (line: Line): void => {
      if (line === this.#line) this.cut();
    };
    return class implements WebSocketLike {
      readonly #line: Line = { listeners: { message: () => {}, close: () => {} }, joined: new Set(), open: true };

      constructor() {
        accept(this.#line);
      }

      addEventListener(type: 'message' | 'close' | 'error', listener: (event: never) => void): void {
        if (type !== 'error') Object.assign(this.#line.listeners, { [type]: listener });
      }

      send(text: string): void {
        setImmediate(() => {
          if (this.#line.open) take(JSON.parse(text) as ClientFrame);
        });
      }

      close(): void {
        end(this.#line);
      }
    };
  }

  /** Somebody else says something. */
  say(name: string, body: string): void {
    this.#show(name, this.#store(name, 'ann', body), {});
  }

  /** Closes the line of the moment. */
  cut(): void {
    const line = this.#line;
    if (line === undefined) return;
    this.#line = undefined;
    line.open = false;
    setImmediate(() => line.listeners.close({ code: 1006 }));
  }

  #accept(line: Line): void {
    if (this.#isBlocked) {
      this.#isBlocked = false;
      this.#tell({ type: 'fatal', code: 'already-chatting' }, line);
      return;
    }
    this.#line = line;
    this.#tell({ type: 'notification', code: 'api-motd', content: 'Welcome.' });
  }

  /** Messages arrive in a later turn, as on a wire; a line that was cut loses those under way. */
  #tell(frame: ServerFrame, line: Line | undefined = this.#line): void {
    setImmediate(() => {
      if (line?.open === true) line.listeners.message({ data: JSON.stringify(frame) });
    });
  }

  #take(frame: ClientFrame): void {
    const ref = { ref: frame.ref ?? '' };
    const whim = this.#whims.shift() ?? 'serve';
    if (whim === 'limit') {
      this.#tell({ type: 'error', code: 'rate-limited', details: { retry_after: 0.05 }, ...ref });
    } else if (whim === 'unavailable') this.#tell({ type: 'error', code: 'unavailable', ...ref });
    else if (whim === 'cut before' || whim === 'cut and block') {
      this.#isBlocked = whim === 'cut and block';
      this.cut();
    } else {
      if (whim === 'crowd') this.#crowd();
      this.#serve(frame, ref);
      // The answer is lost with the line, or makes it through just before.
      if (whim === 'cut after') this.cut();
      if (whim === 'cut later') setImmediate(() => setImmediate(() => this.cut()));
    }
  }

  #crowd(): void {
    for (const name of this.#rooms.keys()) for (let number = 0; number < 9; number += 1) this.say(name, `${number}`);
  }

  #serve(frame: ClientFrame, ref: Ref): void {
    if (!('room_name' in frame)) return;
    const room = this.#rooms.get(frame.room_name) as Room;
    if (frame.type === 'join') this.#join(room, frame, ref);
    else if (this.#line?.joined.has(room.name) !== true) {
      this.#tell({ type: 'error', code: 'room:not-joined', details: { name: room.name }, ...ref });
    } else if (frame.type === 'message') {
      const known = room.refs.get(ref.ref);
      const entry = known ?? this.#store(room.name, me, frame.body);
      room.refs.set(ref.ref, entry);
      this.#show(room.name, entry, { ...ref, ...(known === undefined ? {} : { repeat: true }) });
    } else if (frame.type === 'history') this.#history(room, frame, ref);
  }

  #join(room: Room, frame: { since?: number }, ref: Ref): void {
    const { log, name } = room;
    this.#line?.joined.add(name);
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
    if (this.#line?.joined.has(name) !== true) return;
    this.#tell({ type: 'room:notification', code: 'message', room_name: name, ...entry, ...answer });
  }
}
