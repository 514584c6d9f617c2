/**
 * One way to the server, kept up: opens a transport, waits for the greeting, comes back after a cut, ends on a refusal
 * that no new attempt would change. Knows nothing of rooms, requests or who listens.
 *
 *   idle ──start──▶ connecting ──api-motd──▶ open
 *                     ▲    │ cut, refused for now │ cut, silent
 *                     │    ▼                      ▼
 *                     └─ waiting ◀────────────────┘
 *   any ──terminal refusal, stop──▶ ended ──start──▶ connecting          any ──halt──▶ idle
 *
 * Each state has at most one timer: connecting a deadline, waiting the next attempt, open the check for silence.
 */
import { retryAfterClose } from '../protocol/close-codes.ts';
import type { ServerFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import { backoff, backoffDelay } from './backoff.ts';
import { type EndReason, FatalError } from './errors.ts';
import type { Timers } from './platform.ts';
import type { OpenTransport, Transport } from './transports/transport.ts';

export type ConnectionState = 'idle' | 'connecting' | 'open' | 'waiting' | 'ended';

export const connectionTimes = {
  /** Milliseconds from opening a transport to the greeting: several times what the server takes to test an older connection. */
  openMs: 20_000,
  /**
   * Milliseconds without a server message after which the client asks for the list of rooms. Browsers don't show the
   * server's pings; this is longer than they are apart, so that a busy room never costs a question.
   */
  silenceMs: 45_000,
  /** Milliseconds for any message to arrive after that question, before the line counts as dead. */
  answerMs: 10_000,
  /** Milliseconds of `reconnect_in` that are believed at most: a broken server must not silence its clients for days. */
  reconnectInMaxMs: 300_000,
} as const;

/**
 * Milliseconds to wait after `already-chatting` on coming back: what blocks may be this client's own cut connection, or
 * its attempt before, which the server still tests. Longer than that takes, by a second for the way there and back.
 */
export const blockedMs: number = limits.proofMs + 1_000;

/** Of all reads only `list` has no room to be in and touches no message. Without a `ref`, so that it settles no request. */
const probe = JSON.stringify({ type: 'list' });

export type ConnectionDeps = {
  openTransport: OpenTransport;
  token: () => string | undefined;
  timers: Timers;
  /** Milliseconds of a clock that does not jump. */
  now: () => number;
  random: () => number;
  onState: (state: ConnectionState, previous: ConnectionState) => void;
  onFrame: (frame: ServerFrame) => void;
  /** The greeting came; called after `onFrame` got it. */
  onOpen: () => void;
  /** An open connection is gone; the next attempt is on its way. Called before the state is told. */
  onLost: () => void;
  /** The end has come: tidy up. Called before the state is told, whose listeners may connect anew. */
  onEnd: (error: FatalError) => void;
  /** All is tidy: tell. */
  onEnded: (error: FatalError) => void;
};

export class Connection {
  readonly #deps: ConnectionDeps;
  #state: ConnectionState = 'idle';
  #transport: Transport | undefined;
  #timer: unknown;
  /** Attempts since the last connection that proved stable. */
  #attempt = 0;
  #openedAt = 0;
  #heardAt = 0;
  #probed = false;
  /** Milliseconds to wait before the next attempt, where more is known than the backoff knows. */
  #knownWait: number | undefined;
  /** Whether there was an attempt before this one since `start`. */
  #isComingBack = false;
  /** Whether `already-chatting` was answered since the last greeting: the second one in a row is believed. */
  #wasBlocked = false;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Begins to connect; does nothing while a connection is open or under way. */
  start(): void {
    if (this.#state !== 'idle' && this.#state !== 'ended') return;
    this.#attempt = 0;
    this.#isComingBack = false;
    this.#wasBlocked = false;
    this.#open();
  }

  /** Sends one client message; the state must be `open`. */
  send(text: string): void {
    try {
      this.#transport?.send(text);
    } catch {
      // A transport that cannot send is closing: its end is reported, and the message is resent like any unanswered one.
    }
  }

  /** Gives the open connection up as broken and connects again. */
  drop(): void {
    if (this.#state !== 'open') return;
    void this.#transport?.close();
    this.#retry('backoff');
  }

  /** Back to `idle`, as if `start` had not been called. */
  halt(): void {
    this.#release().catch(() => {});
    this.#setState('idle');
  }

  /** Ends for good. Resolves once the transport is closed. */
  async stop(error: FatalError): Promise<void> {
    if (this.#state === 'ended') return;
    const closed = this.#release();
    this.#deps.onEnd(error);
    this.#setState('ended');
    this.#deps.onEnded(error);
    await closed;
  }

  #open(): void {
    const { timers, now } = this.#deps;
    this.#knownWait = undefined;
    this.#heardAt = now();
    this.#setState('connecting');
    // A listener of the state may have stopped the client.
    if (this.#state !== 'connecting') return;
    this.#timer = timers.setTimeout(() => {
      void this.#transport?.close();
      this.#retry('backoff');
    }, connectionTimes.openMs);
    try {
      this.#transport = this.#deps.openTransport(this.#deps.token(), {
        onText: (text) => this.#onText(text),
        onClosed: (code) => this.#onClosed(code),
      });
    } catch (cause) {
      this.#end('blocked', { cause });
    }
  }

  #onText(text: string): void {
    this.#heardAt = this.#deps.now();
    this.#probed = false;
    const frame = parseFrame(text);
    if (frame === undefined) return;
    this.#deps.onFrame(frame);
    if (this.#state !== 'connecting' && this.#state !== 'open') return;
    if (frame.type === 'fatal') this.#onRefused(frame.code);
    if (frame.type !== 'notification') return;
    if (frame.code === 'logged-out') this.#end('logged-out');
    else if (frame.code === 'server-closing') this.#knownWait = readDelay(frame.reconnect_in);
    else if (frame.code === 'api-motd' && this.#state === 'connecting') this.#greeted();
  }

  #greeted(): void {
    this.#openedAt = this.#deps.now();
    this.#wasBlocked = false;
    this.#watch(connectionTimes.silenceMs);
    this.#setState('open');
    if (this.#state === 'open') this.#deps.onOpen();
  }

  #onClosed(code: number): void {
    const retry = retryAfterClose(code);
    if (retry === 'no') this.#onRefused(reasonOfClose(code));
    else this.#retry(retry);
  }

  /** Two refusals pass: a new session mends an expired one, and one's own older connection blocks for a moment only. */
  #onRefused(reason: EndReason): void {
    const isOwnPlace =
      reason === 'already-chatting' && this.#state === 'connecting' && this.#isComingBack && !this.#wasBlocked;
    if (reason !== 'session-expired' && !isOwnPlace) return this.#end(reason);
    if (isOwnPlace) {
      this.#wasBlocked = true;
      this.#knownWait = blockedMs;
    }
    void this.#transport?.close();
    this.#retry('backoff');
  }

  #retry(kind: 'backoff' | 'jitter'): void {
    const { timers, now, random } = this.#deps;
    const previous = this.#state;
    const wasOpen = previous === 'open';
    this.#clear();
    this.#transport = undefined;
    if (wasOpen && now() - this.#openedAt >= backoff.stableMs) this.#attempt = 0;
    const jitter = kind === 'jitter' && this.#attempt === 0;
    const delay = this.#knownWait ?? (jitter ? random() * backoff.jitterMs : backoffDelay(this.#attempt, random));
    this.#attempt += 1;
    this.#isComingBack = true;
    this.#timer = timers.setTimeout(() => this.#open(), delay);
    this.#state = 'waiting';
    if (wasOpen) this.#deps.onLost();
    // What waited may have been told meanwhile, to a listener that closed the client.
    if (this.state === 'waiting') this.#deps.onState('waiting', previous);
  }

  /** Looks again in `ms` whether the line has been silent for too long. */
  #watch(ms: number): void {
    this.#clear();
    this.#timer = this.#deps.timers.setTimeout(() => {
      const silent = this.#deps.now() - this.#heardAt;
      if (this.#probed) this.drop();
      else if (silent < connectionTimes.silenceMs) this.#watch(connectionTimes.silenceMs - silent);
      else {
        this.#probed = true;
        this.send(probe);
        this.#watch(connectionTimes.answerMs);
      }
    }, ms);
  }

  #end(reason: EndReason, options?: ErrorOptions): void {
    void this.stop(new FatalError(reason, options));
  }

  #release(): Promise<void> {
    this.#clear();
    const closed = this.#transport?.close();
    this.#transport = undefined;
    return closed ?? Promise.resolve();
  }

  #clear(): void {
    this.#deps.timers.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #setState(state: ConnectionState): void {
    const previous = this.#state;
    if (previous === state) return;
    this.#state = state;
    this.#deps.onState(state, previous);
  }
}

/** What is no message of the protocol is passed over: a newer server may say more than this client knows. */
function parseFrame(text: string): ServerFrame | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isFrame = typeof value === 'object' && value !== null && 'type' in value && 'code' in value;
    return isFrame ? (value as ServerFrame) : undefined;
  } catch {
    return undefined;
  }
}

function readDelay(value: unknown): number | undefined {
  if (typeof value !== 'number' || !(value >= 0)) return undefined;
  return Math.min(value, connectionTimes.reconnectInMaxMs);
}

function reasonOfClose(code: number): EndReason {
  const reasons: Readonly<Record<number, EndReason>> = {
    4401: 'not-authenticated',
    4403: 'kicked',
    4409: 'already-chatting',
    4410: 'resumed-elsewhere',
  };
  return reasons[code] ?? 'ended';
}
