/**
 * Which pages of other origins may read the answers: the headers of CORS (https://fetch.spec.whatwg.org/#http-cors-protocol)
 * by the setting CORS_ORIGINS. Stands outside the funnel of errors, so that a page reads refusals too.
 * Cookies play no part: tokens travel in headers and queries, so credentials are not allowed.
 * Administration is for the server's own page alone, whatever the setting says.
 */
import cors from '@koa/cors';
import type Koa from 'koa';

/** Origins, or `*` for all. */
export type CorsOrigins = '*' | readonly string[];

/** The longest that browsers believe an answer to a preflight (Chromium: two hours): each message would cost two requests. */
const preflightSeconds = 7200;

/** Undefined: no header at all, and a preflight is a method that no path has. */
export function crossOrigin(origins: CorsOrigins | undefined): Koa.Middleware {
  if (origins === undefined) return (_ctx, next) => next();
  const isAllowed = (origin: string): boolean => origins.includes(origin);
  const answer = cors({
    // The library answers a request of any other origin without these headers, but with `Vary`, for caches in between.
    origin: origins === '*' ? '*' : (ctx) => (isAllowed(ctx.get('Origin')) ? ctx.get('Origin') : ''),
    allowMethods: ['GET', 'POST', 'DELETE'],
    allowHeaders: ['Authorization', 'Content-Type', 'Last-Event-ID'],
    exposeHeaders: ['Retry-After', 'WWW-Authenticate'],
    maxAge: preflightSeconds,
  });
  return (ctx, next) => (isAdministration(ctx.path) ? next() : answer(ctx, next));
}

function isAdministration(path: string): boolean {
  return path === '/admin' || path.startsWith('/admin/');
}
