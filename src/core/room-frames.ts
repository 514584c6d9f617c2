/** What a room shows, as frames. */
import type { RoomFrame } from '../protocol/frames.ts';
import { formatStamp } from '../protocol/text.ts';
import type { StoredMessage } from './ports.ts';
import type { RelayedCommand } from './room-channel.ts';

/** The notification of a stored message. */
export function messageFrame(
  roomName: string,
  message: StoredMessage,
  you: boolean,
  ref?: string,
): Extract<RoomFrame, { code: 'message' }> {
  return {
    type: 'room:notification',
    code: 'message',
    you,
    user: message.username,
    room_name: roomName,
    body: message.body,
    id: message.id,
    stamp: formatStamp(message.createdAt),
    ...refOf(ref),
  };
}

/** The notification that a message was deleted. */
export function deletedFrame(roomName: string, id: number): RoomFrame {
  return { type: 'room:notification', code: 'deleted', room_name: roomName, id };
}

export function presenceFrame(
  code: 'joined' | 'parted',
  { roomName, username, at, you, ref }: { roomName: string; username: string; at: number; you: boolean; ref?: string },
): RoomFrame {
  const stamp = formatStamp(at);
  return { type: 'room:notification', code, you, user: username, room_name: roomName, stamp, ...refOf(ref) };
}

export function commandFrame(roomName: string, command: RelayedCommand, you: boolean, ref?: string): RoomFrame {
  return {
    type: 'room:notification',
    code: 'custom',
    you,
    user: command.username,
    room_name: roomName,
    command: command.command,
    payload: command.payload,
    stamp: formatStamp(command.createdAt),
    ...refOf(ref),
  };
}

function refOf(ref: string | undefined): { ref?: string } {
  return ref === undefined ? {} : { ref };
}
