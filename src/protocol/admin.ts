/**
 * The records of the admin API (`/admin/api/…`) as types, shared by the server, which answers with them, the pages,
 * which show them, and the command line's `--json`. Names on the wire are snake_case; times are ISO 8601 in UTC.
 */

/** Who did an administrative act: a superuser on a page, or somebody on the server's command line. */
export type ActVia = 'page' | 'command';

export type RoomRecord = { id: number; name: string; topic: string; created_at: string; updated_at: string };

export type AdminRoom = RoomRecord & {
  /** Users in the room now. */
  members: number;
  /** Messages that the room holds: deleted ones do not count. */
  messages: number;
  last_message_at: string | null;
};
/** `member_names`: sorted. */
export type AdminRoomDetails = AdminRoom & { member_names: string[] };

export type AdminMessage = { room: string; id: number; user: string; body: string; created_at: string };

/** `until` null: for good. */
export type BanRecord = { until: string | null; reason: string };

export type AdminUser = {
  id: number;
  username: string;
  email: string;
  is_superuser: boolean;
  is_active: boolean;
  created_at: string;
  last_login_at: string | null;
  /** Null: not banned, or not any more. */
  ban: BanRecord | null;
  /** Null: may speak. */
  muted_until: string | null;
  /** Whether the user chats now. */
  is_online: boolean;
};

/** `label` null: a log-in's token. */
export type AdminToken = {
  id: number;
  label: string | null;
  created_at: string;
  last_used_at: string | null;
  expires_at: string | null;
};
export type AdminSession = {
  transport: 'websocket' | 'sse' | 'poll' | 'detached';
  /** When the session began. */
  since: string;
  /** Names, sorted. */
  rooms: string[];
};
/** `session` null: does not chat now. `tokens`: newest first. */
export type AdminUserDetails = AdminUser & { session: AdminSession | null; tokens: AdminToken[] };

export type AuditEntry = {
  id: number;
  created_at: string;
  /** The superuser's name, or the operating system's user of the command line. */
  actor: string;
  via: ActVia;
  act: AuditAct;
  /** The name of the room or user that was acted on. */
  target: string;
  /** What else is to be known of the act: texts, numbers and flags, never a secret. Times as everywhere here. */
  details: Record<string, string | number | boolean | null>;
};

/** Every administrative act, as the audit log names it. */
export const auditActs = [
  'room-created',
  'room-renamed',
  'room-topic-changed',
  'room-deleted',
  'message-deleted',
  'user-created',
  'user-activated',
  'user-deactivated',
  'user-promoted',
  'user-demoted',
  'user-password-set',
  'user-kicked',
  'user-muted',
  'user-unmuted',
  'user-banned',
  'user-unbanned',
  'token-created',
  'token-revoked',
] as const;
export type AuditAct = (typeof auditActs)[number];

/** One warning or error of the server's log. */
export type LoggedProblem = { at: string; level: 'warn' | 'error' | 'fatal'; message: string };

export type Now = {
  version: string;
  node_version: string;
  /** The database's kind, and its version where it says so. */
  database: string;
  redis: 'connected' | 'unreachable' | 'not used';
  /** The id of the node that answers, which is new after each start; null: the server is alone. What follows is of this node. */
  node: string | null;
  /** Nodes that live, as far as this one knows. */
  nodes: number;
  started_at: string;
  sessions: { websocket: number; sse: number; poll: number; detached: number };
  /** Rooms with members now. */
  live_rooms: number;
  /** Means of the last minute. */
  messages_per_second: number;
  deliveries_per_second: number;
  /** Bytes. */
  memory: { rss: number; heap_used: number; heap_total: number };
  /** Newest first, at most 50. */
  problems: LoggedProblem[];
};

/** A page of records; `next`: what `after` is for the page that follows, null where none does. */
export type Page<Name extends string, Item> = { [K in Name]: Item[] } & { next: string | null };
