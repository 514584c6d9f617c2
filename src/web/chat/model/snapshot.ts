/**
 * What a page leaves in the tab's storage for the one after a reload: the place in the session, and what was shown at
 * that instant, so that the two fit. Used once: a tab that is duplicated later must not go on from it.
 */
import type { ExportedSession } from '../../../client/index.ts';
import { type Store, snapshotKey } from '../../common/storage.ts';
import type { LogEntry, Place } from './model.ts';
import type { DirectoryEntry } from './room-list.ts';
import type { SavedTimeline } from './timeline.ts';

export type SavedRoom = {
  name: string;
  epoch: string;
  seen: number;
  lastRead: number;
  draft: string;
  unread: number;
  isMentioned: boolean;
  newFrom: string | undefined;
  users: readonly { name: string; you: boolean }[];
  timeline: SavedTimeline;
};

export type Snapshot = {
  /** Of this form. Another one is not read. */
  version: 1;
  at: number;
  token: string;
  username: string;
  isSuperuser: boolean;
  session: ExportedSession;
  place: Place;
  directory: readonly DirectoryEntry[];
  log: readonly LogEntry[];
  rooms: readonly SavedRoom[];
};

/** Milliseconds after which it is better to join anew than to be told of all that was missed (a tab that a browser restored). */
const maxAgeMs = 3_600_000;
/** Items of each room that are taken along: all if they fit, then fewer; what is left out is in the history. */
const itemCounts = [200, 50, 10] as const;

/** `make`: with at most so many items of each room. */
export function writeSnapshot(store: Store, make: (items: number) => Snapshot): void {
  for (const count of itemCounts) {
    if (store.write(snapshotKey, make(count))) return;
  }
  store.write(snapshotKey, undefined);
}

/** What was left for this token, which nobody gets a second time. */
export function takeSnapshot(store: Store, token: string, now: number): Snapshot | undefined {
  const snapshot = store.read(snapshotKey) as Partial<Snapshot> | null | undefined;
  store.write(snapshotKey, undefined);
  const isMine = snapshot?.version === 1 && snapshot.token === token;
  return isMine && now - (snapshot.at ?? 0) <= maxAgeMs ? (snapshot as Snapshot) : undefined;
}

export function dropSnapshot(store: Store): void {
  store.write(snapshotKey, undefined);
}
