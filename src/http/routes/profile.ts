import type Router from '@koa/router';
import { authenticate } from '../authenticate.ts';
import type { RouteTools } from '../dependencies.ts';

/** `GET /profile`: whose token this is. */
export function profileRoutes(router: Router, tools: RouteTools): void {
  router.get('/profile', async (ctx) => {
    const { user } = await authenticate(ctx, tools);
    ctx.body = { username: user.username, email: user.email };
  });
}
