/**
 * What the raw clients of all transports share: the frames in the order of arrival, waiting for them, the end of the
 * connection, and the cursor. A frame that is not a JSON object, that breaks the written contract (docs/asyncapi.yaml)
 * or that is counted wrongly is a fault, which the next call and the test's end report. Knows no transport.
 */
import type { ExecutionContext } from 'ava';
import { assertServerFrame } from './asyncapi.ts';

// Long enough for a machine that is loaded ten times over; a test that passes never waits for it.
export const defaultDeadlineMs = 30_000;

export const transportNames = ['websocket', 'sse', 'poll'] as const;
export type TransportName = (typeof transportNames)[number];

type RawMessage = { id: number; stamp: string; user: string; you: boolean; body: string };

/** A server message as it came. The fields have the types that they should have: what they have is for tests to say. */
export type RawFrame = {
  [key: string]: unknown;
  type?: string;
  code?: string;
  ref?: string;
  you?: boolean;
  user?: string;
  room_name?: string;
  body?: string;
  id?: number;
  stamp?: string;
  status?: {
    users: { name: string; you: boolean }[];
    messages: RawMessage[];
    last_id: number;
    epoch: string;
    truncated?: boolean;
  };
  messages?: RawMessage[];
  list?: { name: string; joined: boolean }[];
  details?: Record<string, unknown>;
};
export type Wanted = Record<string, unknown> | ((frame: RawFrame) => boolean);

/** What the `session` notification said. */
export type RawSession = { session: string; resumed: boolean; grace: number };

/** How a connection ended. A WebSocket has a code; the others the HTTP answer that ended them, or nothing: cut. */
export type RawEnd = {
  /** 1005: no code was given; 1006: cut. */
  code?: number;
  reason?: string;
  /** 200: an event stream ended as it should. */
  status?: number;
  body?: unknown;
};

export type RawClientOptions = {
  token?: string;
  /** How the token travels: in the address (`query`, the default) or in `Authorization: Token …` (`header`). */
  by?: 'query' | 'header';
  /** `/ws/chat`, `/sse/chat` or `/poll/chat` if left out. */
  path?: string;
  /** Gives no sign of life when asked for one: a half-dead connection. (A poll asks again after `unpause`.) */
  mute?: boolean;
  /** Goes on with the session of this cursor, `<session>.<n>`. */
  cursor?: string;
  /** WebSocket: `resume=1`. The others can always be resumed. */
  resume?: boolean;
  takeover?: boolean;
};

export type RawClient = {
  readonly transport: TransportName;
  /** Every frame so far, the `session` notification apart. */
  readonly frames: readonly RawFrame[];
  /** Settles when the connection is over; never rejects. */
  readonly closed: Promise<RawEnd>;
  /** What `session` said, as soon as it came; polls have none. */
  readonly session: RawSession | undefined;
  /** `<session>.<n>` of what has arrived; undefined where the session cannot be resumed. */
  readonly cursor: string | undefined;
  /** Resolves when the server has asked for a sign of life: a ping, a `ping` message, an answer without messages. */
  readonly asked: Promise<void>;
  /** An object goes out as JSON, a string as it is. */
  send(message: object | string): void;
  /**
   * The first frame that matches, among those after the frame returned last; waits for it. An object matches a frame
   * that has all its entries (compared by value). Frames passed over are in `frames`.
   */
  next: (wanted: Wanted, deadlineMs?: number) => Promise<RawFrame>;
  /** Like `next`, but the very next frame: none may be passed over. */
  take: (deadlineMs?: number) => Promise<RawFrame>;
  /** Sends `message` and returns the next frame that matches. */
  ask(message: object | string, wanted: Wanted, deadlineMs?: number): Promise<RawFrame>;
  /**
   * Everything that the server wrote before has arrived, and it has taken everything that was sent. A ping and its
   * pong on a WebSocket; on the others a message that is answered `invalid-format` (counted, but not in `frames`).
   */
  settle(deadlineMs?: number): Promise<void>;
  /** The server has taken everything that was sent; its answers may be on their way. */
  delivered(): Promise<void>;
  /** Stops reading (a poll: stops asking), so that what the server writes stays with it, and no proof of life is given. */
  pause(): void;
  unpause(): void;
  /** Ends the session (close code 1000, DELETE) and waits for the end. */
  close(): Promise<void>;
  /** Cuts the connection. */
  cut(): void;
};

export type Collector = Pick<RawClient, 'frames' | 'closed' | 'asked' | 'next' | 'take'> & {
  /** The server asked for a sign of life. */
  noteAsked: () => void;
  readonly hasEnded: boolean;
  /** A server message as text. Undefined: it was a fault. */
  read: (text: string) => RawFrame | undefined;
  /** Takes a frame into `frames`. */
  add: (frame: RawFrame) => void;
  fail: (error: Error) => void;
  finish: (end: RawEnd) => void;
  /** Looks whenever something has happened, until it finds something. */
  waitFor: <T>(look: () => T | undefined, deadlineMs: number, what: string) => Promise<T>;
  /** Those who wait look again. */
  wake: () => void;
  /** For the test's end: throws the fault that nobody has reported. */
  report: () => void;
};

