/** The contract of MessageStore, on both databases. */
import { statSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { AppendOutcome, NewMessage, Storage } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';
import { sqliteFile } from '../../src/storage/sqlite.ts';
import { eachDatabase, postgresTest, sqliteTest, withClient } from '../support/databases.ts';
import { patienceMs, until } from '../support/services.ts';

let lastRef = 0;
const message = (roomId: number, userId: number, rest: Partial<NewMessage> = {}): NewMessage => {
  lastRef += 1;
  return { roomId, userId, body: `body ${lastRef}`, ref: `ref ${lastRef}`, createdAt: 1000 + lastRef, ...rest };
};

async function furnish(storage: Storage): Promise<{ room: number; other: number; ann: number; bob: number }> {
  const user = (username: string) =>
    storage.users.create({ username, email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 });
  const room = await storage.rooms.create({ name: 'friends', topic: '', createdAt: 1 });
  const other = await storage.rooms.create({ name: 'family', topic: '', createdAt: 1 });
  return { room: room.id, other: other.id, ann: (await user('ann')).id, bob: (await user('bob')).id };
}

const nobody = { email: '', passwordHash: 'x', isSuperuser: false } as const;

/** Every id from 1 to `last_id` is there once. */
async function assertDense(t: ExecutionContext, storage: Storage, room: number, count: number): Promise<void> {
  const rows = await storage.messages.range(room, 1, Number.MAX_SAFE_INTEGER, count + 1);
  t.deepEqual(
    rows.map(({ id }) => id),
    Array.from({ length: count }, (_, index) => index + 1),
  );
  t.is((await storage.messages.lastIds([room])).get(room), count);
}

eachDatabase(test, 'a batch gets the next ids of each room in its order', async (t, db) => {
  const storage = await db.open();
  const { room, other, ann, bob } = await furnish(storage);
  t.deepEqual(await storage.messages.append([message(room, ann), message(other, bob), message(room, bob)]), [
    { status: 'stored', id: 1 },
    { status: 'stored', id: 1 },
    { status: 'stored', id: 2 },
  ]);
  t.deepEqual(await storage.messages.append([message(room, bob)]), [{ status: 'stored', id: 3 }]);
  await assertDense(t, storage, room, 3);
  await assertDense(t, storage, other, 1);
});

eachDatabase(test, 'an empty batch stores nothing', async (t, db) => {
  const storage = await db.open();
  t.deepEqual(await storage.messages.append([]), []);
});

eachDatabase(test, 'the same ref is stored once, in one batch and in the next', async (t, db) => {
  const storage = await db.open();
  const { room, other, ann, bob } = await furnish(storage);
  const first = message(room, ann);
  const resent = { ...first, createdAt: 9999 };
  const changed = { ...first, body: 'something else' };
  t.deepEqual(
    await storage.messages.append([
      first,
      resent,
      changed,
      message(room, bob, { ref: first.ref }),
      message(other, ann, { ref: first.ref }),
    ]),
    [
      { status: 'stored', id: 1 },
      { status: 'repeat', id: 1, createdAt: first.createdAt },
      { status: 'ref-reused' },
      { status: 'stored', id: 2 },
      { status: 'stored', id: 1 },
    ],
  );
  t.deepEqual(await storage.messages.append([changed, resent, message(room, ann), changed]), [
    { status: 'ref-reused' },
    { status: 'repeat', id: 1, createdAt: first.createdAt },
    { status: 'stored', id: 3 },
    { status: 'ref-reused' },
  ]);
  await assertDense(t, storage, room, 3);
});

eachDatabase(test, 'a deleted message leaves its id and its ref behind, and is in no reading', async (t, db) => {
  const storage = await db.open();
  const { room, other, ann } = await furnish(storage);
  const [first, second, third] = [message(room, ann), message(room, ann), message(room, ann)];
  await storage.messages.append([first, second, third]);
  t.true(await storage.messages.delete(room, 2));
  for (const [roomId, id] of [
    [room, 2],
    [room, 4],
    [other, 1],
  ] as const) {
    t.false(await storage.messages.delete(roomId, id), `${roomId} ${id}`);
  }
  // Whatever it is sent with: what it said is not known any more.
  const resent = [second, { ...second, body: 'something else' }];
  const repeat = { status: 'repeat', id: 2, createdAt: second.createdAt, isDeleted: true };
  t.deepEqual(await storage.messages.append([...resent, third]), [
    repeat,
    repeat,
    { status: 'repeat', id: 3, createdAt: third.createdAt },
  ]);
  const ids = (messages: readonly { id: number }[]): number[] => messages.map(({ id }) => id);
  t.deepEqual(ids(await storage.messages.range(room, 1, 3, 10)), [1, 3]);
  const page = await storage.messages.page(room, { limit: 2, maxBytes: 1000 });
  t.deepEqual([ids(page.messages), page.more], [[3, 1], false]);
  const snapshot = await storage.messages.snapshot(room, 10);
  t.deepEqual([snapshot?.lastId, ids(snapshot?.messages ?? [])], [3, [3, 1]]);
  t.true(await storage.messages.delete(room, 3));
  t.deepEqual(await storage.messages.append([message(room, ann)]), [{ status: 'stored', id: 4 }]);
});

eachDatabase(
  test,
  'of many who delete a message at once one does it, while others store, and no id is lost',
  async (t, db) => {
    const storages = await Promise.all([db.open(), db.open(), db.open()]);
    const [storage] = storages;
    const { room, ann, bob } = await furnish(storage);
    const count = 20;
    await storage.messages.append(Array.from({ length: count }, () => message(room, ann)));
    const deletions = storages.map(async ({ messages }, index) => {
      let deleted = 0;
      for (let place = 0; place < count; place += 1) {
        // Half of them from the other end.
        if (await messages.delete(room, index % 2 === 0 ? place + 1 : count - place)) deleted += 1;
      }
      return deleted;
    });
    const appends = storages.map(async ({ messages }) => {
      for (let round = 0; round < 10; round += 1) await messages.append([message(room, bob)]);
    });
    const deleted = await Promise.all(deletions);
    await Promise.all(appends);
    t.is(
      deleted.reduce((sum, each) => sum + each, 0),
      count,
    );
    const left = await storage.messages.range(room, 1, 1000, 1000);
    t.deepEqual(
      left.map(({ id }) => id),
      Array.from({ length: 30 }, (_, index) => count + 1 + index),
    );
    const announced = (await storage.changes.readAfter(0, 1000)).changes.flatMap(({ change }) =>
      change.kind === 'message-deleted' ? [change.message.id] : [],
    );
    t.deepEqual(
      announced.toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, index) => index + 1),
    );
    t.is((await storage.rooms.activity([room])).get(room)?.messages, 30);
  },
);

