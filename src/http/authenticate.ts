/** From a request to its principal. A use of the token is recorded in passing: if that fails, the request goes on. */
import type Koa from 'koa';
import type { Principal } from '../core/accounts.ts';
import { Refusal } from './answers.ts';
import type { HttpDependencies } from './dependencies.ts';
import { readToken } from './guard.ts';

/** Rejects with a 401 Refusal, `AuthenticationError`, or the store's error (then the answer is 503, never 401). */
export async function authenticate(
  ctx: Koa.Context,
  { accounts, log }: Pick<HttpDependencies, 'accounts' | 'log'>,
): Promise<Principal> {
  const principal = await accounts.authenticate(readToken(ctx));
  await accounts.touch([principal]).catch((error: unknown) => {
    log.warn({ err: error, user: principal.user.id }, 'a use of a token could not be recorded');
  });
  return principal;
}

/**
 * As `authenticate`, for what only administrators may do. The rights are those of this moment: they are read from the
 * store with the token, and kept nowhere. The refusal says nothing but that.
 */
export async function authorizeSuperuser(
  ctx: Koa.Context,
  dependencies: Pick<HttpDependencies, 'accounts' | 'log'>,
): Promise<Principal> {
  const principal = await authenticate(ctx, dependencies);
  if (!principal.user.isSuperuser) throw new Refusal(403, 'Only administrators may do this.');
  return principal;
}
