import type Router from '@koa/router';
import type { RouteTools } from '../dependencies.ts';

/** `GET /`: what this is, and where the chat is. */
export function homeRoutes(router: Router, { settings }: RouteTools): void {
  router.get('/', (ctx) => {
    ctx.body = { name: 'finchat', version: settings.version, chat: '/ws/chat' };
  });
}
