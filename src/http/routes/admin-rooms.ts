import type Router from '@koa/router';
import { roomRecord } from '../../core/admin-records.ts';
import { FieldErrors } from '../../core/errors.ts';
import { findRoom } from '../../core/named.ts';
import type { Room, RoomActivity } from '../../core/ports.ts';
import type { AdminRoom, AdminRoomDetails, Page } from '../../protocol/admin.ts';
import { limits } from '../../protocol/limits.ts';
import { isoTimeOrNull } from '../../protocol/text.ts';
import { roomName, topic } from '../admin-fields.ts';
import { carryOut, forSuperusers, readAct } from '../administrator.ts';
import type { RouteTools } from '../dependencies.ts';
import { given, readQuery, requireFields } from '../guard.ts';
import { roomNameIn } from '../named.ts';
import { filter, pageLimit, placesOf } from '../paging.ts';
import { createRoomSearch, type RoomSearch } from '../room-search.ts';

const places = placesOf('rooms');
const listFields = { search: filter, after: places.after, limit: pageLimit };
const newFields = { name: roomName, topic: topic.optional() };
const changeFields = { name: roomName.optional(), topic: topic.optional() };

/** `/admin/api/rooms`: list, create, show, change and delete rooms. */
export function adminRoomRoutes(router: Router, tools: RouteTools): void {
  const { admin, reads } = tools;
  const search = createRoomSearch(tools.rooms);

  router.get(
    '/admin/api/rooms',
    forSuperusers(tools, async (ctx, by) => {
      const { limit = limits.pageRowsDefault, ...wanted } = requireFields(listFields, readQuery(ctx));
      ctx.body = await reads.run(String(by.userId), () => listRooms(tools, search, { ...given(wanted), limit }));
    }),
  );

  router.post(
    '/admin/api/rooms',
    forSuperusers(tools, async (ctx, by) => {
      const { name, topic = '' } = requireFields(newFields, await readAct(ctx, tools));
      const room = await carryOut(tools, () => admin.acts.createRoom(by, { name, topic }));
      ctx.status = 201;
      ctx.body = withActivity(tools, room, undefined);
    }),
  );

  router.get(
    '/admin/api/rooms/:name',
    forSuperusers(tools, async (ctx, by) => {
      const name = roomNameIn(ctx.params);
      const found = await reads.run(String(by.userId), () => roomWithActivity(tools, name));
      ctx.body = await details(tools, found.room, found.activity);
    }),
  );

  router.patch(
    '/admin/api/rooms/:name',
    forSuperusers(tools, async (ctx, by) => {
      const name = roomNameIn(ctx.params);
      const change = given(requireFields(changeFields, await readAct(ctx, tools)));
      if (Object.keys(change).length === 0)
        throw new FieldErrors({ non_field_errors: ['Give a name, a topic or both.'] });
      // Read before the act: afterwards nothing may fail any more.
      const { activity } = await roomWithActivity(tools, name);
      const room = await carryOut(tools, () => admin.acts.changeRoom(by, name, change));
      ctx.body = await details(tools, room, activity);
    }),
  );

  router.delete(
    '/admin/api/rooms/:name',
    forSuperusers(tools, async (ctx, by) => {
      const name = roomNameIn(ctx.params);
      await carryOut(tools, () => admin.acts.deleteRoom(by, name));
      admin.purgeRooms();
      ctx.status = 204;
    }),
  );
}

/** Found in memory; what only the store knows is asked for those on the page. */
async function listRooms(
  tools: RouteTools,
  search: RoomSearch,
  { limit, ...wanted }: Parameters<RoomSearch>[0],
): Promise<Page<'rooms', AdminRoom>> {
  const { rooms } = tools.admin.storage;
  const { rows, next } = places.cut(search({ ...wanted, limit: limit + 1 }), limit, ({ name }) => name);
  const ids = rows.map(({ id }) => id);
  const [found, activity] = await Promise.all([rooms.findByIds(ids), rooms.activity(ids)]);
  const byId = new Map(found.map((room) => [room.id, room]));
  // One that was deleted meanwhile is left out.
  const present = ids.flatMap((id) => byId.get(id) ?? []);
  return { rooms: present.map((room) => withActivity(tools, room, activity.get(room.id))), next };
}

async function roomWithActivity(
  tools: RouteTools,
  name: string,
): Promise<{ room: Room; activity: RoomActivity | undefined }> {
  const { rooms } = tools.admin.storage;
  const room = await findRoom(rooms, name);
  return { room, activity: (await rooms.activity([room.id])).get(room.id) };
}

function withActivity({ presence }: RouteTools, room: Room, activity: RoomActivity | undefined): AdminRoom {
  return {
    ...roomRecord(room),
    members: presence.count(room.id),
    messages: activity?.messages ?? 0,
    last_message_at: isoTimeOrNull(activity?.lastMessageAt ?? null),
  };
}

async function details(tools: RouteTools, room: Room, activity: RoomActivity | undefined): Promise<AdminRoomDetails> {
  return { ...withActivity(tools, room, activity), member_names: await tools.admin.memberNames(room.id) };
}
