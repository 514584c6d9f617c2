/**
 * The transport of event streams (WHATWG HTML §9.2, server-sent events): answers `GET /sse/chat` with a stream that ends
 * with its connection. What the client sends comes by POST, beside it (upstream.ts). It decides nothing: who may chat
 * and when a connection is too slow is the session layer's.
 */
import type { ServerResponse } from 'node:http';
import type { OpenConnection, OpenRequest, Transport } from '../core/transport.ts';
import type { CloseName } from '../protocol/close-codes.ts';
import type { FatalCode } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { createEventLayout, type EventLayout } from './event-layout.ts';
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
  const layout = createEventLayout();
  return {
    async open(response, request) {
      if (!limit.enter()) return writeAnswer(response, unavailableAnswer());
      response.once('close', limit.leave);
      const events = await open(createTransport(response, layout), request);
      if (events === undefined) return;
      // Of the socket, where most is written; it may outlive this answer.
      const { socket } = response;
      const onDrain = (): void => events.onDrain();
      socket?.on('drain', onDrain);
      response.once('close', () => {
        socket?.off('drain', onDrain);
        events.onClose(false);
      });
      if (response.closed) events.onClose(false);
    },
  };
}

function createTransport(response: ServerResponse, layout: EventLayout): Transport {
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
      // An empty chunk would be the end of the body.
      if (frames.length === 0) return;
      writeChunk(response, layout.chunkOf(frames, first));
      // What the system did not take at once is still to be read.
      if (response.writableLength > 0) layout.keep();
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

/**
 * Straight to the socket, with one system call: `response.write` makes four pieces of it, which is a fifth fewer
 * deliveries a second.
 */
function writeChunk(response: ServerResponse, chunk: Buffer): void {
  const { socket } = response;
  if (response.chunkedEncoding && socket?.writable === true) socket.write(chunk);
  // HTTP/1.0 knows no chunks; and a socket that takes nothing any more is for Node to deal with.
  else response.write(chunk.subarray(chunk.indexOf('\n') + 1, -2));
}