eachDatabase(test, 'a message to a room that is gone does not hold up the others', async (t, db) => {
  const storage = await db.open();
  const { room, other, ann } = await furnish(storage);
  await storage.rooms.delete(other);
  t.deepEqual(await storage.messages.append([message(other, ann), message(room, ann), message(other, ann)]), [
    { status: 'room-gone' },
    { status: 'stored', id: 1 },
    { status: 'room-gone' },
  ]);
});

eachDatabase(test, 'a batch with a message that cannot be stored is rejected whole', async (t, db) => {
  const storage = await db.open();
  const { room, ann } = await furnish(storage);
  const unknownUser = 4711;
  const error = await t.throwsAsync(storage.messages.append([message(room, ann), message(room, unknownUser)]), {
    instanceOf: StoreError,
  });
  t.is(error.kind, 'rejected');
  t.is((await storage.messages.snapshot(room, 50))?.lastId, 0);
  t.deepEqual(await storage.messages.append([message(room, ann)]), [{ status: 'stored', id: 1 }]);
});

eachDatabase(test, 'many writers on one pair of rooms get dense ids and no deadlock', async (t, db) => {
  const storages = await Promise.all([db.open(), db.open(), db.open()]);
  const [storage] = storages;
  const { room, other, ann, bob } = await furnish(storage);
  const rounds = 10;
  const writers = storages.flatMap((each) =>
    [0, 1, 2].map(async (writer) => {
      const outcomes: AppendOutcome[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const both = [message(room, ann), message(other, bob), message(room, bob), message(other, ann)];
        // Half of the writers name the rooms the other way round.
        outcomes.push(...(await each.messages.append(writer % 2 === 0 ? both : both.toReversed())));
      }
      return outcomes;
    }),
  );
  const outcomes = (await Promise.all(writers)).flat();
  t.true(outcomes.every(({ status }) => status === 'stored'));
  await assertDense(t, storage, room, 9 * rounds * 2);
  await assertDense(t, storage, other, 9 * rounds * 2);
});

