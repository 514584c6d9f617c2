/**
 * What all calls of the administration API share: who may make them, and as whom the audit log notes them. Knows no
 * resource.
 */
import type Koa from 'koa';
import type { Actor } from '../core/ports.ts';
import { authorizeSuperuser } from './authenticate.ts';
import type { RouteTools } from './dependencies.ts';

/** A call that only superusers may make. Nothing of the request is read, and nothing of the server told, before that is sure. */
export function forSuperusers<Context extends Koa.Context>(
  tools: RouteTools,
  handle: (ctx: Context, by: Actor & { userId: number }) => Promise<void>,
): (ctx: Context) => Promise<void> {
  return async (ctx) => {
    const { user } = await authorizeSuperuser(ctx, tools);
    await handle(ctx, { userId: user.id, name: user.username, via: 'page' });
  };
}
