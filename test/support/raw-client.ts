/**
 * A raw WebSocket client for tests: `ws` and JSON, and nothing of the project's own client. It collects every frame in
 * the order of arrival. A frame that is not a JSON object in a text frame, or that breaks the written contract
 * (docs/asyncapi.yaml), is a fault, which the next call and the test's end report.
 */
import type { ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { assertServerFrame } from './asyncapi.ts';

// Long enough for a loaded machine; a test that passes never waits for it.
const defaultDeadlineMs = 10_000;

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

export type RawClientOptions = {
  token?: string;
  /** How the token travels: in the address (`query`, the default) or in `Authorization: Token …` (`header`). */
  by?: 'query' | 'header';
  /** `/ws/chat` if left out. */
  path?: string;
  /** Does not answer pings: a half-dead connection. */
  mute?: boolean;
};

export type RawClient = {
  /** Every frame so far. */
  readonly frames: readonly RawFrame[];
  /** Settles when the connection is closed; never rejects. 1005: no code was given; 1006: cut. */
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly socket: WebSocket;
  /** An object goes out as JSON, a string as it is. */
  send(message: object | string): void;
  /**
   * The first frame that matches, among those after the frame returned last; waits for it. An object matches a frame
   * that has all its entries (compared by value). Frames passed over are in `frames`.
   */
  next(wanted: Wanted, deadlineMs?: number): Promise<RawFrame>;
  /** Like `next`, but the very next frame: none may be passed over. */
  take(deadlineMs?: number): Promise<RawFrame>;
  /** Sends `message` and returns the next frame that matches. */
  ask(message: object | string, wanted: Wanted, deadlineMs?: number): Promise<RawFrame>;
  /** Sends a ping and waits for its pong: everything that the server wrote before it has arrived then. */
  settle(deadlineMs?: number): Promise<void>;
  /** Closes with 1000 and waits for the end. */
  close(): Promise<void>;
  /** Cuts the connection without a closing handshake. */
  cut(): void;
};

/**
 * Connects to `url` (`http://host:port`) and resolves once the WebSocket is open.
 * Rejects with the HTTP status when the server refuses the upgrade. Cut when the test ends.
 */
export async function openRawClient(
  t: ExecutionContext,
  url: string,
  options: RawClientOptions = {},
): Promise<RawClient> {
  const address = new URL(options.path ?? '/ws/chat', url.replace(/^http/, 'ws'));
  const byHeader = options.by === 'header';
  if (options.token !== undefined && !byHeader) address.searchParams.set('token', options.token);
  const headers = options.token !== undefined && byHeader ? { authorization: `Token ${options.token}` } : {};
  const socket = new WebSocket(address, { headers, autoPong: options.mute !== true });
  const client = collect(socket);
  t.teardown(async () => {
    socket.terminate();
    await client.closed;
    if (client.unreportedFault !== undefined) throw client.unreportedFault;
  });
  await client.opened;
  return client;
}

function collect(
  socket: WebSocket,
): RawClient & { opened: Promise<void>; readonly unreportedFault: Error | undefined } {
  const frames: RawFrame[] = [];
  const waiting = new Set<() => void>();
  let fault: Error | undefined;
  let isReported = false;
  let end: { code: number; reason: string } | undefined;
  let position = 0;
  const wake = (): void => {
    for (const look of waiting) look();
  };
  socket.on('message', (data, isBinary) => {
    try {
      frames.push(readFrame(data, isBinary));
    } catch (error) {
      fault ??= error as Error;
    }
    wake();
  });
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    // Stays for the connection's life: a later error is followed by `close`, which tests read.
    socket.on('error', (error) => reject(new Error(`The WebSocket did not open: ${error.message}`, { cause: error })));
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => {
      end = { code, reason: reason.toString() };
      resolve(end);
      wake();
    });
  });

  function waitFor<T>(look: () => T | undefined, deadlineMs: number, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
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
        if (fault !== undefined) {
          isReported = true;
          settle(() => reject(fault));
        } else if (found !== undefined) settle(() => resolve(found));
        else if (end !== undefined) fail(`The connection closed with ${end.code}`);
      };
      const timer = setTimeout(() => fail(`${deadlineMs} ms passed`), deadlineMs);
      waiting.add(check);
      check();
    });
  }

  const client = {
    frames,
    closed,
    socket,
    opened,
    get unreportedFault() {
      return isReported ? undefined : fault;
    },
    send: (message: object | string): void => {
      socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    },
    next: (wanted: Wanted, deadlineMs: number = defaultDeadlineMs): Promise<RawFrame> => {
      const look = (): RawFrame | undefined => {
        const at = frames.findIndex((frame, index) => index >= position && matches(frame, wanted));
        if (at === -1) return undefined;
        position = at + 1;
        return frames[at];
      };
      return waitFor(look, deadlineMs, typeof wanted === 'function' ? wanted.toString() : JSON.stringify(wanted));
    },
    take: (deadlineMs: number = defaultDeadlineMs): Promise<RawFrame> => client.next(() => true, deadlineMs),
    ask: (message: object | string, wanted: Wanted, deadlineMs: number = defaultDeadlineMs): Promise<RawFrame> => {
      client.send(message);
      return client.next(wanted, deadlineMs);
    },
    settle: async (deadlineMs: number = defaultDeadlineMs): Promise<void> => {
      let answered = false;
      socket.once('pong', () => {
        answered = true;
        wake();
      });
      socket.ping();
      await waitFor(() => answered || undefined, deadlineMs, 'a pong');
    },
    close: async (): Promise<void> => {
      socket.close(1000);
      await closed;
    },
    cut: (): void => socket.terminate(),
  };
  return client;
}

function readFrame(data: WebSocket.RawData, isBinary: boolean): RawFrame {
  if (isBinary) throw new Error('The server sent a binary frame.');
  const text = Buffer.isBuffer(data) ? data.toString('utf8') : '';
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