eachDatabase(test, 'refs raced by several processes are stored once, and all learn the same id', async (t, db) => {
  const storages = await Promise.all([db.open(), db.open(), db.open(), db.open()]);
  const [storage] = storages;
  const { room, other, ann, bob } = await furnish(storage);
  const rounds = 25;
  for (let round = 0; round < rounds; round += 1) {
    const batch = [message(room, ann), message(other, bob), message(room, bob)];
    const answers = await Promise.all(
      storages.map((each, index) => each.messages.append(index % 2 === 0 ? batch : batch.toReversed())),
    );
    for (const [place] of batch.entries()) {
      const outcomes = answers.map((answer, index) => answer[index % 2 === 0 ? place : batch.length - 1 - place]);
      const ids = outcomes.map((outcome) => (outcome && 'id' in outcome ? outcome.id : undefined));
      t.is(new Set(ids).size, 1);
      t.is(outcomes.filter((outcome) => outcome?.status === 'stored').length, 1);
      t.is(outcomes.filter((outcome) => outcome?.status === 'repeat').length, storages.length - 1);
    }
  }
  await assertDense(t, storage, room, rounds * 2);
  await assertDense(t, storage, other, rounds);
});

eachDatabase(test, 'a reader that sees an id sees every smaller one', async (t, db) => {
  const storages = await Promise.all([db.open(), db.open(), db.open()]);
  const [reader] = storages;
  const { room, ann } = await furnish(reader);
  const done = new AbortController();
  const writers = storages.map(async (each) => {
    for (let round = 0; round < 30; round += 1) await each.messages.append([message(room, ann), message(room, ann)]);
  });
  const readers = [0, 1].map(async () => {
    let seen = 0;
    while (!done.signal.aborted) {
      const rows = await reader.messages.range(room, 1, Number.MAX_SAFE_INTEGER, 1000);
      t.deepEqual(
        rows.map(({ id }) => id),
        rows.map((_, index) => index + 1),
      );
      t.true(rows.length >= seen);
      seen = rows.length;
    }
  });
  await Promise.all(writers);
  done.abort();
  await Promise.all(readers);
  await assertDense(t, reader, room, 180);
});

eachDatabase(test, 'a room deleted under fire stores a dense beginning and then nothing', async (t, db) => {
  const storages = await Promise.all([db.open(), db.open()]);
  const [storage] = storages;
  const { room, other, ann } = await furnish(storage);
  const writers = storages.map(async (each) => {
    const outcomes: AppendOutcome[] = [];
    do outcomes.push(...(await each.messages.append([message(room, ann), message(other, ann)])));
    while (outcomes.every(({ status }) => status === 'stored'));
    return outcomes;
  });
  t.true(await storage.rooms.delete(room));
  const outcomes = (await Promise.all(writers)).flat();
  t.is(outcomes.filter(({ status }) => status === 'room-gone').length, storages.length);
  t.is(await storage.messages.snapshot(room, 50), undefined);
  t.deepEqual(await storage.messages.append([message(room, ann)]), [{ status: 'room-gone' }]);
  const left = await storage.messages.range(room, 1, Number.MAX_SAFE_INTEGER, 100_000);
  t.deepEqual(
    left.map(({ id }) => id),
    left.map((_, index) => index + 1),
  );
  t.is(await storage.rooms.purge(), left.length);
  await assertDense(t, storage, other, outcomes.length / 2);
});

eachDatabase(test, 'a snapshot has the newest messages, newest first, and the last id', async (t, db) => {
  const storage = await db.open();
  const { room, other, ann, bob } = await furnish(storage);
  t.deepEqual(await storage.messages.snapshot(room, 2), { lastId: 0, messages: [] });
  await storage.messages.append([
    message(room, ann, { body: 'one' }),
    message(room, bob, { body: 'two', createdAt: 77 }),
    message(room, ann, { body: 'thrée 🌍', createdAt: 88 }),
    message(other, ann),
  ]);
  t.deepEqual(await storage.messages.snapshot(room, 2), {
    lastId: 3,
    messages: [
      { id: 3, userId: ann, username: 'ann', body: 'thrée 🌍', createdAt: 88 },
      { id: 2, userId: bob, username: 'bob', body: 'two', createdAt: 77 },
    ],
  });
  t.is(await storage.messages.snapshot(4711, 2), undefined);
});

