/**
 * What all calls of the administration API share: who may make them, as whom the audit log notes them, and that an act
 * has taken effect on this server when it is answered. Knows no resource.
 */
import type Koa from 'koa';
import type { Actor } from '../core/ports.ts';
import { authorizeSuperuser } from './authenticate.ts';
import type { RouteTools } from './dependencies.ts';
import { readJsonBody } from './guard.ts';

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

/** The body of an act. It may have been long on its way: whoever has lost the rights meanwhile is refused. */
export async function readAct(ctx: Koa.Context, tools: RouteTools): Promise<Record<string, unknown>> {
  const body = await readJsonBody(ctx);
  await authorizeSuperuser(ctx, tools);
  return body;
}

/**
 * Does an act and lets it take effect here at once. Where the changes cannot be read now it is done all the same, and
 * takes effect with the next reading.
 */
export async function carryOut<T>({ admin, log }: RouteTools, act: () => Promise<T>): Promise<T> {
  const done = await act();
  await admin.readChanges().catch((error: unknown) => {
    log.warn({ err: error }, 'An act of an administrator is done, but takes effect with the next reading of changes.');
  });
  return done;
}
