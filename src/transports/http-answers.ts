/** What the transports over HTTP answer where no stream has begun: the fatal as the body, and nothing else. */
import type { ServerResponse } from 'node:http';
import type { CloseName } from '../protocol/close-codes.ts';
import { type FatalCode, fatalCodes, unavailableBody } from '../protocol/errors.ts';

// A server that starts again, or a store that is away, is seldom back sooner; a flood is counted by the second.
const retrySeconds = 1;

export function answerFatal(response: ServerResponse, code: FatalCode): void {
  // RFC 9110 §11.6.1 demands the header.
  const headers: Record<string, string> = code === 'not-authenticated' ? { 'WWW-Authenticate': 'Token' } : {};
  answerJson(response, fatalCodes[code].status, JSON.stringify({ type: 'fatal', code }), headers);
}

/** A connection that is closed before anything was answered: too many at once, or one for later. */
export function answerClose(response: ServerResponse, name: CloseName): void {
  if (name === 'flooding') answerFlooding(response);
  else answerUnavailable(response);
}

/** 429: more in this second than any client needs. */
export function answerFlooding(response: ServerResponse): void {
  const body = { type: 'error', code: 'rate-limited', details: { retry_after: retrySeconds } };
  answerJson(response, 429, JSON.stringify(body), { 'Retry-After': String(retrySeconds) });
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
