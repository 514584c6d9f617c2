/** What the HTTP side needs from the rest of the server. The composition root hands it over; routes take it as an argument. */
import type { Logger } from 'pino';
import type { Accounts, Principal } from '../core/accounts.ts';
import type { Administration } from '../core/administration.ts';
import type { Attempts } from '../core/attempts.ts';
import type { SessionState } from '../core/elsewhere.ts';
import type { FairQueue } from '../core/fair-queue.ts';
import type { Clock, MessageStore, Storage } from '../core/ports.ts';
import type { Now } from '../protocol/admin.ts';
import type { PollDoor } from '../transports/poll.ts';
import type { SseDoor } from '../transports/sse.ts';
import type { Upstream } from '../transports/upstream.ts';
import type { CorsOrigins } from './cors.ts';
import type { StandingHeaders } from './standing-headers.ts';

/** The rooms as the server knows them. */
export interface RoomDirectory {
  /** All rooms. */
  list(): readonly { readonly id: number; readonly name: string; readonly topic: string }[];
  /** All rooms, with what another process has just changed. Rejects with a `StoreError` when the store cannot be asked. */
  current(): Promise<readonly { readonly id: number; readonly name: string; readonly topic: string }[]>;
  /** By name, matched exactly. Rejects with a `StoreError` when the store had to be asked and could not. */
  find(name: string): Promise<{ readonly id: number; readonly name: string; readonly topic: string } | undefined>;
}

export type Readiness =
  /** `degraded`: what is lost without stopping the service, one sentence each. */
  | { ready: true; degraded?: readonly string[] }
  /** `reason`: a sentence. Migrating, draining, or without its database. */
  | { ready: false; reason: string };

export type RequestMetrics = {
  /** `route`: the route's pattern, or `unmatched`: never a path, which anybody can make up. */
  observe(request: { method: string; route: string; status: number; seconds: number | undefined }): void;
};

export type HttpSettings = {
  version: string;
  /** The folder with the built pages. */
  webFolder: string;
  registrationOpen: boolean;
  /** As the setting TRUST_PROXY: hops, or addresses and networks. */
  trustProxy: number | readonly string[] | undefined;
  /** As the setting CORS_ORIGINS. */
  corsOrigins?: CorsOrigins | undefined;
  /** Bytes of message bodies in one page at most. */
  historyBytes: number;
};

/** What the administration API stands on, beside what the others do. */
export type AdminDependencies = {
  acts: Administration;
  storage: Pick<Storage, 'users' | 'tokens' | 'rooms' | 'messages' | 'audit'>;
  /** Who is in a room now, sorted. */
  memberNames(roomId: number): Promise<string[]>;
  /** How a user chats now; undefined: does not; `unknown`: does, but nobody says how. Rejects with a `StoreError`. */
  sessionOf(userId: number): Promise<SessionState | 'unknown' | undefined>;
  /** Those of these users who chat now. Rejects with a `StoreError`. */
  online(userIds: readonly number[]): Promise<ReadonlySet<number>>;
  /** Lets what was just changed take effect on this server. Rejects with a `StoreError`. */
  readChanges(): Promise<void>;
  /** Begins to delete the messages of deleted rooms, unless that is under way. */
  purgeRooms(): void;
  clock: Pick<Clock, 'now'>;
};

export type HttpDependencies = {
  accounts: Accounts;
  attempts: Attempts;
  rooms: RoomDirectory;
  messages: Pick<MessageStore, 'page'>;
  /** How many users are in a room now. */
  presence: { count(roomId: number): number };
  /** Rejecting counts as not ready. */
  readiness: () => Promise<Readiness>;
  /** What the server does at this moment, for administrators. */
  now: () => Now;
  /** The chat over HTTP alone. */
  chat: { sse: SseDoor; poll: PollDoor; upstream: Upstream };
  admin: AdminDependencies;
  /** Ends the chat session that was opened with this token. The token is revoked already. */
  onLogout: (principal: Principal) => void;
  log: Logger;
  metrics?: RequestMetrics;
  settings: HttpSettings;
};

/** What routes take: the dependencies, and what the server makes of them. */
export type RouteTools = HttpDependencies & {
  /** The address or network under which a request's attempts are counted. */
  attemptAddress(request: import('node:http').IncomingMessage): string;
  /** Takes turns among users in what keeps the database busy. */
  reads: FairQueue;
  standing: StandingHeaders;
};
