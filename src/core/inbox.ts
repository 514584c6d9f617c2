/**
 * What one session's client sends, until it has its turn: the cap on bytes, the rate of messages, the queue, and the refs
 * of commands. Owns which errors come before a client message has its turn, and in which order; it must not know
 * connections, or what a client message does.
 */
import type { Decoded } from '../protocol/codec.ts';
import type { ErrorCode } from '../protocol/errors.ts';
import type { ErrorDetails } from '../protocol/frames.ts';
import { countError } from './counters.ts';
import { encodeError } from './encode.ts';
import { RawCap } from './raw-cap.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionExport } from './session-state.ts';
import { TaskQueue, type TaskRunner } from './task-queue.ts';
import type { EncodedFrame } from './transport.ts';

type InboxExport = Pick<SessionExport, 'tasks' | 'commandRefs' | 'rawCap' | 'bucketMs'>;

/** Whose inbox it is. */
export interface InboxOwner extends TaskRunner {
  readonly userId: number;
  /** Sends an answer now. */
  pushDirect(frame: EncodedFrame): void;
}

export class Inbox {
  readonly queue: TaskQueue;
  /** Undefined: there was none yet. An empty set is 180 bytes of each session. */
  #commandRefs: Set<string> | undefined;
  readonly #context: SessionContext;
  readonly #owner: InboxOwner;
  readonly #rawCap: RawCap;

  /** `from`: goes on where another one was when it was exported; its queue is paused then. */
  constructor(context: SessionContext, owner: InboxOwner, from?: InboxExport) {
    this.#context = context;
    this.#owner = owner;
    this.#rawCap = new RawCap(context.clock, from?.rawCap);
    this.queue = new TaskQueue(owner);
    if (from === undefined) return;
    this.#commandRefs = new Set(from.commandRefs);
    this.queue.pause();
    this.queue.import(from.tasks);
    if (context.rateLimits) context.messageBuckets.owe(owner.userId, from.bucketMs);
  }

  /** Refs of the newest commands, oldest first. */
  get commandRefs(): Set<string> {
    this.#commandRefs ??= new Set();
    return this.#commandRefs;
  }

  export(): InboxExport {
    const context = this.#context;
    return {
      tasks: this.queue.export(),
      commandRefs: Array.from(this.#commandRefs ?? []),
      rawCap: this.#rawCap.export(),
      bucketMs: context.rateLimits ? context.messageBuckets.debtMs(this.#owner.userId) : 0,
    };
  }

  /** Counts frames and bytes; false: they are too many. */
  mayTake(frames: number, bytes: number): boolean {
    return !this.#context.rateLimits || this.#rawCap.take(frames, bytes);
  }

  /** Counts a move to another node, each of which costs both nodes all that is kept for the session; false: they are too many. */
  mayMove(): boolean {
    const context = this.#context;
    return !context.rateLimits || context.moveBuckets.take(this.#owner.userId) === 0;
  }

  take(decoded: Decoded, bytes: number): void {
    const context = this.#context;
    const waitMs = context.rateLimits ? context.messageBuckets.take(this.#owner.userId) : 0;
    const { ref } = decoded.kind === 'frame' ? decoded.frame : decoded;
    if (decoded.kind === 'invalid') this.#refuse('invalid-format', undefined, ref);
    else if (waitMs > 0) this.#refuse('rate-limited', { retry_after: Math.ceil(waitMs / 10) / 100 }, ref);
    else if (decoded.kind === 'unsupported') this.#refuse('unsupported-command', { type: decoded.type }, ref);
    else if (this.queue.isFull(bytes)) this.#owner.pushDirect(this.#error('unavailable', undefined, ref));
    else this.queue.add(decoded.frame, bytes);
  }

  /** The error of a message to a room: it comes after the outcomes of those before, which may still wait for the log. */
  refuseMessage(code: ErrorCode, details: ErrorDetails | undefined, ref: string | undefined): void {
    const frame = this.#error(code, details, ref);
    if (this.queue.isAppending) this.queue.addNext({ type: 'answer', frame });
    else this.#owner.pushDirect(frame);
  }

  /** An error that nothing has to wait for still comes in its turn, unless too much waits. */
  #refuse(code: ErrorCode, details: ErrorDetails | undefined, ref: string | undefined): void {
    const frame = this.#error(code, details, ref);
    if (this.queue.isFull(0)) this.#owner.pushDirect(frame);
    else this.queue.add({ type: 'answer', frame });
  }

  #error(code: ErrorCode, details: ErrorDetails | undefined, ref: string | undefined): EncodedFrame {
    countError(this.#context.counters, code);
    return encodeError(code, details, ref);
  }
}
