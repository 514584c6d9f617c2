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
import { formatCursor } from '../core/cursor.ts';
import type { Answer, Elsewhere } from '../core/elsewhere.ts';
import { type Clock, StoreError } from '../core/ports.ts';
import type { OpenConnection, OpenRequest } from '../core/sessions.ts';
import type { EncodedFrame, Transport } from '../core/transport.ts';
import { type CloseName, closeCodes } from '../protocol/close-codes.ts';
import type { FatalCode } from '../protocol/errors.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import {
  closeAnswer,
  fatalAnswer,
  floodingAnswer,
  jsonAnswer,
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
  /** Answers a request; resolves when it has an answer or was broken off. `waitMs`: how long it waits for a message. */
  open(response: ServerResponse, request: OpenRequest, waitMs: number): Promise<void>;
}

/** Answers a poll that came to another node; undefined: it was broken off before. */
export type AnswerPoll = (request: OpenRequest, waitMs: number, signal: AbortSignal) => Promise<Answer | undefined>;

/** Who waits for the one answer. */
type Asker = {
  answer(answer: Answer): void;
  /** The answer that was given, and may still be on its way, is of no use any more. */
  discard(): void;
  /** Resolves when it has its answer, or has gone without one. */
  readonly gone: Promise<void>;
  readonly isGone: boolean;
};

export function createPollDoor({ open, limit, clock, elsewhere, log }: PollOptions): PollDoor {
  /** What the owner answers, or why it does not; undefined: the poll is for this node. */
  async function answerElsewhere(
    response: ServerResponse,
    asked: Promise<Answer | 'flooding' | undefined>,
  ): Promise<Answer | undefined> {
    try {
      const answer = await asked;
      return answer === 'flooding' ? floodingAnswer() : answer;
    } catch (error: unknown) {
      if (response.closed) return unavailableAnswer();
      if (!(error instanceof StoreError) && !(error instanceof NodeSilent)) throw error;
      log?.warn({ err: error }, 'A poll was sent away, because the node that has its session does not answer.');
      return unavailableAnswer();
    }
  }

  return {
    async open(response, request, waitMs) {
      const leave = limit.enter();
      if (leave === undefined) return writeAnswer(response, unavailableAnswer());
      const broken = new AbortController();
      const gone = new Promise<void>((resolve) => {
        response.once('close', () => {
          leave();
          resolve();
          broken.abort();
        });
      });
      const { credentials, cursor } = request;
      if (cursor !== undefined && credentials.kind === 'token') {
        const asked = elsewhere?.poll({ tokenHash: hashOf(credentials), cursor, waitMs }, broken.signal);
        const answer = asked && (await answerElsewhere(response, asked));
        if (answer !== undefined) {
          if (!response.closed) writeAnswer(response, answer);
          return gone;
        }
      }
      const asker: Asker = {
        answer: (answer) => writeAnswer(response, answer),
        // Unread, it would take a connection and memory.
        discard: () => void (response.writableFinished || response.destroy()),
        gone,
        get isGone() {
          return response.closed;
        },
      };
      return poll({ open, clock }, asker, request, waitMs);
    },
  };
}

export function createPollAnswerer(options: Pick<PollOptions, 'open' | 'clock'>): AnswerPoll {
  return async (request, waitMs, signal) => {
    let given: Answer | undefined;
    let leave: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      leave = resolve;
    });
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    const answer = (one: Answer): void => {
      given = one;
      leave();
    };
    await poll(options, { answer, discard() {}, gone, isGone: signal.aborted }, request, waitMs);
    signal.removeEventListener('abort', leave);
    return given;
  };
}

async function poll(
  { open, clock }: Pick<PollOptions, 'open' | 'clock'>,
  asker: Asker,
  request: OpenRequest,
  waitMs: number,
): Promise<void> {
  // While it was looked for whose it is, its client has gone, to where its session is perhaps: it is not taken away again.
  if (asker.isGone) return;
  const transport = createTransport(asker, request.cursor);
  const events = await open(transport, request);
  // The time counts from here: what was due has been written by now.
  const stopWaiting = events === undefined ? () => {} : clock.after(waitMs, () => transport.ping());
  if (events !== undefined && waitMs === 0) transport.ping();
  await asker.gone;
  stopWaiting();
  events?.onClose(false);
}

/** `cursor`: what the client says that it has; undefined for a new session, whose greeting is written at once. */
function createTransport(asker: Asker, cursor: string | undefined): Transport {
  let state: 'waiting' | 'due' | 'over' = 'waiting';
  const due: EncodedFrame[] = [];
  let bytes = 0;
  let last = cursor ?? '';

  const end = (answer: Answer): void => {
    state = 'over';
    asker.answer(answer);
  };
  /** Answers when this step is done: what is written in one goes out in one. */
  const answer = (): void => {
    if (state === 'waiting') queueMicrotask(answerNow);
    if (state !== 'over') state = 'due';
  };
  const answerNow = (): void => {
    if (state !== 'over') end(jsonAnswer(200, body(last, due)));
  };
  return {
    kind: 'poll',
    unwritten: () => (state === 'over' ? Number.POSITIVE_INFINITY : bytes),
    write(frames, first) {
      if (state === 'over') return;
      for (const frame of frames) {
        due.push(frame);
        bytes += frame.bytes.length;
      }
      if (first !== undefined) last = formatCursor({ session: first.session, n: first.n + frames.length - 1 });
      answer();
    },
    refuse(code: FatalCode) {
      // Whoever has asked again does not wait for this answer.
      if (state === 'over') return asker.discard();
      if (due.length === 0) return end(fatalAnswer(code));
      due.push({ bytes: Buffer.from(JSON.stringify({ type: 'fatal', code })) });
      answerNow();
    },
    close(name: CloseName) {
      if (state === 'over') return;
      if (due.length > 0 || closeCodes[name].retry === 'no') answerNow();
      else end(closeAnswer(name));
    },
    ping() {
      // The greeting of a new session may come a moment after its opening; without it there is no cursor to answer with.
      if (last !== '') answer();
    },
  };
}

function body(cursor: string, frames: readonly EncodedFrame[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`{"cursor":${JSON.stringify(cursor)},"messages":[`)];
  for (const [index, { bytes }] of frames.entries()) {
    if (index > 0) parts.push(comma);
    parts.push(bytes);
  }
  parts.push(end);
  return Buffer.concat(parts);
}

const comma = Buffer.from(',');
const end = Buffer.from(']}');
