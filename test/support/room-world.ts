/** One live room over a store whose reads a test can hold back, and sessions that only keep what they are told. */
import { systemClock } from '../../src/core/clock.ts';
import type { CommandContext } from '../../src/core/commands.ts';
import { createCounters } from '../../src/core/counters.ts';
import { Hub } from '../../src/core/hub.ts';
import type { LiveRoom, Receiver } from '../../src/core/live-room.ts';
import type { LogOutcome, MessageLog } from '../../src/core/message-log.ts';
import { Mutes } from '../../src/core/mutes.ts';
import type { MessageStore, StoredMessage } from '../../src/core/ports.ts';
import { RoomDirectory } from '../../src/core/rooms.ts';
import type { Session } from '../../src/core/session.ts';
import { SessionRooms } from '../../src/core/session-rooms.ts';
import type { EncodedFrame } from '../../src/core/transport.ts';
import { createTurn } from '../../src/core/turn.ts';

/** By user 1. */
export function message(id: number): StoredMessage {
  return { id, userId: 1, username: 'user-1', body: `m${id}`, createdAt: 0 };
}

export type RoomStore = {
  /** Whether a read waits for `answer`. It has read what was there when it was asked. */
  isHeld: boolean;
  /** Reads that wait. */
  readonly waiting: number;
  /** Answers the read at `index`, or all that wait. */
  answer(index?: number): void;
  add(id: number): void;
  remove(id: number): void;
};

function openStore(log: StoredMessage[]): { store: RoomStore; messages: MessageStore } {
  let lastId = log.at(-1)?.id ?? 0;
  const waiting: (() => void)[] = [];
  const store: RoomStore = {
    isHeld: false,
    get waiting() {
      return waiting.length;
    },
    answer(index) {
      for (const go of index === undefined ? waiting.splice(0) : waiting.splice(index, 1)) go();
    },
    add(id: number) {
      log.push(message(id));
      lastId = Math.max(lastId, id);
    },
    remove(id: number) {
      log.splice(0, log.length, ...log.filter((one) => one.id !== id));
    },
  };
  async function read<Value>(value: Value): Promise<Value> {
    if (store.isHeld) await new Promise<void>((resolve) => waiting.push(resolve));
    return value;
  }
  const messages: Partial<MessageStore> = {
    snapshot: (_id, limit) => read({ lastId, messages: log.slice(-limit).toReversed() }),
    range: (_id, from, to, limit) => read(log.filter(({ id }) => id >= from && id <= to).slice(0, limit)),
    lastIds: (ids) => read(new Map(ids.map((id) => [id, lastId]))),
    page: (_id, { before = Number.POSITIVE_INFINITY, after = 0, limit }) => {
      const within = log.filter(({ id }) => id < before && id > after);
      return read({ messages: within.slice(-limit).toReversed(), more: within.length > limit });
    },
  };
  return { store, messages: messages as MessageStore };
}

export type RoomWorld = {
  store: RoomStore;
  hub: Hub;
  context: CommandContext;
  /** What the message log was asked for and has not answered. */
  outcomes: ((outcome: LogOutcome) => void)[];
};

/** A chat whose one room, `friends`, has the id 1 and the messages `log`. */
export function openRoomWorld(log: StoredMessage[]): RoomWorld {
  const { store, messages } = openStore(log);
  const directory = new RoomDirectory(() => Promise.resolve());
  directory.reset([{ id: 1, name: 'friends', topic: '', epoch: 'e' }]);
  const turn = createTurn(systemClock);
  const hub = new Hub({ clock: systemClock, turn, store: messages, directory, onDelivered() {} });
  const outcomes: ((outcome: LogOutcome) => void)[] = [];
  const context = {
    clock: systemClock,
    turn,
    hub,
    directory,
    messages,
    messageLog: { append: (_entry, done) => void outcomes.push(done) } as Partial<MessageLog> as MessageLog,
    mutes: new Mutes(systemClock),
    log: { error() {} },
    counters: createCounters(),
    bodyLength: 100,
  } as CommandContext;
  return { store, hub, context, outcomes };
}

export type Shown = {
  type?: string;
  you?: boolean;
  code: string;
  id?: number;
  user?: string;
  body?: string;
  command?: string;
  payload?: string;
  status?: { users: { name: string }[]; messages: { id: number }[]; last_id: number; truncated?: true };
  messages?: { id: number }[];
  ref?: string;
  repeat?: true;
};

export type Member = {
  session: Session & Receiver;
  frames: Shown[];
  /** Each frame as its code and its message's id. */
  shown: () => string[];
};

/** A session that keeps what it is told. `frames`: those of the same session on another node, which go on. */
export function openMember(
  id: number,
  { key = `session-${id}`, claim = 1, frames = [] }: { key?: string; claim?: number; frames?: Shown[] } = {},
): Member {
  const rooms = new SessionRooms();
  const session = {
    userId: id,
    username: `user-${id}`,
    key,
    claim,
    rooms,
    isHeard: true,
    commandRefs: new Set<string>(),
    push: (pushed: readonly EncodedFrame[]) =>
      frames.push(...pushed.map((frame) => JSON.parse(frame.bytes.toString()) as Shown)),
    beginAppend: () => () => {},
    flush() {},
    onDisbanded: (room: LiveRoom) => rooms.exit(room),
    pushDirect(frame: EncodedFrame) {
      for (const room of rooms.all()) room.flush();
      frames.push(JSON.parse(frame.bytes.toString()) as Shown);
    },
    answer(frame: Shown) {
      for (const room of rooms.all()) room.flush();
      frames.push(frame);
    },
    answerError: (code: string) => frames.push({ code }),
    refuseMessage: (code: string) => frames.push({ code }),
  };
  const shown = (): string[] =>
    frames.map(({ code, id: messageId, repeat }) =>
      [code, messageId, repeat && 'repeat'].filter((part) => part !== undefined).join(' '),
    );
  return { session: session as unknown as Session & Receiver, shown, frames };
}
