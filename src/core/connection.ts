/**
 * One connection of a session: whether it lives, whether it drains, and what its transport tells. Its session may outlive
 * it and go on over another one: from then on nothing that this one tells reaches the session. It must not know rooms,
 * client messages or outboxes.
 *
 * Signs of life: a WebSocket answers pings; a poll comes again; an event stream gives none by itself, so that it counts
 * as alive for a while after it was opened or its client has posted, and is asked by a message after that.
 */
import { limits } from '../protocol/limits.ts';
import type { Clock } from './ports.ts';
import type { ConnectionEvents, Transport } from './transport.ts';

/** What a connection needs of its session; after `release` it calls none of it. */
export interface ConnectionOwner {
  /** A frame of the client. `text` undefined: it was no text. */
  receive(text: string | undefined, bytes: number): void;
  /** A sign of life of these bytes, for the raw cap. */
  receiveControl(bytes: number): void;
  /** The connection takes more. */
  flush(): void;
  /** Asks the client by a message to post something. */
  askForPost(): void;
  /** Comes with each heartbeat. */
  onBeat(): void;
  /** The connection gives no sign of life, or takes nothing any more. */
  onStalled(): void;
  /** The connection is gone. `isGoodbye`: the client said that it leaves. */
  onGone(isGoodbye: boolean): void;
}

export type ConnectionOptions = { clock: Clock; transport: Transport; owner: ConnectionOwner; pollGapMs: number };

const nothing = (): void => {};

export class Connection implements ConnectionEvents {
  readonly transport: Transport;
  readonly #clock: Clock;
  readonly #owner: ConnectionOwner;
  readonly #pollGapMs: number;
  #isReleased = false;
  #isClosed = false;
  /** Whether it gave a sign of life since the last ping. */
  #isAlive = true;
  #lastSignAt: number;
  #proofs: ((alive: boolean) => void)[] = [];
  /** The heartbeat, or after a poll was answered the wait for the next one. */
  #cancelBeat: () => void = nothing;
  #cancelDrain: (() => void) | undefined;
  #isBlocked = false;

  constructor({ clock, transport, owner, pollGapMs }: ConnectionOptions) {
    this.transport = transport;
    this.#clock = clock;
    this.#owner = owner;
    this.#pollGapMs = pollGapMs;
    this.#lastSignAt = clock.now();
    if (transport.kind !== 'poll') this.#scheduleBeat();
  }

  // ---- from the transport ----

  receive(text: string, bytes: number): void {
    if (this.#isReleased) return;
    this.onAlive();
    this.#owner.receive(text, bytes);
  }

  receiveBinary(bytes: number): void {
    if (this.#isReleased) return;
    this.onAlive();
    this.#owner.receive(undefined, bytes);
  }

  receiveControl(bytes: number): void {
    if (this.#isReleased) return;
    this.onAlive();
    this.#owner.receiveControl(bytes);
  }

  onAlive(): void {
    this.#isAlive = true;
    this.#lastSignAt = this.#clock.now();
    if (this.#proofs.length > 0) this.#settleProofs(true);
  }

  onDrain(): void {
    if (this.#isReleased) return;
    this.#cancelDrain?.();
    this.#cancelDrain = undefined;
    this.#isBlocked = false;
    this.#owner.flush();
  }

  onClose(isGoodbye: boolean): void {
    if (this.#isReleased || this.#isClosed) return;
    this.#isClosed = true;
    // A poll that was answered, or broke off, is not gone before the next one has had its time.
    if (this.transport.kind !== 'poll') this.#owner.onGone(isGoodbye);
    else this.#cancelBeat = this.#clock.after(this.#pollGapMs, () => this.#owner.onGone(false));
  }

  // ---- from the session ----

  /** Resolves whether the client shows within `limits.proofMs` that it lives. */
  prove(): Promise<boolean> {
    const isFresh = this.#clock.now() - this.#lastSignAt <= limits.aliveMs;
    if (this.transport.kind === 'sse' && isFresh) return Promise.resolve(true);
    return new Promise((resolve) => {
      const cancel = this.#clock.after(limits.proofMs, () => this.#settleProofs(false));
      this.#proofs.push((alive) => {
        cancel();
        resolve(alive);
      });
      if (this.transport.kind === 'sse') this.#owner.askForPost();
      else this.transport.ping();
    });
  }

  /** Whether it has to drain before it gets more. A poll takes its one answer and no more, and is never blocked. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** More waits for it than it takes: nothing is written until it has drained. */
  block(): void {
    if (this.transport.kind === 'poll') return;
    this.#isBlocked = true;
    this.expectDrain();
  }

  /** What is unwritten now has to be taken within `limits.drainMs`. */
  expectDrain(): void {
    this.#cancelDrain ??= this.#clock.after(limits.drainMs, () => {
      this.#cancelDrain = undefined;
      if (this.transport.unwritten() > 0) this.#owner.onStalled();
      else this.onDrain();
    });
  }

  /** Nothing it tells counts any more. `isAlive`: whether the client has shown that it lives. */
  release(isAlive: boolean): void {
    this.#isReleased = true;
    this.#cancelBeat();
    this.#cancelDrain?.();
    this.#settleProofs(isAlive);
  }

  #scheduleBeat(): void {
    const isStream = this.transport.kind === 'sse';
    const intervalMs = isStream ? limits.commentIntervalMs : limits.pingIntervalMs;
    this.#cancelBeat = this.#clock.after(intervalMs, () => {
      if (!isStream && !this.#isAlive) {
        this.#owner.onStalled();
        return;
      }
      this.#isAlive = false;
      this.#owner.onBeat();
      this.transport.ping();
      this.#scheduleBeat();
    });
  }

  #settleProofs(alive: boolean): void {
    const proofs = this.#proofs;
    this.#proofs = [];
    for (const settle of proofs) settle(alive);
  }
}
