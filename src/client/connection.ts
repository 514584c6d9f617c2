/**
 * The way to the server, kept up: opens a line, waits for the greeting, comes back after a cut to the session where it
 * was, ends on a refusal that no new attempt would change. Knows nothing of rooms, requests or who listens; which
 * transport is tried is the choice's business, what happens on one line the line's.
 *
 *   idle ──start──▶ connecting ──greeting──▶ open ──a better transport took over──▶ open
 *                   │  ▲  │  ▲               │
 *     not opened: ──┘  │  │  └ next transport │
 *                      │  ▼                  │ cut, silent
 *                      waiting ◀─────────────┘
 *   any ──terminal refusal, stop──▶ ended ──start──▶ connecting          any ──halt──▶ idle
 *
 * In `open`, a rival may be under way: a line over a better transport with the session's cursor. The server lets it win,
 * so the session passes to it, unless it does not open; then the old line goes on as if nothing had been. Where the old
 * line ends first, most likely because the rival has just won, the rival is all there is, and its end is a cut.
 * The one timer of this file: in waiting the next attempt, in open the next rival.
 */
import { retryAfterClose } from '../protocol/close-codes.ts';
import type { ServerFrame } from '../protocol/frames.ts';
import { backoff, backoffDelay } from './backoff.ts';
import { Choice } from './choice.ts';
import { isServersWord, reasonOfClose } from './close-reasons.ts';
import type { ConnectionDeps, ConnectionState } from './connection-deps.ts';
import { believedDelay, blockedMs, connectionTimes } from './connection-times.ts';
import { type EndReason, FatalError } from './errors.ts';
import { type Cursor, isCounted, Line } from './line.ts';
import { Takeovers } from './takeovers.ts';
import type { OpenTransport, TransportKind } from './transports/transport.ts';

export class Connection {
  readonly #deps: ConnectionDeps;
  readonly #choice: Choice;
  readonly #takeovers: Takeovers;
  #state: ConnectionState = 'idle';
  #transport: TransportKind | undefined;
  #line: Line | undefined;
  #rival: Line | undefined;
  /** The transports that this round of climbing has still to try. */
  #untried: TransportKind[] = [];
  #timer: unknown;
  /** How far the session was told; undefined where there is none to come back to. */
  #cursor: Cursor | undefined;
  /** Whether the session is one that nobody was told of yet; the line that began it may have gone before its greeting came. */
  #isNew = false;
  /** Rounds of attempts since the last line that proved stable. */
  #attempt = 0;
  /** Milliseconds to wait before the next attempt, where more is known than the backoff knows. */
  #knownWait: number | undefined;
  /** Whether there may be a line of this client, from before, that the server has not given up yet. */
  #isComingBack = false;
  /** Whether `already-chatting` was the answer before: the second one in a row is believed. */
  #wasBlocked = false;
  /** Whether the next line takes the place of the user's present connection: until the server has told a session. */
  #takesOver = false;
  /** Whether the session is asked for again that seems to go on elsewhere. */
  #isDisputed = false;

  constructor(deps: ConnectionDeps) {
    this.#deps = deps;
    this.#choice = new Choice([...deps.transports.keys()], deps.now);
    this.#takeovers = new Takeovers(deps.now);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get transport(): TransportKind | undefined {
    return this.#transport;
  }

  get cursor(): Cursor | undefined {
    return this.#cursor;
  }

