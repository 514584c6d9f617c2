import type Router from '@koa/router';
import { fieldSentences } from '../../core/fields.ts';
import type { RouteTools } from '../dependencies.ts';
import { readBody, requireFields, text } from '../guard.ts';

const filled = text.min(1, fieldSentences.blank);
const fields = { username: filled, password: filled };

/** `POST /login`: a token for a name and a password. */
export function loginRoutes(router: Router, tools: RouteTools): void {
  const { accounts, attempts } = tools;
  router.post('/login', async (ctx) => {
    const credentials = requireFields(fields, await readBody(ctx));
    const address = tools.attemptAddress(ctx.req);
    await attempts.login(credentials.username, address);
    const { token } = await accounts.login(credentials, address);
    await attempts.loggedIn(credentials.username, address);
    ctx.body = { token };
  });
}
