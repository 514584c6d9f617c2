/**
 * Requests on their way to an answer, matched by `ref`: bounded, in order, with a deadline and a signal each. Knows the
 * answers' shapes, not what they mean, and no socket.
 *
 * A request is queued, then sent, then settled. It goes back to queued when the server asks to wait (`rate-limited`,
 * `unavailable`) and when the session is gone, except a command, whose outcome nobody knows then.
 * When a connection is gone and the session goes on over the next one, a question of the client's own, the fence, goes
 * first and alone. A session's messages take effect in order and nothing of the old connection is read any more: so what
 * has no answer when the fence has one never arrived, and is queued again, commands too.
 * The window of unanswered requests shrinks to one when the server asks to slow down and grows back with each answer:
 * without it, hundreds of requests that wait for a reconnect would be sent at once and close the connection as flooding.
 */
import type { ClientFrame, ErrorFrame, ServerFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import { backoffDelay } from './backoff.ts';
import { ChatError, ConnectionError } from './errors.ts';
import type { Timers } from './platform.ts';

export const requestLimits = {
  /** Requests that may wait for an answer, queued ones included. */
  pending: 1_000,
  /** Requests sent and not answered: below the server's burst of 100, so that a full queue starts without a refusal. */
  window: 50,
  /** Milliseconds a request may take, waiting for a reconnect included. */
  timeoutMs: 30_000,
  /** Milliseconds a message may take: long enough for a server to restart, since a resend stores it once only. */
  sendTimeoutMs: 120_000,
  /** Milliseconds that waits after `unavailable` start from and grow to. */
  unavailableBaseMs: 1_000,
  unavailableCapMs: 10_000,
} as const;

type RequestFrame = ClientFrame & { ref: string };

export type RequestOptions = {
  signal?: AbortSignal | undefined;
  /** Milliseconds; `Infinity` for no deadline. */
  timeoutMs: number;
  /** Whether the connection's own work, which goes first, is not counted and ends with the connection. */
  internal?: boolean;
};

type Entry = {
  frame: RequestFrame;
  text: string;
  sent: boolean;
  promise: Promise<ServerFrame>;
  resolve(frame: ServerFrame): void;
  reject(error: unknown): void;
};

const nothing: Promise<never> = new Promise(() => {});

export type RequestsDeps = {
  timers: Timers;
  random: () => number;
  send: (text: string) => void;
  /** Whether the request may go now: its room may have to be joined again first. */
  isReady: (frame: ClientFrame) => boolean;
};

export class Requests {
  readonly #deps: RequestsDeps;
  readonly #internal = new Map<string, Entry>();
  readonly #entries = new Map<string, Entry>();
  #open = false;
  #inFlight = 0;
  #window: number = requestLimits.window;
  #pause: unknown;
  #unavailable = 0;
  /**
   * The newest refs that were answered. A browser posts again by itself what a connection that broke may not have carried
   * (RFC 9110 §9.2.2 forbids it, Chromium does it): the second time a `join` is refused, and nobody waits for that.
   */
  readonly #answered = new Set<string>();
  /** The fence, until its answer has come: nothing else is sent. */
  #fence: Entry | undefined;

  constructor(deps: RequestsDeps) {
    this.#deps = deps;
  }

  /** Queues a request. The same message with the `ref` of one that waits already shares its answer. */
  add(frame: RequestFrame, options: RequestOptions): Promise<ServerFrame> {
    const { ref } = frame;
    if (options.signal?.aborted === true) return Promise.reject(options.signal.reason as Error);
    const text = JSON.stringify(frame);
    const known = this.#entries.get(ref) ?? this.#internal.get(ref);
    if (known !== undefined) {
      return known.text === text ? known.promise : Promise.reject(new ChatError('ref-reused', {}, ref));
    }
    if (isTooLarge(text)) return Promise.reject(tooLarge(frame));
    const entries = options.internal === true ? this.#internal : this.#entries;
    if (options.internal !== true && entries.size >= requestLimits.pending) {
      return Promise.reject(new ConnectionError('too-many-pending', ref));
    }
    const promise = this.#enter(frame, text, entries, options);
    this.pump();
    return promise;
  }

  #enter(
    frame: RequestFrame,
    text: string,
    entries: Map<string, Entry>,
    options: RequestOptions,
  ): Promise<ServerFrame> {
    const { timers } = this.#deps;
    const { ref } = frame;
    const entry: Entry = { frame, text, sent: false, promise: nothing, resolve: () => {}, reject: () => {} };
    entry.promise = new Promise((resolve, reject) => {
      const leave = (): void => {
        if (!entries.delete(ref)) return;
        if (entry.sent) this.#inFlight -= 1;
        timers.clearTimeout(timer);
        options.signal?.removeEventListener('abort', onAbort);
      };
      entry.resolve = (answer) => {
        leave();
        resolve(answer);
      };
      entry.reject = (error) => {
        leave();
        // Whatever the caller's signal carries is what the caller wants to see.
        reject(error);
        this.pump();
      };
      const onAbort = (): void => entry.reject(options.signal?.reason);
      const timer = Number.isFinite(options.timeoutMs)
        ? timers.setTimeout(() => entry.reject(new ConnectionError('timeout', ref)), options.timeoutMs)
        : undefined;
      options.signal?.addEventListener('abort', onAbort, { once: true });
    });
    entries.set(ref, entry);
    return entry.promise;
  }

  /** A new session is open: what waits may go. `lose` was called for the one before. */
  attach(): void {
    this.#open = true;
    this.#window = requestLimits.window;
    this.pump();
  }

  /** The session goes on over a new connection. `ref`: one for the fence. */
  reattach(ref: string): void {
    // Also from a connection that was not lost, on a climb: dropping its fence must let nothing pass before the next one.
    this.detach();
    this.#open = true;
    const fence: RequestFrame = { type: 'list', ref };
    // Without a deadline: on a line that does not answer, the connection ends it.
    this.#enter(fence, JSON.stringify(fence), this.#internal, { timeoutMs: Number.POSITIVE_INFINITY }).catch(() => {});
    this.#fence = this.#internal.get(ref);
    this.pump();
  }

  /** The connection is gone: nothing is sent, and what was sent may still be answered where the session goes on. */
  detach(): void {
    this.#open = false;
    this.#resume();
    this.#dropFence();
  }

  /** The session is gone: what was sent waits for the next one, but commands and internal requests end here. */
  lose(): void {
    this.detach();
    for (const entry of this.#internal.values()) entry.reject(new ConnectionError('lost', entry.frame.ref));
    for (const entry of this.#entries.values()) {
      if (!entry.sent) continue;
      if (entry.frame.type === 'custom') entry.reject(new ConnectionError('lost', entry.frame.ref));
      else this.#unsend(entry);
    }
  }

  #passFence(): void {
    this.#fence = undefined;
    for (const entries of [this.#internal, this.#entries]) {
      for (const entry of entries.values()) this.#unsend(entry);
    }
    this.pump();
  }

  #dropFence(): void {
    const fence = this.#fence;
    this.#fence = undefined;
    fence?.reject(new ConnectionError('lost', fence.frame.ref));
  }

  #unsend(entry: Entry): void {
    if (entry.sent) this.#inFlight -= 1;
    entry.sent = false;
  }

  /** Rejects all that waits. */
  fail(error: unknown): void {
    this.#open = false;
    this.#resume();
    for (const entries of [this.#internal, this.#entries]) {
      for (const entry of entries.values()) entry.reject(error);
    }
    this.#fence = undefined;
  }

  /** Takes a server message; tells whether it answered a request, perhaps not for the first time. */
  settle(frame: ServerFrame): boolean {
    if (!('ref' in frame) || typeof frame.ref !== 'string') return false;
    const entry = this.#internal.get(frame.ref) ?? this.#entries.get(frame.ref);
    if (entry === undefined) return this.#answered.has(frame.ref);
    if (frame.type === 'error') this.#refused(entry, frame);
    else if (answers(entry.frame, frame)) {
      this.#unavailable = 0;
      this.#window = Math.min(requestLimits.window, this.#window + 1 / this.#window);
      entry.resolve(frame);
      this.pump();
    } else return false;
    if (!this.#internal.has(frame.ref) && !this.#entries.has(frame.ref)) this.#noteAnswered(frame.ref);
    // Any answer to the fence will do, unless it has to be asked again.
    if (entry === this.#fence && !this.#internal.has(frame.ref)) this.#passFence();
    return true;
  }

  /** As many are kept as one POST may hold: the next goes out when that has been taken. */
  #noteAnswered(ref: string): void {
    this.#answered.add(ref);
    const [oldest] = this.#answered;
    if (this.#answered.size > limits.batchMessages && oldest !== undefined) this.#answered.delete(oldest);
  }

  /** Sends what may be sent. Called whenever that may have changed. */
  pump(): void {
    if (this.#fence !== undefined) {
      if (this.#open && this.#pause === undefined && !this.#fence.sent) this.#transmit(this.#fence);
      return;
    }
    for (const entry of this.#internal.values()) {
      if (!entry.sent && this.#mayAny()) this.#transmit(entry);
    }
    const rooms = new Map<string, 'talk' | 'door'>();
    for (const entry of this.#entries.values()) {
      if (!this.#mayAny()) return;
      if (isInTurn(entry.frame, rooms) && !entry.sent && this.#deps.isReady(entry.frame)) this.#transmit(entry);
    }
  }

  #mayAny(): boolean {
    return this.#open && this.#pause === undefined && this.#inFlight < Math.floor(this.#window);
  }

  #transmit(entry: Entry): void {
    entry.sent = true;
    this.#inFlight += 1;
    this.#deps.send(entry.text);
  }

  #refused(entry: Entry, frame: ErrorFrame): void {
    if (frame.code === 'rate-limited') {
      this.#window = 1;
      this.#requeue(entry, waitOf(frame));
    } else if (frame.code === 'unavailable' && entry.frame.type !== 'custom') {
      const { unavailableBaseMs, unavailableCapMs } = requestLimits;
      const spread = backoffDelay(this.#unavailable, this.#deps.random, unavailableBaseMs, unavailableCapMs);
      // Half of the wait is sure: the store needs time, and every refusal costs one of the user's messages.
      this.#requeue(entry, (unavailableBaseMs + spread) / 2);
      this.#unavailable += 1;
    } else entry.reject(new ChatError(frame.code, frame.details, frame.ref));
  }

  /** Puts a request back in its place; nothing is sent for `ms`. */
  #requeue(entry: Entry, ms: number): void {
    this.#unsend(entry);
    if (this.#pause !== undefined) return;
    this.#pause = this.#deps.timers.setTimeout(() => {
      this.#pause = undefined;
      this.pump();
    }, ms);
  }

  #resume(): void {
    this.#deps.timers.clearTimeout(this.#pause);
    this.#pause = undefined;
    this.#unavailable = 0;
  }
}

/**
 * Whether nothing before it stands in a request's way; notes it for those that follow. Joining and parting wait for a
 * room's earlier requests, and later ones wait for them: refused for now, one of them would otherwise be overtaken.
 */
function isInTurn(frame: ClientFrame, rooms: Map<string, 'talk' | 'door'>): boolean {
  if (!('room_name' in frame)) return true;
  const before = rooms.get(frame.room_name);
  const isDoor = frame.type === 'join' || frame.type === 'part';
  if (isDoor || before === undefined) rooms.set(frame.room_name, isDoor ? 'door' : 'talk');
  return before === undefined || (before === 'talk' && !isDoor);
}

/** Milliseconds of `retry_after`; a second where it cannot be read, and never longer than a minute. */
function waitOf(frame: ErrorFrame): number {
  const seconds = frame.details?.retry_after;
  return typeof seconds === 'number' && seconds >= 0 ? Math.min(seconds, 60) * 1_000 : 1_000;
}

function answers(request: ClientFrame, frame: ServerFrame): boolean {
  if (frame.type !== 'notification' && frame.type !== 'room:notification') return false;
  const codes = {
    help: 'help',
    list: 'list',
    history: 'history',
    join: 'joined',
    part: 'parted',
    message: 'message',
    custom: 'custom',
  } as const;
  return frame.code === codes[request.type];
}

/** The server closes the connection on a message that is too large, so resending one would never end. */
function isTooLarge(text: string): boolean {
  // A UTF-16 unit is at most three bytes of UTF-8.
  if (text.length * 3 <= limits.clientMessageBytes) return false;
  return new TextEncoder().encode(text).length > limits.clientMessageBytes;
}

function tooLarge(frame: RequestFrame): ChatError {
  if (frame.type !== 'message') return new ChatError('invalid-format', {}, frame.ref);
  const details = { name: frame.room_name, max_length: limits.bodyLength };
  return new ChatError('room:message-too-long', details, frame.ref);
}
