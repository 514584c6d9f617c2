/**
 * HTTP as the transports need it: a request with a deadline that ends with its transport, and what a refusal means in
 * the words of close codes. Knows no session.
 */
import type { FetchLike, ResponseLike, Timers } from '../platform.ts';
import { ownCloseCodes, parseMessage, type TransportEvents } from './transport.ts';

export type Line = { base: string; fetch: FetchLike; timers: Timers; token: string | undefined };

export type Asking = {
  method: 'GET' | 'POST' | 'DELETE';
  /** Path and query. */
  path: string;
  accept?: string;
  body?: string;
  signal: AbortSignal;
  /** The page may be gone before the answer comes: the browser is to send it all the same. */
  isLast?: boolean;
  /** Milliseconds from asking until `read` is done; no deadline where it is left out. */
  timeoutMs?: number;
};

/** Asks and reads the answer with `read`; rejects when the line breaks, the deadline passes or the signal fires. */
export async function ask<Value>(
  { base, fetch, timers, token }: Line,
  { method, path, accept = 'application/json', body, signal, isLast = false, timeoutMs }: Asking,
  read: (response: ResponseLike) => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted();
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = timeoutMs === undefined ? undefined : timers.setTimeout(abort, timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  // Some platforms' fetch goes on waiting for a body after the abort.
  const aborted = new Promise<never>((_resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error), { once: true });
  });
  const carryOut = async (): Promise<Value> => {
    // Not `cache: 'no-store'`, which the answers say themselves: with it Chromium remembers no answer to a preflight, and
    // every request of a page of another origin would be two.
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        accept,
        ...(token === undefined ? {} : { authorization: `Token ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
      ...(isLast ? { keepalive: true } : {}),
      signal: controller.signal,
    });
    return read(response);
  };
  try {
    return await Promise.race([carryOut(), aborted]);
  } finally {
    timers.clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

/** Milliseconds of `Retry-After`, which the server gives in seconds; undefined where it cannot be read. */
export function retryAfterMs(response: ResponseLike): number | undefined {
  const seconds = Number(response.headers?.get('retry-after') ?? Number.NaN);
  // A broken server must not silence its clients for long.
  return seconds >= 0 ? Math.min(seconds, 60) * 1_000 : undefined;
}

/** Tells what refused a request that should have opened or gone on with the chat. */
export async function refuse(response: ResponseLike, events: TransportEvents): Promise<void> {
  const { status } = response;
  const body = parseMessage(await response.text());
  const isWord = isFatal(body);
  if (status === 503 || status === 429) {
    // Of a proxy's 503 nothing is known but that the server behind it does not answer.
    events.onClosed(isWord || status === 429 ? 1013 : ownCloseCodes.broken, retryAfterMs(response));
    return;
  }
  if (isWord) events.onMessage(body);
  events.onClosed(isWord ? ownCloseCodes.broken : ownCloseCodes.strange);
}

/** Whether a message is one that ends the chat: the only kind in an answer that is not counted. */
export function isFatal(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'fatal';
}

/** The same events, until the signal fires or one of them says that it is over. */
export function untilOver(signal: AbortSignal, events: TransportEvents): TransportEvents {
  let isOver = false;
  const isLive = (): boolean => !isOver && !signal.aborted;
  return {
    onSession: (session, isResumed) => {
      if (isLive()) events.onSession(session, isResumed);
    },
    onMessage: (message, n) => {
      if (isLive()) events.onMessage(message, n);
    },
    onAlive: () => {
      if (isLive()) events.onAlive();
    },
    onClosed: (code, waitMs) => {
      if (!isLive()) return;
      isOver = true;
      events.onClosed(code, waitMs);
    },
  };
}

/** The place of the message that a cursor `<session>.<n>` names. */
export function placeOf(cursor: string): { session: string; n: number } | undefined {
  const dot = cursor.lastIndexOf('.');
  const n = dot < 1 ? Number.NaN : Number(cursor.slice(dot + 1));
  return Number.isSafeInteger(n) && n >= 0 ? { session: cursor.slice(0, dot), n } : undefined;
}

export function withQuery(path: string, query: Record<string, string | undefined>): string {
  const set = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return set.length === 0 ? path : `${path}?${new URLSearchParams(set).toString()}`;
}
