/**
 * A model of the server in a page of code, for properties of the client SDK: rooms with a log, dense ids and refs, joins
 * with `since`, truncation, pages cut short, repeats. A schedule of whims decides, for each client message, whether the
 * line is cut before it takes effect, after it and before its answer, or after that, or whether it is refused for now.
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
  | 'cut joined';

export type ModelServer = {
  readonly WebSocket: WebSocketConstructor;
  readonly logs: ReadonlyMap<string, readonly HistoryEntry[]>;
  /** Somebody else says something. */
  say(room: string, body: string): void;
  /** Closes the line of the moment. */
  cut(): void;
};

export type ModelOptions = {
  rooms: readonly string[];
  /** What happens to the messages in turn; after the last one all are served. */
  whims: readonly Whim[];
  /** Messages in a status with `since`, and in a page, at most. */
  sinceMessages: number;
  pageMessages: number;
};

type Room = { log: HistoryEntry[]; refs: Map<string, HistoryEntry> };
type Listeners = { message: (event: { data: unknown }) => void; close: (event: { code: number }) => void };

const stamp = '2020-09-26 12:12:13';
const me = 'bob';

export function createModelServer(options: ModelOptions): ModelServer {
  const rooms = new Map<string, Room>(options.rooms.map((name) => [name, { log: [], refs: new Map() }]));
  const whims = [...options.whims];
  let line: { listeners: Listeners; joined: Set<string>; open: boolean } | undefined;

  /** Messages arrive in a later turn, as on a wire; a line that was cut loses those under way. */
  const tell = (frame: ServerFrame): void => {
    const to = line;
    setImmediate(() => {
      if (to?.open === true) to.listeners.message({ data: JSON.stringify(frame) });
    });
  };
  const cut = (): void => {
    const to = line;
    if (to === undefined) return;
    line = undefined;
    to.open = false;
    setImmediate(() => to.listeners.close({ code: 1006 }));
  };
  const store = (name: string, user: string, body: string): HistoryEntry => {
    const { log } = rooms.get(name) as Room;
    const entry = { id: log.length + 1, stamp, user, you: user === me, body };
    log.push(entry);
    return entry;
  };
  const show = (name: string, entry: HistoryEntry, answer: { ref?: string; repeat?: true }): void => {
    if (line?.joined.has(name) !== true) return;
    tell({ type: 'room:notification', code: 'message', room_name: name, ...entry, ...answer });
  };
  const say = (name: string, body: string): void => show(name, store(name, 'ann', body), {});

  const join = (frame: Extract<ClientFrame, { type: 'join' }>, ref: { ref: string }): void => {
    const { log } = rooms.get(frame.room_name) as Room;
    line?.joined.add(frame.room_name);
    const wanted = frame.since === undefined ? log.slice(-50) : log.slice(frame.since);
    const given = frame.since === undefined ? wanted : wanted.slice(-options.sinceMessages);
    const truncated = given.length < wanted.length ? { truncated: true as const } : {};
    const status = { users: [{ name: me, you: true }], messages: [...given].reverse(), last_id: log.length };
    tell({
      type: 'room:notification',
      code: 'joined',
      you: true,
      user: me,
      room_name: frame.room_name,
      stamp,
      status: { ...status, epoch: 'e', ...truncated },
      ...ref,
    });
  };
  const serve = (frame: ClientFrame, ref: { ref: string }): void => {
    if (frame.type === 'list') tell({ type: 'notification', code: 'list', list: [], ...ref });
    else if (frame.type === 'join') join(frame, ref);
    else if ('room_name' in frame && line?.joined.has(frame.room_name) !== true) {
      tell({ type: 'error', code: 'room:not-joined', details: { name: frame.room_name }, ...ref });
    } else if (frame.type === 'message') {
      const { refs } = rooms.get(frame.room_name) as Room;
      const known = refs.get(ref.ref);
      const entry = known ?? store(frame.room_name, me, frame.body);
      refs.set(ref.ref, entry);
      show(frame.room_name, entry, { ...ref, ...(known === undefined ? {} : { repeat: true }) });
    } else if (frame.type === 'history') {
      const { log } = rooms.get(frame.room_name) as Room;
      const below = log.filter(({ id }) => id < (frame.before ?? Number.POSITIVE_INFINITY));
      const page = below.slice(-Math.min(frame.limit ?? 50, options.pageMessages));
      const more = page.length < below.length;
      tell({
        type: 'notification',
        code: 'history',
        room_name: frame.room_name,
        messages: page.reverse(),
        more,
        ...ref,
      });
    }
  };

  const take = (frame: ClientFrame): void => {
    const ref = { ref: frame.ref ?? '' };
    const whim = whims.shift() ?? 'serve';
    if (whim === 'limit') return tell({ type: 'error', code: 'rate-limited', details: { retry_after: 0.05 }, ...ref });
    if (whim === 'unavailable') return tell({ type: 'error', code: 'unavailable', ...ref });
    if (whim === 'cut before') return cut();
    if (whim === 'crowd') for (const name of rooms.keys()) for (let n = 0; n < 9; n += 1) say(name, `crowd ${n}`);
    serve(frame, ref);
    // The answer is lost with the line, or makes it through just before.
    if (whim === 'cut after' || (whim === 'cut joined' && frame.type === 'join')) cut();
    if (whim === 'cut later') setImmediate(() => setImmediate(cut));
  };

  class ModelSocket implements WebSocketLike {
    readonly #line: NonNullable<typeof line>;

    constructor() {
      const listeners = { message: () => {}, close: () => {} };
      this.#line = { listeners, joined: new Set(), open: true };
      line = this.#line;
      tell({ type: 'notification', code: 'api-motd', content: 'Welcome.' });
    }

    addEventListener(type: 'message' | 'close' | 'error', listener: (event: never) => void): void {
      if (type !== 'error') Object.assign(this.#line.listeners, { [type]: listener });
    }

    send(text: string): void {
      const from = this.#line;
      setImmediate(() => {
        if (from.open) take(JSON.parse(text) as ClientFrame);
      });
    }

    close(): void {
      if (line === this.#line) cut();
      else this.#line.listeners.close({ code: 1006 });
    }
  }

  return { WebSocket: ModelSocket, logs: new Map([...rooms].map(([name, { log }]) => [name, log])), say, cut };
}
