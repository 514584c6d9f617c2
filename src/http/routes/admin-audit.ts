import type Router from '@koa/router';
import { auditEntry } from '../../core/admin-records.ts';
import { limits } from '../../protocol/limits.ts';
import { auditAct } from '../admin-fields.ts';
import { forSuperusers } from '../administrator.ts';
import type { RouteTools } from '../dependencies.ts';
import { given, readQuery, requireFields } from '../guard.ts';
import { afterNumber, cutPage, filter, pageLimit } from '../paging.ts';

const fields = { actor: filter, act: auditAct, target: filter, after: afterNumber, limit: pageLimit };

/** `GET /admin/api/audit`: what administrators did, newest first. */
export function adminAuditRoutes(router: Router, tools: RouteTools): void {
  const { admin, reads } = tools;
  router.get(
    '/admin/api/audit',
    forSuperusers(tools, async (ctx, by) => {
      const { after, limit = limits.pageRowsDefault, ...wanted } = requireFields(fields, readQuery(ctx));
      const options = { ...given({ ...wanted, before: after }), limit: limit + 1 };
      const found = await reads.run(String(by.userId), () => admin.storage.audit.list(options));
      const { rows, next } = cutPage(found, limit, ({ id }) => id);
      ctx.body = { entries: rows.map(auditEntry), next };
    }),
  );
}
