/**
 * The long-polling transport: each `GET /poll/chat` is a transport of one answer, `{cursor, messages}`, given as soon as
 * there are messages, or when its wait is over. What the client sends comes by POST, beside it (upstream.ts). It decides
 * nothing: whether a poll goes on with a session, and from where, is the session layer's.
 *
 * A poll goes to the node that has its session, and the answer is written here as it comes back: so who waits for the
 * answer may be a client, or another node.
 */
import type { ServerResponse } from 'node:http';
import { hashOf } from '../core/accounts.ts';
import { NodeSilent } from '../core/cluster-ports.ts';
import { type Cursor, formatCursor, parseCursor } from '../core/cursor.ts';
import type { Answer, Elsewhere } from '../core/elsewhere.ts';
import { type Clock, StoreError } from '../core/ports.ts';
import {
  type ConnectionEvents,
  type EncodedFrame,
  latin1Of,
  type OpenConnection,
  type OpenRequest,
  type Transport,
} from '../core/transport.ts';
import { type CloseName, closeCodes } from '../protocol/close-codes.ts';
import type { FatalCode } from '../protocol/errors.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import {
  closeAnswer,
  fatalAnswer,
  floodingAnswer,
  type LocalAnswer,
  type RawHeaders,
  unavailableAnswer,
  writeAnswer,
} from './http-answers.ts';

export type PollOptions = {
  open: OpenConnection;
  limit: ConnectionLimit;
  clock: Clock;
  /** Left out: this node is alone. */
  elsewhere?: Pick<Elsewhere, 'poll'>;
  log?: { warn(details: object, sentence: string): void };
};

export interface PollDoor {
  /**
   * Answers a request; resolves when it is known who will. `waitMs`: how long it waits for a message. `standing`: see
   * `writeAnswer`.
   */
  open(response: ServerResponse, request: OpenRequest, waitMs: number, standing?: RawHeaders): Promise<void>;
}

/** Answers a poll that came to another node; undefined: it was broken off before. */
export type AnswerPoll = (request: OpenRequest, waitMs: number, signal: AbortSignal) => Promise<Answer | undefined>;

/** Who waits for the one answer. */
type Asker = {
  answer(answer: LocalAnswer): void;
  /** The answer that was given, and may still be on its way, is of no use any more. */
  discard(): void;
};

export function createPollDoor({ open, limit, clock, elsewhere, log }: PollOptions): PollDoor {
  /** What the owner answers, or why it does not; undefined: the poll is for this node. */
  async function askElsewhere(
    { poll }: Pick<Elsewhere, 'poll'>,
    response: ServerResponse,
    { credentials, cursor }: OpenRequest,
    waitMs: number,
  ): Promise<Answer | undefined> {
    if (cursor === undefined || credentials.kind !== 'token') return undefined;
    const broken = new AbortController();
    response.once('close', () => response.writableFinished || broken.abort());
    try {
      const answer = await poll({ tokenHash: hashOf(credentials), cursor, waitMs }, broken.signal);
      return answer === 'flooding' ? floodingAnswer() : answer;
    } catch (error: unknown) {
      if (response.closed) return unavailableAnswer();
      if (!(error instanceof StoreError) && !(error instanceof NodeSilent)) throw error;
      log?.warn({ err: error }, 'A poll was sent away, because the node that has its session does not answer.');
      return unavailableAnswer();
    }
  }

  return {
    async open(response, request, waitMs, standing) {
      if (!limit.enter()) return writeAnswer(response, unavailableAnswer(), standing);
      const asker: Asker = {
        answer: (answer) => writeAnswer(response, answer, standing),
        // Unread, it would take a connection and memory.
        discard: () => void (response.writableFinished || response.destroy()),
      };
      const poll = new Poll(asker, request.cursor);
      response.once('close', () => {
        limit.leave();
        poll.onGone();
      });
      const answer = elsewhere && (await askElsewhere(elsewhere, response, request, waitMs));
      if (answer === undefined) return poll.open({ open, clock }, request, waitMs);
      if (!response.closed) writeAnswer(response, answer, standing);
    },
  };
}

