/**
 * Messages under fire: a message log on a real store, writers that resend what was not settled, and the promises that
 * must hold afterwards, whatever failed meanwhile.
 */
import type { ExecutionContext } from 'ava';
import { randomText, systemClock } from '../../src/core/clock.ts';
import { createMessageLog, type LogOutcome, type MessageLog } from '../../src/core/message-log.ts';
import type { MessageStore, Storage, StoredMessage } from '../../src/core/ports.ts';
import { StoreError, type StoreErrorKind } from '../../src/core/ports.ts';

export type Sent = { roomId: number; userId: number; body: string; ref: string; outcome: LogOutcome };

export type Load = {
  readonly log: MessageLog;
  readonly roomIds: readonly number[];
  readonly userIds: readonly number[];
  /** Every settled append, in the order in which they were settled. */
  readonly sent: Sent[];
  readonly abandonedRooms: Set<number>;
  /** How often the store failed in which way: a test of a fault must have met it. */
  readonly failures: Partial<Record<StoreErrorKind | 'other', number>>;
  /** Appends one message and resolves its outcome. */
  send(message: { roomId?: number; userId?: number; ref?: string; body?: string }): Promise<LogOutcome>;
  /** Sends `count` messages over all rooms and users, `atOnce` under way together. */
  sendMany(count: number, atOnce: number): Promise<void>;
};

/** Rooms and users to send in and as. */
export async function createPlace(
  storage: Storage,
  size: { rooms: number; users: number },
): Promise<{ roomIds: number[]; userIds: number[] }> {
  const createdAt = systemClock.now();
  const roomIds: number[] = [];
  for (let n = 0; n < size.rooms; n++) {
    roomIds.push((await storage.rooms.create({ name: `room-${n}`, topic: '', createdAt })).id);
  }
  const userIds: number[] = [];
  for (let n = 0; n < size.users; n++) {
    const user = { username: `user-${n}`, email: '', passwordHash: 'none', isSuperuser: false, createdAt };
    userIds.push((await storage.users.create(user)).id);
  }
  return { roomIds, userIds };
}

/**
 * `name` keeps the messages of several loads apart. `hurry`: the log's clock runs so many times as fast, so that its
 * deadline of ten seconds passes sooner.
 */
export function openLoad(
  t: ExecutionContext,
  storage: Storage,
  place: { roomIds: number[]; userIds: number[] },
  options: { name?: string; hurry?: number } = {},
): Load {
  const { roomIds, userIds } = place;
  const { name = 'load', hurry = 1 } = options;
  const start = systemClock.now();
  const abandonedRooms = new Set<number>();
  const failures: Load['failures'] = {};
  const store: Pick<MessageStore, 'append'> = {
    async append(batch, node) {
      try {
        return await storage.messages.append(batch, node);
      } catch (error) {
        const kind = error instanceof StoreError ? error.kind : 'other';
        failures[kind] = (failures[kind] ?? 0) + 1;
        throw error;
      }
    },
  };
  const log = createMessageLog({
    store,
    clock: { ...systemClock, now: () => start + (systemClock.now() - start) * hurry },
    random: randomText,
    onAbandoned: (rooms) => {
      for (const roomId of rooms) abandonedRooms.add(roomId);
    },
  });
  t.teardown(() => log.close());
  const sent: Sent[] = [];
  let made = 0;

  const send: Load['send'] = (given) => {
    const number = made++;
    const message = {
      roomId: given.roomId ?? roomIds[number % roomIds.length] ?? 0,
      userId: given.userId ?? userIds[number % userIds.length] ?? 0,
      body: given.body ?? `${name} ${number}`,
      ref: given.ref ?? `${name}-${number}`,
    };
    return new Promise((resolve) => {
      log.append(message, (outcome) => {
        sent.push({ ...message, outcome });
        resolve(outcome);
      });
    });
  };

  async function sendMany(count: number, atOnce: number): Promise<void> {
    let left = count;
    const writer = async (): Promise<void> => {
      while (left-- > 0) await send({});
    };
    await Promise.all(Array.from({ length: atOnce }, writer));
  }

  return { log, roomIds, userIds, sent, abandonedRooms, failures, send, sendMany };
}

/**
 * Asserts what is promised, of all loads on these rooms together: each `stored` is in SQL under its id, once, and each
 * log answered in the order of the ids; ids are dense; nothing is stored twice; and what is stored without having been
 * answered `stored` was reported as abandoned.
 */
export async function assertPromises(
  t: ExecutionContext,
  storage: Storage,
  loads: readonly Load[],
  roomIds: readonly number[] = loads[0]?.roomIds ?? [],
): Promise<void> {
  for (const roomId of roomIds) {
    const rows = await readAll(storage, roomId);
    t.deepEqual(
      rows.map((row) => row.id),
      rows.map((_, index) => index + 1),
      'ids are dense',
    );
    const lastIds = await storage.messages.lastIds([roomId]);
    t.is(lastIds.get(roomId), rows.length, 'last_id is the newest message’s');
    t.is(new Set(rows.map((row) => `${row.userId} ${row.body}`)).size, rows.length, 'nothing is stored twice');
    const shown = loads.flatMap((load) => assertShown(t, load, roomId, rows));
    t.is(new Set(shown).size, shown.length, 'no id is shown twice');
    if (shown.length < rows.length) {
      t.true(
        loads.some((load) => load.abandonedRooms.has(roomId)),
        'stored but not shown: the room is reported',
      );
    }
  }
}

/** The ids that a load was answered as stored in a room. */
function assertShown(t: ExecutionContext, load: Load, roomId: number, rows: readonly StoredMessage[]): number[] {
  const shown: number[] = [];
  for (const { roomId: to, body, userId, outcome } of load.sent) {
    if (to !== roomId || outcome.status !== 'stored') continue;
    t.true(outcome.id > (shown.at(-1) ?? 0), 'answered in the order of the ids');
    shown.push(outcome.id);
    const row = rows[outcome.id - 1];
    t.deepEqual([row?.body, row?.userId, row?.createdAt], [body, userId, outcome.createdAt]);
  }
  return shown;
}

async function readAll(storage: Storage, roomId: number): Promise<StoredMessage[]> {
  const all: StoredMessage[] = [];
  for (;;) {
    const next = await storage.messages.range(roomId, (all.at(-1)?.id ?? 0) + 1, Number.MAX_SAFE_INTEGER, 1000);
    if (next.length === 0) return all;
    all.push(...next);
  }
}

/** How often each outcome came. */
export function tally(load: Load): Record<LogOutcome['status'], number> {
  const counts = { stored: 0, repeat: 0, 'ref-reused': 0, 'room-gone': 0, unavailable: 0 };
  for (const { outcome } of load.sent) counts[outcome.status]++;
  return counts;
}
