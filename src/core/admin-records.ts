/**
 * From what the store gives to what administrators read: the records of the administration API, which the command line's
 * `--json` prints too. Each field is named here, so that nothing that a row holds beside them (a password's hash) gets out.
 */
import type { AdminMessage, AdminSession, AdminToken, AdminUser, AuditEntry, RoomRecord } from '../protocol/admin.ts';
import { isoTime, isoTimeOrNull } from '../protocol/text.ts';
import type { SessionState } from './elsewhere.ts';
import { banNow, mutedNow } from './permissions.ts';
import type { AuditRecord, FoundMessage, Room, Token, User } from './ports.ts';

export function roomRecord(room: Room): RoomRecord {
  return {
    id: room.id,
    name: room.name,
    topic: room.topic,
    created_at: isoTime(room.createdAt),
    updated_at: isoTime(room.updatedAt),
  };
}

/** A ban or mute whose time is over is none. */
export function userRecord(user: User, now: number): Omit<AdminUser, 'is_online'> {
  const ban = banNow(user, now);
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    is_superuser: user.isSuperuser,
    is_active: user.isActive,
    created_at: isoTime(user.createdAt),
    last_login_at: isoTimeOrNull(user.lastLoginAt),
    ban: ban === null ? null : { until: isoTimeOrNull(ban.until), reason: ban.reason },
    muted_until: isoTimeOrNull(mutedNow(user, now)),
  };
}

export function tokenRecord(token: Token): AdminToken {
  return {
    id: token.id,
    label: token.label,
    created_at: isoTime(token.createdAt),
    last_used_at: isoTimeOrNull(token.lastUsedAt),
    expires_at: isoTimeOrNull(token.expiresAt),
  };
}

export function sessionRecord({ transport, beganAt, rooms }: SessionState): AdminSession {
  return { transport, since: isoTime(beganAt), rooms };
}

export function messageRecord(message: FoundMessage, room: string): AdminMessage {
  const { id, username, body, createdAt } = message;
  return { room, id, user: username, body, created_at: isoTime(createdAt) };
}

export function auditEntry({ id, createdAt, actor, via, act, target, details }: AuditRecord): AuditEntry {
  return { id, created_at: isoTime(createdAt), actor, via, act, target, details };
}
