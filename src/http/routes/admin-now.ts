import type Router from '@koa/router';
import { forSuperusers } from '../administrator.ts';
import type { RouteTools } from '../dependencies.ts';

/** `GET /admin/api/now`: how the server is. */
export function adminNowRoutes(router: Router, tools: RouteTools): void {
  router.get(
    '/admin/api/now',
    forSuperusers(tools, async (ctx) => {
      ctx.body = tools.now();
    }),
  );
}