eachDatabase(test, 'a page keeps to its bounds, its limit and its bytes', async (t, db) => {
  const storage = await db.open();
  const { room, ann } = await furnish(storage);
  // Four bytes each in UTF-8, two characters.
  await storage.messages.append(Array.from({ length: 10 }, () => message(room, ann, { body: '🌍' })));
  const page = async (options: { before?: number; after?: number; limit?: number; maxBytes?: number }) => {
    const { messages, more } = await storage.messages.page(room, { limit: 100, maxBytes: 1000, ...options });
    return { ids: messages.map(({ id }) => id), more };
  };
  t.deepEqual(await page({}), { ids: [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], more: false });
  t.deepEqual(await page({ limit: 3 }), { ids: [10, 9, 8], more: true });
  t.deepEqual(await page({ before: 4, limit: 2 }), { ids: [3, 2], more: true });
  t.deepEqual(await page({ before: 3, limit: 2 }), { ids: [2, 1], more: false });
  t.deepEqual(await page({ before: 1 }), { ids: [], more: false });
  t.deepEqual(await page({ after: 8 }), { ids: [10, 9], more: false });
  t.deepEqual(await page({ after: 2, limit: 3 }), { ids: [10, 9, 8], more: true });
  t.deepEqual(await page({ after: 2, before: 6, limit: 3 }), { ids: [5, 4, 3], more: false });
  t.deepEqual(await page({ after: 10 }), { ids: [], more: false });
  t.deepEqual(await page({ maxBytes: 12 }), { ids: [10, 9, 8], more: true });
  t.deepEqual(await page({ maxBytes: 11 }), { ids: [10, 9], more: true });
  t.deepEqual(await page({ maxBytes: 1 }), { ids: [10], more: true });
  t.deepEqual(await page({ before: 3, maxBytes: 8 }), { ids: [2, 1], more: false });
});

eachDatabase(test, 'a range is ascending and bounded; last ids leave out rooms that do not exist', async (t, db) => {
  const storage = await db.open();
  const { room, other, ann } = await furnish(storage);
  await storage.messages.append(Array.from({ length: 5 }, () => message(room, ann)));
  const ids = async (from: number, to: number, limit: number) =>
    (await storage.messages.range(room, from, to, limit)).map(({ id }) => id);
  t.deepEqual(await ids(2, 4, 10), [2, 3, 4]);
  t.deepEqual(await ids(2, 9, 2), [2, 3]);
  t.deepEqual(await ids(6, 9, 2), []);
  const lastIds = await storage.messages.lastIds([other, 4711, room]);
  t.deepEqual(
    [room, other, 4711].map((id) => lastIds.get(id)),
    [5, 0, undefined],
  );
  t.is(lastIds.size, 2);
  t.deepEqual(await storage.messages.lastIds([]), new Map());
});

postgresTest(test, 'messages are stored without reading those before, also in a new database', async (t, db) => {
  const storage = await db.open({ pool: 1 });
  const { room, ann } = await furnish(storage);
  // A plan that is made now, with a handful of rows in one page, is kept until the next statistics.
  for (let n = 0; n < 10; n += 1) await storage.messages.append([message(room, ann)]);
  for (let n = 0; n < 10; n += 1) {
    await storage.messages.append(Array.from({ length: 100 }, () => message(room, ann)));
  }
  // A connection that ends reports what it has done.
  await storage.close();
  const counted = await withClient(db.url, async (client) => {
    let row = { inserted: 0, read: 0 };
    await until(patienceMs, async () => {
      const { rows } = await client.query<typeof row>(
        `SELECT n_tup_ins::int AS inserted, seq_tup_read::int AS read FROM pg_stat_user_tables WHERE relname = 'messages'`,
      );
      row = rows[0] ?? row;
      if (row.inserted < 1010) throw new Error(`The statistics know of ${row.inserted} messages.`);
    });
    return row;
  });
  t.true(counted.read < 100, `${counted.read} were read`);
});

sqliteTest(
  test,
  'messages of many senders whose refs begin with the time share the pages that are written',
  async (t, db) => {
    const storage = await db.open();
    const { room } = await furnish(storage);
    const users: number[] = [];
    for (let n = 0; n < 64; n++) {
      users.push((await storage.users.create({ ...nobody, username: `user${n}`, createdAt: 1 })).id);
    }
    const say = (count: number): Promise<unknown> => {
      const from = lastRef;
      const batch = Array.from({ length: count }, (_, n) => {
        const time = (1_800_000_000_000 + from + n).toString(36);
        return message(room, users[(n * 29) % 64] as number, { ref: `${time}-${Math.sin(n)}` });
      });
      return storage.messages.append(batch);
    };
    // Each user has more of them than a page of 4 KB holds.
    for (let n = 0; n < 16; n++) await say(500);
    const log = `${sqliteFile(db.url)}-wal`;
    const before = statSync(log).size;
    await say(8);
    // Of messages, refs and numbers one each, or two where one is full, what is above those, and the room's row.
    t.true((statSync(log).size - before) / 4120 <= 9, `${(statSync(log).size - before) / 4120} pages`);
  },
);
