/**
 * The headers that every answer of the chat carries, for those that are made past Koa (short-way.ts): noted from what
 * Koa's middleware has set on one, so that there is one list of them and the two ways cannot differ. They depend on the
 * `Origin` of the request and on nothing else.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RawHeaders } from '../transports/http-answers.ts';

/** Anybody can send any origin: beyond so many all are forgotten, and noted again. */
const maxOrigins = 100;

export interface StandingHeaders {
  /** Undefined: not known yet for this request's origin. */
  of(request: IncomingMessage): RawHeaders | undefined;
  /** `response` has these headers and no others. */
  note(request: IncomingMessage, response: ServerResponse): void;
}

export function createStandingHeaders(): StandingHeaders {
  const known = new Map<string | undefined, RawHeaders>();
  return {
    of: ({ headers }) => known.get(headers.origin),
    note({ headers }, response) {
      if (known.has(headers.origin)) return;
      if (known.size >= maxOrigins) known.clear();
      known.set(headers.origin, rawHeaders(response));
    },
  };
}

// Of Node, since 15.4; the type definitions know it of requests only.
type WithRawNames = { getRawHeaderNames(): string[] };

function rawHeaders(response: ServerResponse): string[] {
  return (response as ServerResponse & WithRawNames).getRawHeaderNames().flatMap((name) => {
    const value = response.getHeader(name) ?? '';
    return Array.isArray(value) ? value.flatMap((one) => [name, one]) : [name, String(value)];
  });
}
