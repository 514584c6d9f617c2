import type Router from '@koa/router';
import { Refusal } from '../answers.ts';
import type { RouteTools } from '../dependencies.ts';
import { readBody, readFields, text } from '../guard.ts';

const fields = { username: text, password: text, email: text.optional() };

/** `POST /register`: makes an account. */
export function registerRoutes(router: Router, tools: RouteTools): void {
  const { accounts, attempts, settings } = tools;
  router.post('/register', async (ctx) => {
    if (!settings.registrationOpen) throw new Refusal(403, 'Registration is closed.');
    const { values, faults } = readFields(fields, await readBody(ctx));
    const address = tools.attemptAddress(ctx.req);
    await attempts.registration(address);
    // The rules run over what could be read, so that all faults of all fields come back together.
    const user = await accounts.register(values, faults, address);
    ctx.body = { username: user.username, email: user.email };
  });
}
