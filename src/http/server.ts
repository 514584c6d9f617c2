/**
 * The HTTP application: which middleware runs, in which order, and the one place where errors become answers.
 * Knows no socket: `createHttpServer` in listener.ts makes one for it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import Router from '@koa/router';
import Koa from 'koa';
import helmet from 'koa-helmet';
import type { Logger } from 'pino';
import { createFairQueue, type FairQueueOptions } from '../core/fair-queue.ts';
import { createClientAddress, networkOf } from './address.ts';
import { answerFor, notFound, Refusal } from './answers.ts';
import { crossOrigin } from './cors.ts';
import type { HttpDependencies, RequestMetrics, RouteTools } from './dependencies.ts';
import { checkAddress } from './guard.ts';
import { logFault, logRequests } from './request-log.ts';
import { adminAuditRoutes } from './routes/admin-audit.ts';
import { adminMessageRoutes } from './routes/admin-messages.ts';
import { adminModerationRoutes } from './routes/admin-moderation.ts';
import { adminNowRoutes } from './routes/admin-now.ts';
import { adminRoomRoutes } from './routes/admin-rooms.ts';
import { adminUserRoutes } from './routes/admin-users.ts';
import { chatRoutes } from './routes/chat.ts';
import { healthRoutes } from './routes/health.ts';
import { loginRoutes } from './routes/login.ts';
import { logoutRoutes } from './routes/logout.ts';
import { pageRoutes } from './routes/pages.ts';
import { profileRoutes } from './routes/profile.ts';
import { registerRoutes } from './routes/register.ts';
import { roomRoutes } from './routes/rooms.ts';
import { createShortWay } from './short-way.ts';
import { createStandingHeaders } from './standing-headers.ts';

const resources = [
  pageRoutes,
  registerRoutes,
  loginRoutes,
  logoutRoutes,
  profileRoutes,
  roomRoutes,
  chatRoutes,
  healthRoutes,
  adminNowRoutes,
  adminRoomRoutes,
  adminMessageRoutes,
  adminUserRoutes,
  adminModerationRoutes,
  adminAuditRoutes,
];

/** Pages of history: a full one keeps the database and this thread busy for milliseconds. */
const readBounds: FairQueueOptions = {
  // Some of the ten connections to PostgreSQL stay free for log-ins and joins.
  concurrency: 6,
  // Whoever asks for many at once gets them one after the other, and others theirs in between.
  perKey: 1,
  // A few kilobytes each; at some five milliseconds a page, five seconds.
  maxQueued: 1000,
  retryAfterMs: 5_000,
};

/** The handler of every HTTP request. Throws when `settings.trustProxy` names a network that is none. */
export function createHttpHandler(
  dependencies: HttpDependencies,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { log, settings } = dependencies;
  const addressOf = createClientAddress(settings.trustProxy);
  const tools: RouteTools = {
    ...dependencies,
    attemptAddress: (request) => networkOf(addressOf(request)),
    reads: createFairQueue(readBounds),
    standing: createStandingHeaders(),
  };
  // A path is matched with its case; a slash at its end makes no difference.
  const router = new Router({ sensitive: true, strict: false });
  for (const addRoutes of resources) addRoutes(router, tools);

  // What it sets before the routes is for standing-headers.ts, and must not depend on more than the Origin.
  const order: readonly Koa.Middleware[] = [
    measureRequests(router, dependencies.metrics),
    logRequests(log, addressOf),
    securityHeaders,
    noStore,
    crossOrigin(settings.corsOrigins),
    answerErrors(log),
    checkAddress,
    refuseUnrouted(router),
    router.routes() as Koa.Middleware,
  ];
  const app = new Koa();
  for (const middleware of order) app.use(middleware);
  // What no middleware could catch: a client that went away while its answer was written.
  app.on('error', (error: unknown) => log.debug({ err: error }, 'a request ended early'));
  const handle = app.callback();
  const goShort = createShortWay({ ...tools, addressOf });
  return (request, response) => {
    if (!goShort(request, response)) void handle(request, response);
  };
}

/** The one funnel: whatever a request ends with is answered in the contract's shape. */
function answerErrors(log: Logger): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const answer = answerFor(error);
      const { status, body, headers } = answer;
      logFault(log, error, answer, ctx);
      ctx.status = status;
      ctx.set(headers);
      ctx.body = body;
    }
  };
}

/** 404 for a path that nobody has, 405 with `Allow` for one that has other methods. */
function refuseUnrouted(router: Router): Koa.Middleware {
  return async (ctx, next) => {
    const { path, route } = router.match(ctx.path, ctx.method);
    if (path.length === 0) throw notFound();
    if (!route) {
      const allowed = [...new Set(path.flatMap((layer) => layer.methods))].sort().join(', ');
      throw new Refusal(405, `Method "${ctx.method}" not allowed.`, { Allow: allowed });
    }
    await next();
  };
}

function measureRequests(router: Router, metrics: RequestMetrics | undefined): Koa.Middleware {
  if (metrics === undefined) return (_ctx, next) => next();
  return async (ctx, next) => {
    const begun = performance.now();
    await next();
    const route = router.match(ctx.path, ctx.method).path.at(-1)?.path;
    metrics.observe({
      method: ctx.method,
      route: typeof route === 'string' ? route : 'unmatched',
      status: ctx.status,
      // How long a poll waits is for its client to say, and no measure of the server.
      seconds: ctx.method === 'GET' && ctx.respond === false ? undefined : (performance.now() - begun) / 1000,
    });
  };
}

const securityHeaders: Koa.Middleware = helmet({
  // Answers are JSON: nothing in them may run or be framed.
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"], 'base-uri': ["'none'"] },
  },
  frameguard: { action: 'deny' },
  // Whether a host is reached by HTTPS only is for the proxy to promise that ends TLS.
  hsts: false,
}) as Koa.Middleware;

/** Answers hold tokens and what one user may see: no cache keeps them. */
const noStore: Koa.Middleware = async (ctx, next) => {
  ctx.set('Cache-Control', 'no-store');
  await next();
};
