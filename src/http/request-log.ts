/** One line for each request: at `info` what was refused, at `debug` the rest, at `error` the server's own faults. Never a secret. */
import type Koa from 'koa';
import type { Logger } from 'pino';

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

export function logRequests(log: Logger, addressOf: (ctx: Koa.Context) => string): Koa.Middleware {
  return async (ctx, next) => {
    const begun = performance.now();
    // Asked now: a socket that has closed meanwhile has no address.
    const address = addressOf(ctx);
    await next();
    const level = ctx.status >= 400 ? 'info' : 'debug';
    // Most servers do not want to know of each request, and a poll is one.
    if (!log.isLevelEnabled(level)) return;
    const line = {
      method: ctx.method,
      url: redactUrl(ctx.url),
      status: ctx.status,
      ms: Math.round(performance.now() - begun),
      address,
    };
    log[level](line, level === 'info' ? 'request refused' : 'request');
  };
}
