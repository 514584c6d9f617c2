import type Router from '@koa/router';
import { messageRecord } from '../../core/admin-records.ts';
import { FieldErrors } from '../../core/errors.ts';
import { searchFault } from '../../core/fields.ts';
import { roomNamed, userNamed } from '../../core/named.ts';
import type { MessageSearch } from '../../core/ports.ts';
import type { AdminMessage, Page } from '../../protocol/admin.ts';
import { limits } from '../../protocol/limits.ts';
import { carryOut, forSuperusers } from '../administrator.ts';
import type { RouteTools } from '../dependencies.ts';
import { given, moment, readFields, readQuery } from '../guard.ts';
import { idIn, roomNameIn } from '../named.ts';
import { filter, pageLimit, placesOf } from '../paging.ts';

const places = placesOf('messages');
const fields = {
  q: filter,
  user: filter,
  room: filter,
  from: moment,
  to: moment,
  after: places.after,
  limit: pageLimit,
};

/** `/admin/api/messages`: the search. `/admin/api/rooms/{name}/messages/{id}`: the deletion of one. */
export function adminMessageRoutes(router: Router, tools: RouteTools): void {
  const { admin, reads } = tools;

  router.get(
    '/admin/api/messages',
    forSuperusers(tools, async (ctx, by) => {
      const wanted = readSearch(readQuery(ctx));
      ctx.body = await reads.run(String(by.userId), () => findMessages(tools, wanted));
    }),
  );

  router.delete(
    '/admin/api/rooms/:name/messages/:id',
    forSuperusers(tools, async (ctx, by) => {
      const name = roomNameIn(ctx.params);
      const id = idIn(ctx.params);
      await carryOut(tools, () => admin.acts.deleteMessage(by, name, id));
      ctx.status = 204;
    }),
  );
}

type Wanted = Omit<MessageSearch, 'userId' | 'roomId'> & { user?: string; room?: string };

function readSearch(query: Record<string, string>): Wanted {
  const { values, faults } = readFields(fields, query);
  const { q: words = '', limit = limits.pageRowsDefault, ...others } = values;
  const fault = searchFault(words);
  if (fault !== undefined) faults.q = [fault];
  if (Object.keys(faults).length > 0) throw new FieldErrors(faults);
  return { ...given(others), words, limit };
}

/** A user or room that does not exist has no messages. */
async function findMessages(
  tools: RouteTools,
  { user, room, ...wanted }: Wanted,
): Promise<Page<'messages', AdminMessage>> {
  const { storage } = tools.admin;
  const search: MessageSearch = wanted;
  if (user !== undefined) {
    const found = await userNamed(storage.users, user);
    if (found === undefined) return { messages: [], next: null };
    search.userId = found.id;
  }
  if (room !== undefined) {
    const found = await roomNamed(storage.rooms, room);
    if (found === undefined) return { messages: [], next: null };
    search.roomId = found.id;
  }
  const { messages, next } = await storage.messages.search(search);
  const ids = Array.from(new Set(messages.map(({ roomId }) => roomId)));
  const names = new Map((await storage.rooms.findByIds(ids)).map(({ id, name }) => [id, name]));
  return {
    // Without those of a room that was deleted since.
    messages: messages.flatMap((message) => {
      const name = names.get(message.roomId);
      return name === undefined ? [] : [messageRecord(message, name)];
    }),
    next: places.next(next),
  };
}
