/** The list of all rooms, as the server has it: asked for on demand and now and then, and what changed in it, told. */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Texts } from '../../texts/texts.ts';
import type { Log } from './log.ts';

export type DirectoryEntry = { name: string; topic: string; users: number };

export type RoomListDeps = {
  /** `GET /rooms` of the user who chats. */
  read: () => Promise<unknown>;
  log: Log;
  texts: Texts['chat']['model'];
};

export type RoomList = {
  readonly entries: Signal<readonly DirectoryEntry[]>;
  readonly isRefreshing: ReadonlySignal<boolean>;
  /** `wanted`: somebody asked for it, so the log says that it was done. Rejects where the server does not answer. */
  refresh(wanted: boolean): Promise<void>;
  reset(entries?: readonly DirectoryEntry[]): void;
};

export function createRoomList({ read, log, texts }: RoomListDeps): RoomList {
  const entries = signal<readonly DirectoryEntry[]>([]);
  const isRefreshing = signal(false);
  let isKnown = false;
  let running: Promise<void> | undefined;
  /** Whether somebody waits for what is running. */
  let isWanted = false;
  /** Counts users, so that an answer for one that has gone is not taken. */
  let era = 0;

  const tellChanges = (before: readonly DirectoryEntry[], after: readonly DirectoryEntry[]): void => {
    const old = new Map(before.map((room) => [room.name, room]));
    for (const { name, topic } of after) {
      const known = old.get(name);
      if (known === undefined) log.add('rooms', texts.roomAppeared(name));
      else if (known.topic !== topic) log.add('rooms', texts.topicChanged(name, topic));
      old.delete(name);
    }
    for (const name of old.keys()) log.add('rooms', texts.roomGone(name));
  };
  const take = (rooms: readonly DirectoryEntry[]): void => {
    if (isKnown) tellChanges(entries.peek(), rooms);
    if (isWanted || !isKnown) log.add('rooms', texts.roomsRead(rooms.length));
    isKnown = true;
    entries.value = rooms;
  };
  const run = async (): Promise<void> => {
    const mine = era;
    isRefreshing.value = true;
    try {
      const answer = await read();
      if (mine === era) batch(() => take(roomsOf(answer)));
    } finally {
      if (mine === era) {
        running = undefined;
        isWanted = false;
        isRefreshing.value = false;
      }
    }
  };
  return {
    entries,
    isRefreshing,
    refresh(wanted) {
      isWanted ||= wanted;
      running ??= run();
      return running;
    },
    reset(known) {
      era += 1;
      running = undefined;
      isWanted = false;
      isRefreshing.value = false;
      isKnown = known !== undefined;
      entries.value = known ?? [];
    },
  };
}

function roomsOf(answer: unknown): DirectoryEntry[] {
  if (!Array.isArray(answer)) return [];
  return answer.flatMap((entry: unknown) => {
    const { name, topic, users } = (
      typeof entry === 'object' && entry !== null ? entry : {}
    ) as Partial<DirectoryEntry>;
    return typeof name === 'string' ? [{ name, topic: topic ?? '', users: users ?? 0 }] : [];
  });
}
