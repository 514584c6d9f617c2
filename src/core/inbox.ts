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
import { type Task, TaskQueue } from './task-queue.ts';
import type { EncodedFrame } from './transport.ts';

type InboxExport = Pick<SessionExport, 'tasks' | 'commandRefs' | 'rawCap' | 'bucketMs'>;

export type InboxOptions = {
  context: SessionContext;
  userId: number;
  /** See TaskQueue. */
  run: (task: Task) => Promise<void> | undefined;
  mayRun: (task: Task) => boolean;
  /** Sends an answer now. */
  answer: (frame: EncodedFrame) => void;
};

export class Inbox {
  readonly queue: TaskQueue;
  /** Refs of the newest commands, oldest first. */
  readonly commandRefs: Set<string>;
  readonly #options: InboxOptions;
  readonly #rawCap: RawCap;

  /** `from`: goes on where another one was when it was exported; its queue is paused then. */
  constructor(options: InboxOptions, from?: InboxExport) {
    const { context, userId } = options;
    this.#options = options;
    this.#rawCap = new RawCap(context.clock, from?.rawCap);
    this.queue = new TaskQueue(options.run, options.mayRun);
    this.commandRefs = new Set(from?.commandRefs);
    if (from === undefined) return;
    this.queue.pause();
    this.queue.import(from.tasks);
    if (context.rateLimits) context.messageBuckets.owe(userId, from.bucketMs);
  }

  export(): InboxExport {
    const { context, userId } = this.#options;
    return {
      tasks: this.queue.export(),
      commandRefs: Array.from(this.commandRefs),
      rawCap: this.#rawCap.export(),
      bucketMs: context.rateLimits ? context.messageBuckets.debtMs(userId) : 0,
    };
  }

  /** Counts frames and bytes; false: they are too many. */
  mayTake(frames: number, bytes: number): boolean {
    return !this.#options.context.rateLimits || this.#rawCap.take(frames, bytes);
  }

  /** Counts a move to another node, each of which costs both nodes all that is kept for the session; false: they are too many. */
  mayMove(): boolean {
    const { context, userId } = this.#options;
    return !context.rateLimits || context.moveBuckets.take(userId) === 0;
  }

  take(decoded: Decoded, bytes: number): void {
    const { context, userId } = this.#options;
    const waitMs = context.rateLimits ? context.messageBuckets.take(userId) : 0;
    const { ref } = decoded.kind === 'frame' ? decoded.frame : decoded;
    if (decoded.kind === 'invalid') this.#refuse('invalid-format', undefined, ref);
    else if (waitMs > 0) this.#refuse('rate-limited', { retry_after: Math.ceil(waitMs / 10) / 100 }, ref);
    else if (decoded.kind === 'unsupported') this.#refuse('unsupported-command', { type: decoded.type }, ref);
    else if (this.queue.isFull(bytes)) this.#options.answer(this.#error('unavailable', undefined, ref));
    else this.queue.add(decoded.frame, bytes);
  }

  /** The error of a message to a room: it comes after the outcomes of those before, which may still wait for the log. */
  refuseMessage(code: ErrorCode, details: ErrorDetails | undefined, ref: string | undefined): void {
    const frame = this.#error(code, details, ref);
    if (this.queue.isAppending) this.queue.addNext({ type: 'answer', frame });
    else this.#options.answer(frame);
  }

  /** An error that nothing has to wait for still comes in its turn, unless too much waits. */
  #refuse(code: ErrorCode, details: ErrorDetails | undefined, ref: string | undefined): void {
    const frame = this.#error(code, details, ref);
    if (this.queue.isFull(0)) this.#options.answer(frame);
    else this.queue.add({ type: 'answer', frame });
  }

  #error(code: ErrorCode, details: ErrorDetails | undefined, ref: string | undefined): EncodedFrame {
    countError(this.#options.context.counters, code);
    return encodeError(code, details, ref);
  }
}
