/** The stable JSON shapes of records for `--json`: those of the administration API, with what only operators need. */
import {
  roomRecord as adminRoomRecord,
  tokenRecord as adminTokenRecord,
  userRecord as adminUserRecord,
} from '../src/core/admin-records.ts';
import type { Room, Token, User } from '../src/core/ports.ts';
import type { AdminToken, AdminUser, RoomRecord } from '../src/protocol/admin.ts';

export function userRecord(user: User): Omit<AdminUser, 'is_online'> {
  return adminUserRecord(user, Date.now());
}

export function roomRecord(room: Room): RoomRecord & { epoch: string; last_id: number } {
  const { id, name, topic, ...times } = adminRoomRecord(room);
  return { id, name, topic, epoch: room.epoch, last_id: room.lastId, ...times };
}

export function tokenRecord(token: Token & { username: string }): AdminToken & { username: string } {
  const { id, ...rest } = adminTokenRecord(token);
  return { id, username: token.username, ...rest };
}
