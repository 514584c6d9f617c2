/**
 * The transport of event streams (WHATWG HTML §9.2, server-sent events): answers `GET /sse/chat` with a stream that ends
 * with its connection. What the client sends comes by POST, beside it (upstream.ts). It decides nothing: who may chat
 * and when a connection is too slow is the session layer's.
 */
import type { ServerResponse } from 'node:http';
import type { Cursor } from '../core/cursor.ts';
import type { OpenConnection, OpenRequest } from '../core/sessions.ts';
import type { EncodedFrame, Transport } from '../core/transport.ts';
import type { CloseName } from '../protocol/close-codes.ts';
import type { FatalCode } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { closeAnswer, fatalAnswer, unavailableAnswer, writeAnswer } from './http-answers.ts';

/** A peer that does not take the rest of a stream within this time is cut. */
const closeTimeoutMs = 2000;

export type SseOptions = {
  open: OpenConnection;
  limit: ConnectionLimit;
};

export interface SseDoor {
  /** Answers a request; resolves when the stream is open or refused. */
  open(response: ServerResponse, request: OpenRequest): Promise<void>;
}

export function createSseDoor({ open, limit }: SseOptions): SseDoor {
  return {
    async open(response, request) {
      const leave = limit.enter();
      if (leave === undefined) return writeAnswer(response, unavailableAnswer());
      response.once('close', leave);
      const events = await open(createTransport(response), request);
      if (events === undefined) return;
      response.on('drain', () => events.onDrain());
      response.once('close', () => events.onClose(false));
      if (response.closed) events.onClose(false);
    },
  };
}

function createTransport(response: ServerResponse): Transport {
  let isOver = false;
  const begin = (): void => {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      // no-transform: a proxy that compresses would hold events back. The second is nginx's switch for its buffering.
      'Cache-Control': 'no-store, no-transform',
      'X-Accel-Buffering': 'no',
    });
    response.write(`retry: ${limits.retryMs}\n`);
  };
  const end = (text: string): void => {
    isOver = true;
    if (!response.headersSent) begin();
    response.end(text);
    setTimeout(() => response.destroy(), closeTimeoutMs).unref();
  };
  return {
    kind: 'sse',
    unwritten: () => response.writableLength,
    write(frames, first) {
      if (isOver) return;
      if (!response.headersSent) begin();
      response.write(first === undefined ? plainEvents(frames) : numberedEvents(frames, first));
    },
    refuse(code: FatalCode) {
      if (isOver) return;
      // The id makes a browser that comes back by itself say what it was told: it is refused then, once and for all.
      if (response.headersSent) end(`id: ${code}\ndata: ${JSON.stringify({ type: 'fatal', code })}\n\n`);
      else writeAnswer(response, fatalAnswer(code));
      isOver = true;
    },
    close(name: CloseName) {
      if (isOver) return;
      isOver = true;
      if (response.headersSent) end('');
      else writeAnswer(response, closeAnswer(name));
    },
    ping() {
      if (!isOver) response.write(':\n\n');
    },
  };
}

const afterEvent = '\n\n';

/** Events without an id: the client keeps the one that it has. */
function plainEvents(frames: readonly EncodedFrame[]): string {
  return frames.map(({ bytes }) => `data: ${bytes.toString()}${afterEvent}`).join('');
}

/** Events with a cursor each, in one buffer: what all receivers share is copied, what differs is written before it. */
function numberedEvents(frames: readonly EncodedFrame[], first: Cursor): Buffer {
  const before = `id: ${first.session}.`;
  // A cursor's number has up to sixteen digits.
  const overhead = before.length + 16 + '\ndata: '.length + afterEvent.length;
  let size = 0;
  for (const { bytes } of frames) size += bytes.length + overhead;
  const events = Buffer.allocUnsafe(size);
  let at = 0;
  for (const [index, { bytes }] of frames.entries()) {
    at += events.write(`${before}${first.n + index}\ndata: `, at, 'latin1');
    at += bytes.copy(events, at);
    at += events.write(afterEvent, at, 'latin1');
  }
  return events.subarray(0, at);
}
