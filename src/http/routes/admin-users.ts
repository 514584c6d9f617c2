import type Router from '@koa/router';
import { FieldErrors, type FieldFaults } from '../../core/errors.ts';
import { fieldSentences } from '../../core/fields.ts';
import { userNamed } from '../../core/named.ts';
import type { Actor, User } from '../../core/ports.ts';
import type { AdminUser, Page } from '../../protocol/admin.ts';
import { limits } from '../../protocol/limits.ts';
import { carryOut, forSuperusers, readAct } from '../administrator.ts';
import type { RouteTools } from '../dependencies.ts';
import { flag, given, readFields, readQuery, requireFields, text } from '../guard.ts';
import { usernameIn } from '../named.ts';
import { filter, pageLimit, placesOf } from '../paging.ts';
import { actOn, adminUser, detailsOf } from '../user-details.ts';

const places = placesOf('users');
const listFields = { search: filter, after: places.after, limit: pageLimit };
const newFields = { username: text, password: text, email: text.optional(), is_superuser: flag.optional() };
const changeFields = { is_active: flag.optional(), is_superuser: flag.optional() };
const passwordFields = { password: text };

/** `/admin/api/users`: list, create, show and change users. */
export function adminUserRoutes(router: Router, tools: RouteTools): void {
  const { admin, reads } = tools;

  router.get(
    '/admin/api/users',
    forSuperusers(tools, async (ctx, by) => {
      const { limit = limits.pageRowsDefault, ...wanted } = requireFields(listFields, readQuery(ctx));
      ctx.body = await reads.run(String(by.userId), () => listUsers(tools, { ...given(wanted), limit }));
    }),
  );

  router.post(
    '/admin/api/users',
    forSuperusers(tools, async (ctx, by) => {
      const account = await readAccount(tools, await readAct(ctx, tools));
      const user = await carryOut(tools, () => admin.acts.createUser(by, account));
      ctx.status = 201;
      // Nobody has logged in as this user yet.
      ctx.body = adminUser(tools, user, false);
    }),
  );

  router.get(
    '/admin/api/users/:username',
    forSuperusers(tools, async (ctx, by) => {
      const username = usernameIn(ctx.params);
      ctx.body = await reads.run(String(by.userId), () => detailsOf(tools, username));
    }),
  );

  router.patch(
    '/admin/api/users/:username',
    forSuperusers(tools, async (ctx, by) => {
      const username = usernameIn(ctx.params);
      const change = requireFields(changeFields, await readAct(ctx, tools));
      const acts = changesOf(tools, by, username, change);
      ctx.body = await actOn(tools, username, acts);
    }),
  );

  router.put(
    '/admin/api/users/:username/password',
    forSuperusers(tools, async (ctx, by) => {
      const username = usernameIn(ctx.params);
      const { password } = requireFields(passwordFields, await readAct(ctx, tools));
      await carryOut(tools, () => admin.acts.setPassword(by, username, password));
      ctx.status = 204;
    }),
  );
}

type Wanted = { search?: string; after?: string; limit: number };

async function listUsers(tools: RouteTools, { limit, ...wanted }: Wanted): Promise<Page<'users', AdminUser>> {
  const found = await tools.admin.storage.users.list({ ...wanted, limit: limit + 1 });
  const { rows, next } = places.cut(found, limit, ({ username }) => username);
  const online = await tools.admin.online(rows.map(({ id }) => id));
  return { users: rows.map((user) => adminUser(tools, user, online.has(user.id))), next };
}

type NewAccount = { username: string; password: string; email: string; isSuperuser: boolean };

/** Throws all faults of all fields at once, a name that is taken too. */
async function readAccount(tools: RouteTools, body: Record<string, unknown>): Promise<NewAccount> {
  const { values, faults: unread } = readFields(newFields, body);
  const { username, password, email = '', is_superuser: isSuperuser = false } = values;
  const faults: FieldFaults = { ...tools.accounts.checkFields(given({ username, password, email })), ...unread };
  const isFree =
    faults.username !== undefined || username === undefined || !(await userNamed(tools.admin.storage.users, username));
  if (!isFree) faults.username = [fieldSentences.usernameTaken];
  if (username === undefined || password === undefined || Object.keys(faults).length > 0) throw new FieldErrors(faults);
  return { username, password, email, isSuperuser };
}

type Change = { is_active: boolean | undefined; is_superuser: boolean | undefined };

/** Does both; resolves the user after the last. */
function changesOf(
  { admin: { acts } }: RouteTools,
  by: Actor,
  username: string,
  { is_active: isActive, is_superuser: isSuperuser }: Change,
): () => Promise<User> {
  const active = isActive === undefined ? undefined : () => acts.setActive(by, username, isActive);
  const superuser = isSuperuser === undefined ? undefined : () => acts.setSuperuser(by, username, isSuperuser);
  // What takes something away goes first: that may be refused, and then nothing has been done.
  const [first, second] = isSuperuser === false ? [superuser, active] : [active, superuser];
  const one = first ?? second;
  if (one === undefined) throw new FieldErrors({ non_field_errors: ['Give is_active, is_superuser or both.'] });
  return async () => {
    const user = await one();
    return first === undefined || second === undefined ? user : second();
  };
}
