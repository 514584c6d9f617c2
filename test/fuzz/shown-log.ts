/** What the SDK has told of one room: each message once, in order, none left out. What a plain join leaves out is a gap to be read. */
import type { ChatMessage, HistoryEntry, RoomStatus } from '../../src/client/index.ts';
import type { Entry } from './room-log.ts';

export type ShownLog = {
  readonly name: string;
  readonly messages: ReadonlyMap<number, Entry>;
  readonly first: number | undefined;
  /** The newest that was shown. */
  readonly seen: number;
  /** What was missed between two stays in the room, to be read from the history. */
  readonly gap: { before: number } | undefined;
  /** Joined, by the program's own wish. */
  enter(status: RoomStatus): void;
  /** Throws where the message is not the next one. */
  show(message: ChatMessage): void;
  /** A page of the history. */
  read(entries: readonly HistoryEntry[]): void;
};

export function createShownLog(name: string): ShownLog {
  const messages = new Map<number, Entry>();
  let first: number | undefined;
  let seen = 0;
  const put = (entries: readonly HistoryEntry[]): void => {
    for (const { id, user, body } of entries) if (id >= (first ?? 0)) messages.set(id, { user, body });
  };
  return {
    name,
    messages,
    get first() {
      return first;
    },
    get seen() {
      return seen;
    },
    get gap() {
      let id = first ?? seen + 1;
      while (messages.has(id)) id += 1;
      if (id > seen) return undefined;
      while (!messages.has(id) && id <= seen) id += 1;
      return { before: id };
    },
    enter(status) {
      first ??= status.messages.at(-1)?.id ?? status.last_id + 1;
      put(status.messages);
      seen = status.last_id;
    },
    show({ id, user, body }) {
      if (first !== undefined && id !== seen + 1) throw new Error(`${name}: message ${id} is shown after ${seen}`);
      seen = id;
      messages.set(id, { user, body });
    },
    read: put,
  };
}
