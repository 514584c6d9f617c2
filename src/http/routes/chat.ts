import type Router from '@koa/router';
import { Refusal } from '../answers.ts';
import { type ChatCall, leave, openPoll, openStream, post } from '../chat.ts';
import type { RouteTools } from '../dependencies.ts';
import { readMessages, readQuery } from '../guard.ts';

type Context = Parameters<typeof readQuery>[0];

/** The chat without sockets: `/sse/chat` and `/poll/chat`. Either takes what clients send. */
export function chatRoutes(router: Router, tools: RouteTools): void {
  const { standing } = tools;
  const answer = async (ctx: Context, run: (call: ChatCall) => Promise<void>): Promise<void> => {
    standing.note(ctx.req, ctx.res);
    await run({ request: ctx.req, response: ctx.res, query: readQuery(ctx), standing: [] });
    ctx.respond = false;
  };

  router.get('/sse/chat', (ctx) => answer(ctx, (call) => openStream(tools, call)));
  router.get('/poll/chat', (ctx) =>
    answer(ctx, async (call) => {
      await openPoll(tools, call);
      // What it was answered is known, and logged, only then.
      if (!ctx.res.closed) await new Promise((resolve) => ctx.res.once('close', resolve));
    }),
  );
  for (const path of ['/sse/chat', '/poll/chat']) {
    router.post(path, (ctx) => answer(ctx, (call) => post(tools, call, () => readMessages(ctx))));
    router.delete(path, (ctx) => answer(ctx, (call) => leave(tools, call)));
  }

  withoutHead(router);

  router.get('/ws/chat', (ctx) => {
    // RFC 9110 §15.5.22: a request that came without its upgrade, mostly because a proxy took it off.
    ctx.set('Upgrade', 'websocket');
    ctx.set('Connection', 'Upgrade');
    throw new Refusal(426, 'This address takes WebSockets only. A proxy on the way may have removed the upgrade.');
  });
}

/** The router answers HEAD wherever there is a GET: here that would put its user into the chat. */
function withoutHead(router: Router): void {
  for (const layer of router.stack) {
    if (layer.path === '/sse/chat' || layer.path === '/poll/chat') {
      layer.methods = layer.methods.filter((method) => method !== 'HEAD');
    }
  }
}