  /**
   * Begins to connect; does nothing while a connection is open or under way. `resume`: what an earlier client left.
   * `takeover`: takes the place of the user's present connection, without asking whether it lives.
   */
  start(resume?: { cursor: Cursor | undefined }, takeover = false): void {
    if (this.#state !== 'idle' && this.#state !== 'ended') return;
    this.#attempt = 0;
    this.#cursor = resume?.cursor;
    this.#isComingBack = resume !== undefined;
    this.#wasBlocked = false;
    this.#isDisputed = false;
    this.#isNew = false;
    this.#takesOver = takeover;
    if (resume !== undefined) this.#takeovers.onStray();
    this.#open();
  }

  /** Sends one client message; the state must be `open`. */
  send(text: string): void {
    this.#line?.send(text);
  }

  /** What it would do later it does now: the next attempt, unless the server asked for the wait, or a look whether the line lives. */
  hurry(): void {
    if (this.#state === 'open') this.#line?.probe();
    if (this.#state !== 'waiting' || this.#knownWait !== undefined) return;
    this.#clear();
    this.#open();
  }

  /** Gives the session up as broken and begins a new one. */
  drop(): void {
    if (this.#state === 'idle' || this.#state === 'ended') return;
    this.#cursor = undefined;
    if (this.#state === 'waiting') return;
    void this.#line?.close('leave');
    this.#retry('backoff');
  }

  /** Back to `idle`, as if `start` had not been called: a session that an earlier client left stays for a later one. */
  halt(): void {
    this.#release(this.#cursor === undefined ? 'leave' : 'keep').catch(() => {});
    this.#setState('idle');
  }

  /** Ends for good; `keep` leaves the session to its grace. Resolves once the line is closed. */
  async stop(error: FatalError, how: 'leave' | 'keep'): Promise<void> {
    if (this.#state === 'ended') return;
    const closed = this.#release(how);
    this.#deps.onEnd(error);
    this.#setState('ended');
    this.#setTransport(undefined);
    this.#deps.onEnded(error);
    await closed;
  }

  #open(): void {
    this.#knownWait = undefined;
    this.#setState('connecting');
    // A listener of the state may have stopped the client.
    if (this.state === 'connecting') this.#dial();
  }

  /** Opens a line over the transport that is next; over the one after it where the platform refuses. */
  #dial(): void {
    for (;;) {
      const { kind, openMs } = this.#choice;
      try {
        this.#line = this.#openLine(kind, openMs);
        return;
      } catch (cause) {
        if (!this.#choice.onFailed()) return this.#end('blocked', { cause });
      }
    }
  }

  #openLine(kind: TransportKind, openMs: number): Line {
    const { transports, token, timers, now } = this.#deps;
    return new Line({
      kind,
      open: transports.get(kind) as OpenTransport,
      token: token(),
      cursor: this.#cursor,
      takeover: this.#takesOver,
      openMs,
      timers,
      now,
      onSession: (line, isResumed) => this.#onSession(line, isResumed),
      onOpen: (line) => this.#onOpen(line),
      onFrame: (line, frame) => this.#onFrame(line, frame),
      onClosed: (line, code, waitMs) => this.#onClosed(line, code, waitMs),
    });
  }

  #onSession(line: Line, isResumed: boolean): void {
    this.#takesOver = false;
    const hasWon = line === this.#rival;
    if (hasWon) {
      const old = this.#line;
      this.#line = line;
      this.#rival = undefined;
      void old?.close('keep');
    }
    if (isResumed) return;
    this.#isNew = true;
    this.#cursor = line.cursor;
    // The session that it should have taken over is gone.
    if (hasWon) this.#lose('connecting');
  }

  #onOpen(line: Line): void {
    if (line !== this.#line) return;
    this.#takesOver = false;
    this.#wasBlocked = false;
    this.#isDisputed = false;
    // What was known of the time before says nothing of the next cut.
    this.#knownWait = undefined;
    if (line.kind !== this.#choice.kind) this.#choice.onClimbed(line.kind);
    const isResumed = !this.#isNew && this.#cursor !== undefined;
    this.#isNew = false;
    this.#setState('open');
    if (this.#isCurrent(line)) this.#setTransport(line.kind);
    if (this.#isCurrent(line)) this.#deps.onOpen(isResumed);
    if (this.#isCurrent(line)) this.#climbLater();
  }

  #onFrame(line: Line, frame: ServerFrame): void {
    if (line === this.#rival) return this.#onRivalGone();
    const { cursor } = line;
    if (line !== this.#line || (isCounted(frame) && !this.#isNews(cursor))) return;
    this.#deps.onArrival(frame);
    if (!this.#isCurrent(line)) return;
    if (isCounted(frame)) this.#cursor = cursor;
    this.#deps.onFrame(frame);
    if (!this.#isCurrent(line)) return;
    if (frame.type === 'fatal') this.#onRefused(frame.code);
    if (frame.type !== 'notification') return;
    if (frame.code === 'logged-out') this.#end('logged-out');
    else if (frame.code === 'server-closing') this.#knownWait = believedDelay(frame.reconnect_in);
  }

  /** Whether a message that ends at `cursor` was told yet: a line that took over repeats what the old one told since it was opened. */
  #isNews(cursor: Cursor | undefined): boolean {
    return cursor === undefined || cursor.session !== this.#cursor?.session || cursor.n > this.#cursor.n;
  }

  #isCurrent(line: Line): boolean {
    return line === this.#line && (this.#state === 'connecting' || this.#state === 'open');
  }

  #onClosed(line: Line, code: number, waitMs: number | undefined): void {
    if (line === this.#rival) return this.#onRivalGone();
    if (line !== this.#line) return;
    const retry = retryAfterClose(code);
    if (retry === 'no') return this.#onRefused(reasonOfClose(code));
    if (this.#rival !== undefined) return this.#handOver();
    if (waitMs !== undefined) this.#knownWait = waitMs + this.#deps.random() * backoff.jitterMs;
    // What the server has answered does not arrive any later: it is no stray.
    if (!isServersWord(code) && this.#state === 'connecting') return this.#onFailed();
    if (!isServersWord(code) && line.hasOpened) {
      this.#choice.onDied(line.ageMs < connectionTimes.youngMs, line.hasServed);
    }
    this.#retry(retry);
  }

  /** The transport did not open: tries the next one, or waits for the next round. */
  #onFailed(): void {
    this.#isComingBack = true;
    // The server may still test this one, as it may have the one that blocked before: who is there may be this client.
    this.#wasBlocked = false;
    this.#isDisputed = false;
    this.#takeovers.onStray();
    this.#line = undefined;
    if (this.#choice.onFailed()) this.#dial();
    else this.#retry('backoff');
  }

  /** Two refusals pass: a new session mends an expired one, and one's own older connection blocks for a moment only. */
  #onRefused(reason: EndReason): void {
    if (reason === 'resumed-elsewhere') {
      if (this.#rival !== undefined) return this.#handOver();
      this.#isDisputed = this.#line !== undefined && this.#takeovers.isDisputed(this.#line.kind);
      if (!this.#isDisputed) return this.#end(reason);
      void this.#line?.close('keep');
      return this.#retry('backoff');
    }
    // The session is gone, and somebody is there: so it was another client.
    if (this.#isDisputed && reason === 'already-chatting') return this.#end('resumed-elsewhere');
    const isOwnPlace =
      reason === 'already-chatting' && this.#line?.hasOpened === false && this.#isComingBack && !this.#wasBlocked;
    if (reason !== 'session-expired' && !isOwnPlace) return this.#end(reason);
    if (reason === 'session-expired') this.#cursor = undefined;
    if (isOwnPlace) {
      this.#wasBlocked = true;
      this.#knownWait = blockedMs;
    }
    void this.#line?.close('keep');
    this.#retry('backoff');
  }

  #retry(kind: 'backoff' | 'jitter'): void {
    const { timers, random } = this.#deps;
    const wasOpen = this.#state === 'open';
    if (wasOpen && (this.#line?.ageMs ?? 0) >= backoff.stableMs) this.#attempt = 0;
    // A rival that had become all there was, and did not open.
    if (wasOpen && this.#line?.hasOpened === false) {
      this.#choice.onClimbed(undefined);
      this.#takeovers.onStray();
    }
    void this.#rival?.close('keep');
    this.#rival = undefined;
    this.#line = undefined;
    this.#clear();
    const jitter = kind === 'jitter' && this.#attempt === 0;
    const wait = jitter ? random() * backoff.jitterMs : backoffDelay(this.#attempt, random);
    // A server that says "at once" again and again is not believed the second time.
    const delay = this.#attempt === 0 ? (this.#knownWait ?? wait) : Math.max(this.#knownWait ?? 0, wait);
    this.#attempt += 1;
    this.#isComingBack = true;
    this.#timer = timers.setTimeout(() => this.#open(), delay);
    if (wasOpen) this.#lose('waiting');
    else this.#setState('waiting');
  }

  /** The open line is gone: what hung on it is told before anybody hears of the state. */
  #lose(next: 'waiting' | 'connecting'): void {
    const previous = this.#state;
    this.#state = next;
    this.#deps.onLost();
    // What waited may have been told meanwhile, to a listener that closed the client.
    if (this.state === next) this.#deps.onState(next, previous);
    if (this.state === next) this.#setTransport(undefined);
  }

  #climbLater(): void {
    this.#clear();
    const waitMs = this.#choice.climbWaitMs();
    if (waitMs === undefined || this.#cursor === undefined) return;
    this.#timer = this.#deps.timers.setTimeout(() => {
      this.#untried = [...this.#choice.better];
      this.#climb();
    }, waitMs);
  }

  /** Tries the next better transport beside the line that is open. */
  #climb(): void {
    const kind = this.#untried.shift();
    if (kind === undefined) {
      this.#choice.onClimbed(undefined);
      this.#climbLater();
      return;
    }
    try {
      this.#rival = this.#openLine(kind, connectionTimes.tryMs);
      // The rival's cursor must not be overtaken, or the server would take it for an old one.
      this.#line?.hold(true);
    } catch {
      this.#climb();
    }
  }

  #onRivalGone(): void {
    this.#takeovers.onStray();
    void this.#rival?.close('keep');
    this.#rival = undefined;
    this.#line?.hold(false);
    this.#climb();
  }

  /** The old line is gone while the rival is under way: now it is the only one. */
  #handOver(): void {
    void this.#line?.close('keep');
    this.#line = this.#rival;
    this.#rival = undefined;
    this.#isComingBack = true;
    this.#deps.onLost();
  }

  #end(reason: EndReason, options?: ErrorOptions): void {
    // Not even after the client's own mistake is a session ended that may be somebody else's by now.
    void this.stop(new FatalError(reason, options), 'keep');
  }

  async #release(how: 'leave' | 'keep'): Promise<void> {
    this.#clear();
    const line = this.#line;
    const rival = this.#rival;
    const session = this.#cursor?.session;
    this.#line = undefined;
    this.#rival = undefined;
    this.#cursor = undefined;
    const isAttached = line?.isOpen === true && rival === undefined;
    const closed = line?.close(how);
    void rival?.close('keep');
    if (how === 'leave' && !isAttached && session !== undefined) await this.#deps.endSession(session);
    await closed;
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

  #setTransport(kind: TransportKind | undefined): void {
    if (this.#transport === kind) return;
    this.#transport = kind;
    this.#deps.onTransport(kind);
  }
}
