/** One line for each request: at `info` what was refused, at `debug` the rest, at `error` the server's own faults. Never a secret. */
import type Koa from 'koa';
import type { Logger } from 'pino';

/** An address as it may be logged: the value of `token` in the query is left out, however its name is written. */
export function redactUrl(url: string): string {
  const mark = url.indexOf('?');
  if (mark === -1) return url;
  const query = new URLSearchParams(url.slice(mark + 1));
  for (const name of new Set(query.keys())) {
    if (name.toLowerCase().includes('token')) query.set(name, '[redacted]');
  }
  return `${url.slice(0, mark)}?${query.toString()}`;
}

export function logRequests(log: Logger, addressOf: (ctx: Koa.Context) => string): Koa.Middleware {
  return async (ctx, next) => {
    const begun = performance.now();
    // Asked now: a socket that has closed meanwhile has no address.
    const address = addressOf(ctx);
    await next();
    const line = {
      method: ctx.method,
      url: redactUrl(ctx.url),
      status: ctx.status,
      ms: Math.round(performance.now() - begun),
      address,
    };
    if (ctx.status >= 400) log.info(line, 'request refused');
    else log.debug(line, 'request');
  };
}
