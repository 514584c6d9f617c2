import type Router from '@koa/router';
import { historyEntry } from '../../core/encode.ts';
import { limits } from '../../protocol/limits.ts';
import { roomNameFault } from '../../protocol/names.ts';
import { notFound } from '../answers.ts';
import { authenticate } from '../authenticate.ts';
import type { RouteTools } from '../dependencies.ts';
import { readQuery, requireFields, wholeNumber } from '../guard.ts';

const pageFields = {
  before: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  after: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  limit: wholeNumber(1, limits.historyMessages),
};

/** `GET /rooms` and `GET /rooms/{name}/messages`. */
export function roomRoutes(router: Router, tools: RouteTools): void {
  const { rooms, messages, presence, settings, reads } = tools;

  router.get('/rooms', async (ctx) => {
    await authenticate(ctx, tools);
    // Whoever asks for the list wants what there is now: a room that the command line has just made is among them.
    ctx.body = (await rooms.current())
      .map(({ id, name, topic }) => ({ name, topic, users: presence.count(id) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  });

  router.get('/rooms/:name/messages', async (ctx) => {
    const { user } = await authenticate(ctx, tools);
    const name = ctx.params.name ?? '';
    const room = roomNameFault(name) === undefined ? await rooms.find(name) : undefined;
    if (room === undefined) throw notFound();
    const { before, after, limit = limits.historyDefault } = requireFields(pageFields, readQuery(ctx));
    const wanted = {
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      limit,
      maxBytes: settings.historyBytes,
    };
    const page = await reads.run(String(user.id), () => messages.page(room.id, wanted));
    ctx.body = {
      messages: page.messages.map((message) => historyEntry(message, user.id)),
      more: page.more,
    };
  });
}
