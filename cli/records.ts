/** The stable JSON shapes of records, in the wire's spelling, for `--json`. */
import type { Room, Token, User } from '../src/core/ports.ts';
import { isoTime } from './output.ts';

export type JsonRecord = Record<string, string | number | boolean | null>;

export function userRecord(user: User): JsonRecord {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    is_superuser: user.isSuperuser,
    is_active: user.isActive,
    created_at: isoTime(user.createdAt),
    last_login_at: isoTime(user.lastLoginAt),
  };
}

export function roomRecord(room: Room): JsonRecord {
  return {
    id: room.id,
    name: room.name,
    topic: room.topic,
    epoch: room.epoch,
    last_id: room.lastId,
    created_at: isoTime(room.createdAt),
    updated_at: isoTime(room.updatedAt),
  };
}

export function tokenRecord(token: Token & { username: string }): JsonRecord {
  return {
    id: token.id,
    username: token.username,
    label: token.label,
    created_at: isoTime(token.createdAt),
    last_used_at: isoTime(token.lastUsedAt),
    expires_at: isoTime(token.expiresAt),
  };
}
