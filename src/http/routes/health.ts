import type Router from '@koa/router';
import { Refusal } from '../answers.ts';
import type { Readiness, RouteTools } from '../dependencies.ts';

/** `GET /healthz`: the process answers. `GET /readyz`: it can do its work; what is lost without stopping it is named. */
export function healthRoutes(router: Router, tools: RouteTools): void {
  router.get('/healthz', (ctx) => {
    ctx.body = { status: 'ok' };
  });
  router.get('/readyz', async (ctx) => {
    const readiness = await tools.readiness().catch((error: unknown): Readiness => {
      tools.log.warn({ err: error }, 'readiness could not be determined');
      return { ready: false, reason: 'The state of the server could not be determined.' };
    });
    if (!readiness.ready) throw new Refusal(503, readiness.reason);
    const { degraded = [] } = readiness;
    ctx.body = degraded.length === 0 ? { status: 'ready' } : { status: 'ready', degraded };
  });
}
