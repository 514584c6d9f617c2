/** One line for each request: at `info` what was refused, at `debug` the rest, at `error` the server's own faults. Never a secret. */
import type Koa from 'koa';
import type { Logger } from 'pino';
import type { ClientAddress } from './address.ts';
import type { Answer } from './answers.ts';

/**
 * An address as it may be logged: a parameter that speaks of a token, in its name or in its value, loses its value, and
 * so does the rest of a path that does, where a client has written its address wrong.
 */
export function redactUrl(url: string): string {
  const mark = url.indexOf('?');
  const path = (mark === -1 ? url : url.slice(0, mark)).replace(/(token(?:=|%3d)).*/i, '$1[redacted]');
  if (mark === -1) return path;
  const query = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(url.slice(mark + 1))) {
    const [word = ''] = name.split('=', 1);
    if (/token/i.test(`${name}=${value}`)) query.append(word, '[redacted]');
    else query.append(name, value);
  }
  return `${path}?${query.toString()}`;
}

/** What it was that kept the server from doing what was asked, if anything did. */
export function logFault(
  log: Logger,
  error: unknown,
  { status, fault }: Pick<Answer, 'status' | 'fault'>,
  { method, path }: { method?: string | undefined; path: string },
): void {
  const details = { err: error, method, path, status };
  if (fault === 'own') log.error(details, 'a request failed');
  else if (fault === 'store') log.warn(details, 'A request was refused, because the store could not be asked.');
}

/** `begun`: by `performance.now()`. */
export type LoggedRequest = { method: string; url: string; status: number; begun: number; address: string };

export function logRequest(log: Logger, { method, url, status, begun, address }: LoggedRequest): void {
  const level = status >= 400 ? 'info' : 'debug';
  // Most servers do not want to know of each request, and a poll is one.
  if (!log.isLevelEnabled(level)) return;
  const line = { method, url: redactUrl(url), status, ms: Math.round(performance.now() - begun), address };
  log[level](line, level === 'info' ? 'request refused' : 'request');
}

export function logRequests(log: Logger, addressOf: ClientAddress): Koa.Middleware {
  return async (ctx, next) => {
    const begun = performance.now();
    // Asked now: a socket that has closed meanwhile has no address.
    const address = addressOf(ctx.req);
    await next();
    logRequest(log, { method: ctx.method, url: ctx.url, status: ctx.status, begun, address });
  };
}