export function createPollAnswerer(options: Pick<PollOptions, 'open' | 'clock'>): AnswerPoll {
  return async (request, waitMs, signal) => {
    if (signal.aborted) return undefined;
    let given: LocalAnswer | undefined;
    let leave: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      leave = resolve;
    });
    signal.addEventListener('abort', leave, { once: true });
    const answer = (one: LocalAnswer): void => {
      given = one;
      leave();
    };
    const poll = new Poll({ answer, discard() {} }, request.cursor);
    await poll.open(options, request, waitMs);
    await gone;
    poll.onGone();
    signal.removeEventListener('abort', leave);
    return given && { ...given, body: Buffer.from(given.body as string, 'latin1') };
  };
}

class Poll implements Transport {
  readonly kind = 'poll';
  readonly #asker: Asker;
  readonly #cursor: string | undefined;
  #state: 'waiting' | 'due' | 'over' = 'waiting';
  readonly #due: EncodedFrame[] = [];
  #bytes = 0;
  /** Of the last message. */
  #last: Cursor | undefined;
  #events: ConnectionEvents | undefined;
  #stopWaiting: (() => void) | undefined;
  #isGone = false;

  /** `cursor`: what the client says that it has; undefined for a new session, whose greeting is written at once. */
  constructor(asker: Asker, cursor: string | undefined) {
    this.#asker = asker;
    this.#cursor = cursor;
  }

  async open(
    { open, clock }: Pick<PollOptions, 'open' | 'clock'>,
    request: OpenRequest,
    waitMs: number,
  ): Promise<void> {
    // While it was looked for whose it is, its client has gone, to where its session is perhaps: it is not taken away again.
    if (this.#isGone) return;
    const events = await open(this, request);
    if (this.#isGone) events?.onClose(false);
    if (this.#isGone || events === undefined) return;
    this.#events = events;
    // The time counts from here: what was due has been written by now.
    if (waitMs === 0) this.ping();
    else if (this.#state === 'waiting') this.#stopWaiting = clock.after(waitMs, () => this.ping());
  }

  /** Who waited has the answer, or has gone without one. To be called once. */
  onGone(): void {
    this.#isGone = true;
    this.#stopWaiting?.();
    this.#events?.onClose(false);
  }

  unwritten(): number {
    return this.#state === 'over' ? Number.POSITIVE_INFINITY : this.#bytes;
  }

  write(frames: readonly EncodedFrame[], first?: Cursor): void {
    if (this.#state === 'over') return;
    for (const frame of frames) {
      this.#due.push(frame);
      this.#bytes += frame.bytes.length;
    }
    if (first !== undefined) this.#last = { session: first.session, n: first.n + frames.length - 1 };
    this.#answer();
  }

  refuse(code: FatalCode): void {
    // Whoever has asked again does not wait for this answer.
    if (this.#state === 'over') return this.#asker.discard();
    if (this.#due.length === 0) return this.#end(fatalAnswer(code));
    this.#due.push({ bytes: Buffer.from(JSON.stringify({ type: 'fatal', code })) });
    this.#answerNow();
  }

  close(name: CloseName): void {
    if (this.#state === 'over') return;
    if (this.#due.length > 0 || closeCodes[name].retry === 'no') this.#answerNow();
    else this.#end(closeAnswer(name));
  }

  ping(): void {
    // The greeting of a new session may come a moment after its opening; without it there is no cursor to answer with.
    if (this.#last !== undefined || this.#cursor !== undefined) this.#answer();
  }

  /** Answers when this step is done: what is written in one goes out in one. */
  #answer(): void {
    if (this.#state === 'waiting') queueMicrotask(() => this.#answerNow());
    if (this.#state !== 'over') this.#state = 'due';
  }

  #answerNow(): void {
    if (this.#state !== 'over') this.#end({ status: 200, headers: {}, body: this.#body() });
  }

  #end(answer: LocalAnswer): void {
    this.#state = 'over';
    this.#asker.answer(answer);
  }

  #body(): string {
    const cursor = this.#last ?? parseCursor(this.#cursor ?? '');
    return `{"cursor":"${cursor === undefined ? '' : formatCursor(cursor)}","messages":[${this.#due.map(latin1Of).join()}]}`;
  }
}
