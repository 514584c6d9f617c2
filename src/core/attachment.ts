/**
 * How a session is reached: over the connection that it is **attached** to, or not at all while it is **detached**. Owns
 * what a connection tells, the grace, and what becomes of a connection that floods or takes nothing; it must not know
 * rooms, what is in a message, or why a session ends.
 *
 * A resumable session waits detached until another connection resumes it or its grace is over. Any other session ends
 * with its connection.
 */
import type { CloseName } from '../protocol/close-codes.ts';
import { decodeClientFrame, decodeClientValue } from '../protocol/codec.ts';
import type { ServerFrame } from '../protocol/frames.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { Delivery } from './delivery.ts';
import { encode } from './encode.ts';
import type { Inbox } from './inbox.ts';
import type { SessionContext } from './session-context.ts';
import type { Transport } from './transport.ts';

/** What is attached or detached. */
export interface AttachmentOwner {
  /** Under which it can be resumed; undefined: it cannot. */
  readonly id: string | undefined;
  readonly isOpen: boolean;
  flush(): void;
  answer(frame: ServerFrame): void;
  /** Ends it after what its client has sent before. */
  leave(): void;
  /** Ends it now. */
  end(close: CloseName): void;
}

const nothing = (): void => {};

export class Attachment implements ConnectionOwner {
  readonly #context: SessionContext;
  readonly #owner: AttachmentOwner;
  readonly #inbox: Inbox;
  readonly #delivery: Delivery;
  #cancelGrace: () => void = nothing;

  constructor(context: SessionContext, owner: AttachmentOwner, parts: { inbox: Inbox; delivery: Delivery }) {
    this.#context = context;
    this.#owner = owner;
    this.#inbox = parts.inbox;
    this.#delivery = parts.delivery;
  }

  /** Goes on over this connection: there must be no other one. */
  attach(transport: Transport, resumed: boolean): Connection {
    const { clock, graceSeconds: grace, pollGapSeconds } = this.#context;
    const connection = new Connection({ clock, transport, owner: this, pollGapMs: pollGapSeconds * 1000 });
    this.#delivery.attach(connection);
    const { id } = this.#owner;
    // A poll has another way to say which session this is.
    if (id !== undefined && transport.kind !== 'poll') {
      transport.write([encode({ type: 'notification', code: 'session', session: id, resumed, grace })]);
    }
    return connection;
  }

  /** Its connection is gone, or is given up with `close`. */
  detach(close: CloseName | undefined): void {
    const transport = this.#delivery.takeBack();
    if (close !== undefined) transport?.close(close);
    if (!this.#owner.isOpen) return;
    const { clock, graceSeconds } = this.#context;
    if (!this.#delivery.isResumable || graceSeconds === 0) this.#owner.leave();
    else this.#cancelGrace = clock.after(graceSeconds * 1000, () => this.#owner.leave());
  }

  /** The client has `n` messages, and is no more where it was. */
  rewind(n: number): void {
    this.#delivery.release(true)?.refuse('resumed-elsewhere');
    this.endGrace();
    // Whoever comes again and again for what it never reads is held back as if it had sent that much.
    this.#inbox.mayTake(0, this.#delivery.rewind(n));
  }

  /** Nobody is waited for any more. */
  endGrace(): void {
    this.#cancelGrace();
  }

  /** Asks its client to prove that it lives; resolves false when it does not, or there is no connection. */
  prove(): Promise<boolean> {
    return this.#delivery.connection?.prove() ?? Promise.resolve(false);
  }

  /** Client messages that came beside the connection, parsed from `bytes` bytes of JSON. False: too many, none was taken. */
  post(messages: readonly unknown[], bytes: number): boolean {
    this.#delivery.connection?.onAlive();
    if (!this.#inbox.mayTake(messages.length, bytes)) return false;
    // How long each was is not known any more: what waits is bounded all the same.
    const share = Math.ceil(bytes / Math.max(1, messages.length));
    for (const message of messages) this.#inbox.take(decodeClientValue(message), share);
    return true;
  }

  // ---- from the connection ----

  receive(text: string | undefined, bytes: number): void {
    if (!this.#owner.isOpen) return;
    if (!this.#inbox.mayTake(1, bytes)) this.#giveUpFlooded();
    else this.#inbox.take(text === undefined ? { kind: 'invalid' } : decodeClientFrame(text), bytes);
  }

  receiveControl(bytes: number): void {
    if (this.#owner.isOpen && !this.#inbox.mayTake(1, bytes)) this.#giveUpFlooded();
  }

  flush(): void {
    this.#owner.flush();
  }

  askForPost(): void {
    this.#owner.answer({ type: 'notification', code: 'ping' });
  }

  onBeat(): void {
    this.#delivery.beat(this.#context.clock.now());
  }

  onStalled(): void {
    this.detach('tooSlow');
  }

  onGone(isGoodbye: boolean): void {
    if (!isGoodbye) return this.detach(undefined);
    this.#delivery.release(false);
    this.#owner.leave();
  }

  #giveUpFlooded(): void {
    if (this.#delivery.isResumable) this.detach('flooding');
    else this.#owner.end('flooding');
  }
}
