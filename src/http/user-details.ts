/** A user as administrators see one, put together from the store and from who chats now. */
import { sessionRecord, tokenRecord, userRecord } from '../core/admin-records.ts';
import type { SessionState } from '../core/elsewhere.ts';
import { findUser } from '../core/named.ts';
import type { Token, User } from '../core/ports.ts';
import type { AdminUser, AdminUserDetails } from '../protocol/admin.ts';
import { limits } from '../protocol/limits.ts';
import { carryOut } from './administrator.ts';
import type { RouteTools } from './dependencies.ts';

export function adminUser({ admin }: RouteTools, user: User, isOnline: boolean): AdminUser {
  return { ...userRecord(user, admin.clock.now()), is_online: isOnline };
}

/** Rejects with `NotFound`. */
export async function detailsOf(tools: RouteTools, username: string): Promise<AdminUserDetails> {
  const { user, tokens } = await read(tools, username);
  return details(tools, user, tokens, await tools.admin.sessionOf(user.id));
}

/**
 * Acts on a user, who is answered then. What the answer needs is read before: nothing may fail once the act is done. How
 * the user chats shows only afterwards; where nobody can say, it counts as not.
 */
export async function actOn(tools: RouteTools, username: string, act: () => Promise<User>): Promise<AdminUserDetails> {
  const { tokens } = await read(tools, username);
  const user = await carryOut(tools, act);
  const session = await tools.admin.sessionOf(user.id).catch((error: unknown) => {
    tools.log.warn({ err: error, user: user.id }, 'Nobody could be asked how a user chats.');
    return undefined;
  });
  return details(tools, user, tokens, session);
}

/** Of somebody who logs in again and again, only the newest tokens. */
async function read({ admin }: RouteTools, username: string): Promise<{ user: User; tokens: Token[] }> {
  const { users, tokens } = admin.storage;
  const user = await findUser(users, username);
  return { user, tokens: await tokens.list(user.id, limits.pageRows) };
}

function details(
  tools: RouteTools,
  user: User,
  tokens: readonly Token[],
  session: SessionState | 'unknown' | undefined,
): AdminUserDetails {
  return {
    ...adminUser(tools, user, session !== undefined),
    session: session === undefined || session === 'unknown' ? null : sessionRecord(session),
    tokens: tokens.toReversed().map(tokenRecord),
  };
}
