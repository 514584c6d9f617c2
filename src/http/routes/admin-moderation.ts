import type Router from '@koa/router';
import { limits } from '../../protocol/limits.ts';
import { banReason } from '../admin-fields.ts';
import { carryOut, forSuperusers, readAct } from '../administrator.ts';
import type { RouteTools } from '../dependencies.ts';
import { integer, requireFields } from '../guard.ts';
import { idIn, usernameIn } from '../named.ts';
import { actOn } from '../user-details.ts';

const minutes = integer(1, limits.banMinutes);
const muteFields = { minutes };
const banFields = { minutes: minutes.optional(), reason: banReason.optional() };

/** `/admin/api/users/{username}/…`: what keeps a user from chatting, and what ends a chat. */
export function adminModerationRoutes(router: Router, tools: RouteTools): void {
  const { acts } = tools.admin;

  router.post(
    '/admin/api/users/:username/kick',
    forSuperusers(tools, async (ctx, by) => {
      const username = usernameIn(ctx.params);
      await carryOut(tools, () => acts.kick(by, username));
      ctx.status = 204;
    }),
  );

  router.put(
    '/admin/api/users/:username/mute',
    forSuperusers(tools, async (ctx, by) => {
      const username = usernameIn(ctx.params);
      const { minutes } = requireFields(muteFields, await readAct(ctx, tools));
      ctx.body = await actOn(tools, username, () => acts.mute(by, username, minutes));
    }),
  );

  router.delete(
    '/admin/api/users/:username/mute',
    forSuperusers(tools, async (ctx, by) => {
      const username = usernameIn(ctx.params);
      ctx.body = await actOn(tools, username, () => acts.unmute(by, username));
    }),
  );

  router.put(
    '/admin/api/users/:username/ban',
    forSuperusers(tools, async (ctx, by) => {
      const username = usernameIn(ctx.params);
      const { minutes, reason = '' } = requireFields(banFields, await readAct(ctx, tools));
      ctx.body = await actOn(tools, username, () => acts.ban(by, username, { minutes, reason }));
    }),
  );

  router.delete(
    '/admin/api/users/:username/ban',
    forSuperusers(tools, async (ctx, by) => {
      const username = usernameIn(ctx.params);
      ctx.body = await actOn(tools, username, () => acts.unban(by, username));
    }),
  );

  router.delete(
    '/admin/api/users/:username/tokens/:id',
    forSuperusers(tools, async (ctx, by) => {
      const username = usernameIn(ctx.params);
      const id = idIn(ctx.params);
      await carryOut(tools, () => acts.revokeToken(by, username, id));
      ctx.status = 204;
    }),
  );
}
