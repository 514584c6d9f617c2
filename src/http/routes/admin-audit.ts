import type Router from '@koa/router';
import { auditEntry } from '../../core/admin-records.ts';
import { limits } from '../../protocol/limits.ts';
import { auditAct } from '../admin-fields.ts';
import { forSuperusers } from '../administrator.ts';
import type { RouteTools } from '../dependencies.ts';
import { given, readQuery, requireFields } from '../guard.ts';
import { filter, pageLimit, placesOf } from '../paging.ts';

const places = placesOf('audit', /^[1-9]\d{0,14}$/);
const fields = { actor: filter, act: auditAct, target: filter, after: places.after, limit: pageLimit };

/** `GET /admin/api/audit`: what administrators did, newest first. */
export function adminAuditRoutes(router: Router, tools: RouteTools): void {
  const { admin, reads } = tools;
  router.get(
    '/admin/api/audit',
    forSuperusers(tools, async (ctx, by) => {
      const { after, limit = limits.pageRowsDefault, ...wanted } = requireFields(fields, readQuery(ctx));
      const options = {
        ...given({ ...wanted, before: after === undefined ? undefined : Number(after) }),
        limit: limit + 1,
      };
      const found = await reads.run(String(by.userId), () => admin.storage.audit.list(options));
      const { rows, next } = places.cut(found, limit, ({ id }) => String(id));
      ctx.body = { entries: rows.map(auditEntry), next };
    }),
  );
}
