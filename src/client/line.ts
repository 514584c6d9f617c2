/**
 * One transport from its opening to its end: waits for the greeting, counts the session's messages, and notices when
 * nothing comes any more. Decides neither what an end means nor what is opened next.
 *
 *   opening ──resumed, or api-motd──▶ open        either ──ended, too late, silent, close──▶ over
 */
import type { ServerFrame } from '../protocol/frames.ts';
import { connectionTimes } from './connection-times.ts';
import type { Timers } from './platform.ts';
import { type OpenTransport, ownCloseCodes, type Transport, type TransportKind } from './transports/transport.ts';

/** How far into a session a client has heard. */
export type Cursor = { session: string; n: number };

export type LineEvents = {
  /** Which session this is; before any of its messages. */
  onSession(line: Line, isResumed: boolean): void;
  /** In the chat; after the message that said so was told. */
  onOpen(line: Line): void;
  onFrame(line: Line, frame: ServerFrame): void;
  /** The line ended by itself. */
  onClosed(line: Line, code: number, waitMs: number | undefined): void;
};

export type LineDeps = LineEvents & {
  kind: TransportKind;
  open: OpenTransport;
  token: string | undefined;
  cursor: Cursor | undefined;
  takeover: boolean;
  openMs: number;
  timers: Timers;
  now: () => number;
};

/** Of all reads only `list` has no room to be in and touches no message. Without a `ref`, so that it settles no request. */
const probe = JSON.stringify({ type: 'list' });

export class Line {
  readonly kind: TransportKind;
  readonly #deps: LineDeps;
  readonly #transport: Transport;
  #phase: 'opening' | 'open' | 'over' = 'opening';
  #session: string | undefined;
  #n = 0;
  #timer: unknown;
  #openedAt: number | undefined;
  #heardAt: number;
  #isProbed = false;
  #hasServed = false;

  /** Throws when the platform refuses to open the transport. */
  constructor(deps: LineDeps) {
    const { kind, open, token, cursor, takeover, openMs, timers, now } = deps;
    this.kind = kind;
    this.#deps = deps;
    this.#heardAt = now();
    this.#transport = open(
      {
        token,
        cursor: cursor === undefined ? undefined : `${cursor.session}.${cursor.n}`,
        takeover,
        session: () => this.#session,
      },
      {
        onSession: (session, isResumed) => {
          if (this.#begin(session, isResumed)) this.#greeted();
        },
        onMessage: (message, n) => this.#onMessage(message, n),
        onAlive: () => this.#hear(),
        onClosed: (code, waitMs) => this.#onClosed(code, waitMs),
      },
    );
    this.#timer = timers.setTimeout(() => this.#giveUp(), openMs);
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** Whether it was greeted, also when it is over. */
  get hasOpened(): boolean {
    return this.#openedAt !== undefined;
  }

  /** How far it has come; undefined where the server has told no session. */
  get cursor(): Cursor | undefined {
    return this.#session === undefined ? undefined : { session: this.#session, n: this.#n };
  }

  /** Milliseconds since the greeting; 0 before it. */
  get ageMs(): number {
    return this.#openedAt === undefined ? 0 : this.#deps.now() - this.#openedAt;
  }

  /** Whether it has carried an answer to anything. */
  get hasServed(): boolean {
    return this.#hasServed;
  }

  send(text: string): void {
    try {
      this.#transport.send(text);
    } catch {
      // A transport that cannot send is closing: its end is reported, and the message is resent like any unanswered one.
    }
  }

  /** Asks whether the server is still there, where it has not been heard for a while, and does not wait long for it. */
  probe(): void {
    const isQuiet = this.#deps.now() - this.#heardAt >= connectionTimes.answerMs;
    if (this.#phase !== 'open' || this.#silenceMs() === undefined || this.#isProbed || !isQuiet) return;
    this.#isProbed = true;
    this.send(probe);
    this.#watch(connectionTimes.answerMs);
  }

  hold(isHeld: boolean): void {
    this.#transport.hold?.(isHeld);
  }

  /** Ends the line; nothing is told of it afterwards. */
  close(how: 'leave' | 'keep'): Promise<void> {
    if (this.#phase === 'over') return Promise.resolve();
    this.#over();
    return this.#transport.close(how);
  }

  /** Returns whether the session goes on. */
  #begin(session: string, isResumed: boolean): boolean {
    const { cursor } = this.#deps;
    const goesOn = isResumed && cursor?.session === session;
    this.#session = session;
    this.#n = goesOn ? cursor.n : 0;
    this.#deps.onSession(this, goesOn);
    return goesOn;
  }

  #onMessage(message: unknown, n: number | undefined): void {
    this.#hear();
    const frame = asFrame(message);
    const isGreeting = isSession(frame) ? this.#begin(frame.session, frame.resumed) : isMotd(frame);
    if (this.isOver()) return;
    if (isCounted(frame)) this.#n = n ?? this.#n + 1;
    if (frame === undefined) return;
    if (this.isOpen && 'ref' in frame) this.#hasServed = true;
    this.#deps.onFrame(this, frame);
    if (this.isOver()) return;
    if (frame.type === 'notification' && frame.code === 'ping') this.#transport.proveLife?.();
    if (isGreeting) this.#greeted();
  }

  /** A method, since what is told may end the line in between. */
  isOver(): boolean {
    return this.#phase === 'over';
  }

  #greeted(): void {
    if (this.#phase !== 'opening') return;
    this.#phase = 'open';
    this.#openedAt = this.#deps.now();
    this.#watch(this.#silenceMs());
    this.#deps.onOpen(this);
  }

  #hear(): void {
    this.#heardAt = this.#deps.now();
    this.#isProbed = false;
  }

