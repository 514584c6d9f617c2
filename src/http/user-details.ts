/** A user as administrators see one, put together from the store and from who chats now. */
import { sessionRecord, tokenRecord, userRecord } from '../core/admin-records.ts';
import { findUser } from '../core/named.ts';
import type { Token, User } from '../core/ports.ts';
import type { AdminUser, AdminUserDetails } from '../protocol/admin.ts';
import { limits } from '../protocol/limits.ts';
import { carryOut } from './administrator.ts';
import type { RouteTools } from './dependencies.ts';

export function adminUser({ admin }: RouteTools, user: User): AdminUser {
  return { ...userRecord(user, admin.clock.now()), is_online: admin.sessionOf(user.id) !== undefined };
}

/** Rejects with `NotFound`. */
export async function detailsOf(tools: RouteTools, username: string): Promise<AdminUserDetails> {
  const { user, tokens } = await read(tools, username);
  return details(tools, user, tokens);
}

/** Acts on a user, who is answered then. What the answer needs is read before: nothing may fail once the act is done. */
export async function actOn(tools: RouteTools, username: string, act: () => Promise<User>): Promise<AdminUserDetails> {
  const { tokens } = await read(tools, username);
  return details(tools, await carryOut(tools, act), tokens);
}

/** Of somebody who logs in again and again, only the newest tokens. */
async function read({ admin }: RouteTools, username: string): Promise<{ user: User; tokens: Token[] }> {
  const { users, tokens } = admin.storage;
  const user = await findUser(users, username);
  return { user, tokens: await tokens.list(user.id, limits.pageRows) };
}

function details(tools: RouteTools, user: User, tokens: readonly Token[]): AdminUserDetails {
  const session = tools.admin.sessionOf(user.id);
  return {
    ...adminUser(tools, user),
    session: session === undefined ? null : sessionRecord(session),
    tokens: tokens.toReversed().map(tokenRecord),
  };
}
