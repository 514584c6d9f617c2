/** What the client tells of its rooms, passed on to them. */
import type { ChatError, Client, RoomStatus, ServerFrame } from '../../../client/index.ts';
import type { OpenRooms } from './open-rooms.ts';
import type { Room } from './room.ts';

export type RoomEventsDeps = {
  rooms: OpenRooms;
  onCommand: (name: string) => void;
  /** This user is in the room no more; without `error` it parted, or was parted. */
  onClosed: (name: string, error: ChatError | undefined) => void;
  /** In the room again, in a new session, after what was missed is on its way. */
  onRejoined: (room: Room, status: RoomStatus) => void;
};

/** Returns what stops it. */
export function watchRooms(client: Client, deps: RoomEventsDeps): () => void {
  const { rooms } = deps;
  const removers = [
    client.on('frame', (frame) => noteEcho(rooms, frame)),
    client.on('message', (message) => {
      rooms.get(message.room)?.showMessage(message, rooms.isReading(message.room));
      rooms.note(message.room);
      rooms.trim(message.room);
    }),
    client.on('joined', ({ room: name, user, you, stamp, status }) => {
      if (status !== undefined) rooms.enter(name, status);
      const room = rooms.get(name);
      room?.roster.add({ name: user, you });
      room?.timeline.showPresence('joined', user, you, stamp);
      rooms.trim(name);
    }),
    client.on('parted', ({ room: name, user, you, stamp }) => {
      if (you) return deps.onClosed(name, undefined);
      const room = rooms.get(name);
      room?.roster.remove(user);
      room?.timeline.showPresence('parted', user, you, stamp);
      rooms.trim(name);
    }),
    client.on('custom', (event) => {
      deps.onCommand(event.command);
      rooms.get(event.room)?.timeline.showCommand(event);
      rooms.trim(event.room);
    }),
    client.on('deleted', ({ room, id }) => rooms.get(room)?.deleteMessage(id)),
    client.on('rejoined', ({ room: name, status, gap }) => {
      const room = rooms.get(name);
      if (room === undefined) return rooms.enter(name, status);
      room.reenter(status, gap);
      rooms.note(name);
      if (!gap) deps.onRejoined(room, status);
    }),
    client.on('left', ({ room, error }) => deps.onClosed(room, error)),
  ];
  return () => {
    for (const remove of removers) remove();
  };
}

/**
 * The event of a message does not say which of one's own it is; the frame that it comes with does. One that was stored
 * before has no event: it settles here, so that its deletion, which may follow in the same turn, finds it.
 */
function noteEcho(rooms: OpenRooms, frame: ServerFrame): void {
  if (frame.type !== 'room:notification' || frame.code !== 'message' || frame.ref === undefined) return;
  const timeline = rooms.get(frame.room_name)?.timeline;
  if (frame.repeat === true) timeline?.settle(frame.ref, frame.id, frame.stamp);
  else timeline?.noteEcho(frame.id, frame.ref);
}
