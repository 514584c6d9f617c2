/**
 * What a client of `sse` or `poll` sends: POSTs over a keep-alive connection of its own, one at a time, because only
 * the 202 of one makes the order of the next certain. What is sent meanwhile goes together with the next.
 */
import type { Socket } from 'node:net';
import type { RawClient, RawClientEvents } from './raw-client.ts';
import { createResponseReader, header } from './raw-http.ts';
import { openTcp } from './raw-tcp.ts';

// The contract's bounds of one request; the bytes leave room for brackets and commas.
const maxBatch = 100;
const maxBatchBytes = 64_000;

/**
 * Connects with the first message. What the server refuses comes as its error message, once for each message sent.
 * `batch`: how many messages it takes in one request.
 */
export function createSender(
  port: number,
  path: string,
  token: string,
  events: RawClientEvents,
  batch: number = maxBatch,
): RawClient {
  const head = `POST ${path}?token=${encodeURIComponent(token)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: `;
  const waiting: string[] = [];
  let socket: Socket | undefined;
  let underWay = 0;
  /** How long the server leaves an idle connection open, and since when it is idle. */
  let keepAliveMs = Number.POSITIVE_INFINITY;
  let idleSince = 0;

  function open(): Socket {
    let body: Buffer[] = [];
    let isLast = false;
    const reader = createResponseReader({
      onHead: (_status, head) => {
        const seconds = /timeout=(\d+)/.exec(header(head, 'keep-alive') ?? '')?.[1];
        // A second less: a request must not meet the server's closing.
        if (seconds !== undefined) keepAliveMs = (Number(seconds) - 1) * 1000;
        isLast = /^connection:[ \t]*close/im.test(head);
      },
      onPart: (bytes, from, to) => {
        body.push(Buffer.from(bytes.subarray(from, to)));
      },
      onDone: (status) => {
        const count = underWay;
        const answer = Buffer.concat(body);
        body = [];
        underWay = 0;
        idleSince = performance.now();
        if (isLast) close();
        if (status < 200 || status > 299) refuse(status, answer, count);
        post();
      },
    });
    const opened = openTcp(port, {
      onChunk: reader.push,
      onEnd: (why) => {
        if (socket !== opened) return;
        socket = undefined;
        if (underWay > 0) events.onEnd(`cut during a POST${why === undefined ? '' : `: ${why}`}`);
      },
    });
    return opened;
  }

  function refuse(status: number, answer: Buffer, count: number): void {
    if (answer.includes('"type":"error"')) {
      for (let index = 0; index < count; index += 1) events.onMessage(answer, 0, answer.length);
    } else events.onEnd(`answered with ${status} to a POST: ${answer.toString('utf8')}`);
  }

  function post(): void {
    const first = waiting.shift();
    if (first === undefined || underWay > 0) return;
    let body = first;
    underWay = 1;
    while (underWay < batch && body.length + (waiting[0]?.length ?? maxBatchBytes) < maxBatchBytes) {
      body += `,${waiting.shift()}`;
      underWay += 1;
    }
    if (underWay > 1) body = `[${body}]`;
    if (socket !== undefined && performance.now() - idleSince >= keepAliveMs) close();
    socket ??= open();
    socket.write(`${head}${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  function close(): void {
    const closing = socket;
    socket = undefined;
    closing?.destroy();
  }

  return {
    send: (message) => {
      waiting.push(message);
      if (underWay === 0) post();
    },
    end: close,
  };
}
