/**
 * The long-polling transport: each `GET /poll/chat` is a transport of one answer, `{cursor, messages}`, given as soon as
 * there are messages, or when its wait is over. What the client sends comes by POST, beside it (upstream.ts). It decides
 * nothing: whether a poll goes on with a session, and from where, is the session layer's.
 */
import type { ServerResponse } from 'node:http';
import { formatCursor } from '../core/cursor.ts';
import type { Clock } from '../core/ports.ts';
import type { OpenConnection, OpenRequest } from '../core/sessions.ts';
import type { EncodedFrame, Transport } from '../core/transport.ts';
import { type CloseName, closeCodes } from '../protocol/close-codes.ts';
import type { FatalCode } from '../protocol/errors.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { answerClose, answerFatal, answerJson, answerUnavailable } from './http-answers.ts';

export type PollOptions = {
  open: OpenConnection;
  limit: ConnectionLimit;
  clock: Clock;
};

export interface PollDoor {
  /** Answers a request; resolves when it has an answer or was broken off. `waitMs`: how long it waits for a message. */
  open(response: ServerResponse, request: OpenRequest, waitMs: number): Promise<void>;
}

export function createPollDoor({ open, limit, clock }: PollOptions): PollDoor {
  return {
    async open(response, request, waitMs) {
      const leave = limit.enter();
      if (leave === undefined) return answerUnavailable(response);
      const closed = new Promise<void>((resolve) => {
        response.once('close', () => {
          leave();
          resolve();
        });
      });
      const transport = createTransport(response, request.cursor);
      const events = await open(transport, request);
      // The time counts from here: what was due has been written by now.
      const stopWaiting = events === undefined ? () => {} : clock.after(waitMs, () => transport.ping());
      if (events !== undefined && waitMs === 0) transport.ping();
      if (!response.closed) await closed;
      stopWaiting();
      events?.onClose(false);
    },
  };
}

/** `cursor`: what the client says that it has; undefined for a new session, whose greeting is written at once. */
function createTransport(response: ServerResponse, cursor: string | undefined): Transport {
  let state: 'waiting' | 'due' | 'over' = 'waiting';
  const due: EncodedFrame[] = [];
  let bytes = 0;
  let last = cursor ?? '';

  /** Answers when this step is done: what is written in one goes out in one. */
  const answer = (): void => {
    if (state === 'waiting') queueMicrotask(answerNow);
    if (state !== 'over') state = 'due';
  };
  const answerNow = (): void => {
    if (state === 'over') return;
    state = 'over';
    answerJson(response, 200, body(last, due));
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
      if (state === 'over') {
        // Whoever has asked again does not wait for this answer; unread, it would take a connection and memory.
        if (!response.writableFinished) response.destroy();
        return;
      }
      if (due.length > 0) {
        due.push({ bytes: Buffer.from(JSON.stringify({ type: 'fatal', code })) });
        answerNow();
        return;
      }
      state = 'over';
      answerFatal(response, code);
    },
    close(name: CloseName) {
      if (state === 'over') return;
      if (due.length > 0 || closeCodes[name].retry === 'no') return answerNow();
      state = 'over';
      answerClose(response, name);
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
