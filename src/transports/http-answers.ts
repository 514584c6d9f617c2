/** What the transports over HTTP answer where no stream has begun: the fatal as the body, and nothing else. */
import type { ServerResponse } from 'node:http';
import type { Answer } from '../core/elsewhere.ts';
import type { CloseName } from '../protocol/close-codes.ts';
import { type FatalCode, fatalCodes, unavailableBody } from '../protocol/errors.ts';

// A server that starts again, or a store that is away, is seldom back sooner; a flood is counted by the second.
const retrySeconds = 1;

/** Headers as Node writes them without another look: names and values in turn. */
export type RawHeaders = readonly string[];

/** `body` may be text of one character a byte (`latin1`): it goes out with the head in one piece. */
export type LocalAnswer = Omit<Answer, 'body'> & { body: Answer['body'] | string };

export function jsonAnswer(
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers, body: typeof body === 'string' ? Buffer.from(body) : body };
}

export function fatalAnswer(code: FatalCode): Answer {
  // RFC 9110 §11.6.1 demands the header.
  const headers: Record<string, string> = code === 'not-authenticated' ? { 'WWW-Authenticate': 'Token' } : {};
  return jsonAnswer(fatalCodes[code].status, JSON.stringify({ type: 'fatal', code }), headers);
}

/** A connection that is closed before anything was answered: too many at once, or one for later. */
export function closeAnswer(name: CloseName): Answer {
  return name === 'flooding' ? floodingAnswer() : unavailableAnswer();
}

/** 429: more in this second than any client needs. */
export function floodingAnswer(): Answer {
  const body = { type: 'error', code: 'rate-limited', details: { retry_after: retrySeconds } };
  return jsonAnswer(429, JSON.stringify(body), { 'Retry-After': String(retrySeconds) });
}

/** 503: the store cannot be asked, or the server stops or is full. */
export function unavailableAnswer(): Answer {
  return jsonAnswer(503, JSON.stringify(unavailableBody), { 'Retry-After': String(retrySeconds) });
}

/** `standing`: headers that every answer has and that `response` has not got yet. */
export function writeAnswer(
  response: ServerResponse,
  { status, headers, body }: LocalAnswer,
  standing: RawHeaders = [],
): void {
  const head = [...standing, 'Content-Type', 'application/json; charset=utf-8', 'Content-Length', String(body.length)];
  for (const name in headers) head.push(name, headers[name] ?? '');
  response.writeHead(status, head);
  response.end(body, 'latin1');
}

/** 202: taken, and there is nothing to say. */
export function writeTaken(response: ServerResponse, standing: RawHeaders = []): void {
  response.writeHead(202, [...standing, 'Content-Length', '0']);
  response.end();
}
