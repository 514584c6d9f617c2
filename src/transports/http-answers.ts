/** What the transports over HTTP answer where no stream has begun: the fatal as the body, and nothing else. */
import type { ServerResponse } from 'node:http';
import { type FatalCode, fatalCodes, unavailableBody } from '../protocol/errors.ts';

// A server that starts again, or a store that is away, is seldom back sooner.
const retrySeconds = 1;

export function answerFatal(response: ServerResponse, code: FatalCode): void {
  // RFC 9110 §11.6.1 demands the header.
  const headers: Record<string, string> = code === 'not-authenticated' ? { 'WWW-Authenticate': 'Token' } : {};
  answerJson(response, fatalCodes[code].status, JSON.stringify({ type: 'fatal', code }), headers);
}

/** 503: the store cannot be asked, or the server stops or is full. */
export function answerUnavailable(response: ServerResponse): void {
  answerJson(response, 503, JSON.stringify(unavailableBody), { 'Retry-After': String(retrySeconds) });
}

export function answerJson(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}