export function createCollector(): Collector {
  const frames: RawFrame[] = [];
  const state: State = { fault: undefined, isReported: false, end: undefined };
  const { waitFor, wake } = createWaiting(frames, state);
  let position = 0;
  const [closed, resolveClosed] = createSignal<RawEnd>();
  const [asked, noteAsked] = createSignal<void>();
  const fail = (error: Error): void => {
    state.fault ??= error;
    wake();
  };
  const next = (wanted: Wanted, deadlineMs: number = defaultDeadlineMs): Promise<RawFrame> => {
    const look = (): RawFrame | undefined => {
      const at = frames.findIndex((frame, index) => index >= position && matches(frame, wanted));
      if (at === -1) return undefined;
      position = at + 1;
      return frames[at];
    };
    return waitFor(look, deadlineMs, typeof wanted === 'function' ? wanted.toString() : JSON.stringify(wanted));
  };
  return {
    frames,
    closed,
    asked,
    noteAsked,
    get hasEnded() {
      return state.end !== undefined;
    },
    read(text) {
      try {
        return readFrame(text);
      } catch (error) {
        fail(error as Error);
        return undefined;
      }
    },
    add(frame) {
      frames.push(frame);
      wake();
    },
    fail,
    finish(how) {
      state.end ??= how;
      resolveClosed(state.end);
      wake();
    },
    next,
    take: (deadlineMs) => next(() => true, deadlineMs),
    waitFor,
    wake,
    report() {
      if (state.fault !== undefined && !state.isReported) throw state.fault;
    },
  };
}

type State = { fault: Error | undefined; isReported: boolean; end: RawEnd | undefined };

/** Waiting for something that a look at the frames or the state may find. */
function createWaiting(frames: readonly RawFrame[], state: State): Pick<Collector, 'waitFor' | 'wake'> {
  const waiting = new Set<() => void>();
  return {
    waitFor: (look, deadlineMs, what) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void): void => {
          clearTimeout(timer);
          waiting.delete(check);
          act();
        };
        const fail = (why: string): void => {
          const seen = frames.slice(-5).map((frame) => JSON.stringify(frame).slice(0, 300));
          settle(() => reject(new Error(`${why} while waiting for ${what}. Last frames:\n${seen.join('\n')}`)));
        };
        const check = (): void => {
          const found = look();
          const { fault, end } = state;
          if (fault !== undefined) {
            state.isReported = true;
            settle(() => reject(fault));
          } else if (found !== undefined) settle(() => resolve(found));
          else if (end !== undefined) fail(`The connection closed with ${end.code ?? end.status ?? 'a cut'}`);
        };
        const timer = setTimeout(() => fail(`${deadlineMs} ms passed`), deadlineMs);
        waiting.add(check);
        check();
      }),
    wake() {
      for (const look of waiting) look();
    },
  };
}

function createSignal<T>(): [signal: Promise<T>, give: (value: T) => void] {
  let give: (value: T) => void = () => {};
  const signal = new Promise<T>((resolve) => {
    give = resolve;
  });
  return [signal, give];
}

/** Ends the client with the test, and reports what was wrong with what it read. */
export function endWithTest(t: ExecutionContext, collector: Collector, cut: () => void): void {
  t.teardown(async () => {
    cut();
    await collector.closed;
    collector.report();
  });
}

/** Counts a session's messages as a client does that wants to resume: `<session>.<n>`, both as they were presented or told. */
export type Counter = {
  readonly session: RawSession | undefined;
  readonly cursor: string | undefined;
  /** The `session` notification came. */
  begin(frame: RawFrame): void;
  /** A counted message came; the new cursor. */
  count(): string;
};

export function createCounter(presented: string | undefined): Counter {
  let session: RawSession | undefined;
  let n = 0;
  return {
    get session() {
      return session;
    },
    get cursor() {
      return session === undefined ? undefined : `${session.session}.${n}`;
    },
    begin(frame) {
      const { session: id, resumed, grace } = frame;
      if (session !== undefined) throw new Error('The server said twice which session this is.');
      if (
        typeof id !== 'string' ||
        !/^[^.]{1,40}$/.test(id) ||
        typeof resumed !== 'boolean' ||
        typeof grace !== 'number'
      )
        throw new Error(`No session notification: ${JSON.stringify(frame)}`);
      const [sessionId, count] = splitCursor(presented ?? '');
      if (resumed && sessionId !== id) throw new Error(`The server resumed ${id}, asked for ${presented}.`);
      session = { session: id, resumed, grace };
      if (resumed) n = count;
    },
    count() {
      if (session === undefined) throw new Error('A message came before the session was told.');
      n += 1;
      return `${session.session}.${n}`;
    },
  };
}

export function isSessionNotification(frame: RawFrame): boolean {
  return frame.type === 'notification' && frame.code === 'session';
}

export function splitCursor(cursor: string): [session: string, n: number] {
  const at = cursor.lastIndexOf('.');
  return [cursor.slice(0, at), Number(cursor.slice(at + 1))];
}

function readFrame(text: string): RawFrame {
  const frame: unknown = JSON.parse(text);
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) {
    throw new Error(`The server sent something else than an object: ${text.slice(0, 300)}`);
  }
  assertServerFrame(frame);
  return frame as RawFrame;
}

function matches(frame: RawFrame, wanted: Wanted): boolean {
  if (typeof wanted === 'function') return wanted(frame);
  return Object.entries(wanted).every(([key, value]) => JSON.stringify(frame[key]) === JSON.stringify(value));
}
