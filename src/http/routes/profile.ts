import type Router from '@koa/router';
import { authenticate } from '../authenticate.ts';
import type { RouteTools } from '../dependencies.ts';

/** `GET /profile`: whose token this is, and whether that user may administer the server. */
export function profileRoutes(router: Router, tools: RouteTools): void {
  router.get('/profile', async (ctx) => {
    const { user } = await authenticate(ctx, tools);
    const { username, email, isSuperuser } = user;
    ctx.body = { username, email, ...(isSuperuser ? { is_superuser: true } : {}) };
  });
}