  /** Milliseconds of silence that are too long; undefined where the transport has deadlines of its own. */
  #silenceMs(): number | undefined {
    if (this.kind === 'poll') return undefined;
    return this.kind === 'sse' ? connectionTimes.streamSilenceMs : connectionTimes.silenceMs;
  }

  /** Looks again in `ms` whether the line has been silent for too long. */
  #watch(ms: number | undefined): void {
    const { timers, now } = this.#deps;
    timers.clearTimeout(this.#timer);
    const longest = this.#silenceMs();
    if (ms === undefined || longest === undefined) return;
    this.#timer = timers.setTimeout(() => {
      const silent = now() - this.#heardAt;
      if (this.#isProbed) this.#giveUp();
      else if (silent < longest) this.#watch(longest - silent);
      else if (this.kind === 'sse') this.#giveUp();
      else {
        this.#isProbed = true;
        this.send(probe);
        this.#watch(connectionTimes.answerMs);
      }
    }, ms);
  }

  /** What this side gives up may come back to life on the other: the session is left to its grace. */
  #giveUp(): void {
    void this.close('keep');
    this.#deps.onClosed(this, ownCloseCodes.broken, undefined);
  }

  #onClosed(code: number, waitMs: number | undefined): void {
    if (this.#phase === 'over') return;
    this.#over();
    this.#deps.onClosed(this, code, waitMs);
  }

  #over(): void {
    this.#phase = 'over';
    this.#deps.timers.clearTimeout(this.#timer);
  }
}

/** Whether a message has a place in its session. One that this client cannot read has. */
export function isCounted(frame: ServerFrame | undefined): boolean {
  return frame?.type !== 'fatal' && !isSession(frame);
}

/** What is no message of the protocol is passed over: a newer server may say more than this client knows. */
function asFrame(value: unknown): ServerFrame | undefined {
  const isFrame = typeof value === 'object' && value !== null && 'type' in value && 'code' in value;
  return isFrame ? (value as ServerFrame) : undefined;
}

function isMotd(frame: ServerFrame | undefined): boolean {
  return frame?.type === 'notification' && frame.code === 'api-motd';
}

function isSession(frame: ServerFrame | undefined): frame is Extract<ServerFrame, { code: 'session' }> {
  return frame?.type === 'notification' && frame.code === 'session';
}
