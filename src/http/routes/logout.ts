import type Router from '@koa/router';
import { authenticate } from '../authenticate.ts';
import type { RouteTools } from '../dependencies.ts';

/** `POST /logout`: ends the token and the chat session that was opened with it. */
export function logoutRoutes(router: Router, tools: RouteTools): void {
  router.post('/logout', async (ctx) => {
    const principal = await authenticate(ctx, tools);
    await tools.accounts.logout(principal);
    tools.onLogout(principal);
    ctx.status = 204;
  });
}
