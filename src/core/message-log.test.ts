import test from 'ava';
import fc from 'fast-check';
import {
  type Fault,
  jumpingClock,
  newLog,
  scriptedStore,
  send,
  statuses,
} from '../../test/support/message-log-world.ts';
import { createMessageLog, type LogEntry, type LogOutcome, messageLogLimits } from './message-log.ts';

test('what senders say as soon as a batch is shown goes with what waited for that batch', async (t) => {
  const bodies: string[][] = [];
  const commits: (() => void)[] = [];
  const ends: (() => void)[] = [];
  const endTurn = (): Promise<void> => {
    for (const run of ends.splice(0)) run();
    return new Promise((resolve) => setImmediate(resolve));
  };
  const log = createMessageLog({
    clock: { ...jumpingClock(), endOfTurn: (run) => ends.push(run) },
    random: (bytes) => 'x'.repeat(bytes),
    store: {
      async append(batch) {
        bodies.push(batch.map(({ body }) => body));
        await new Promise<void>((resolve) => commits.push(resolve));
        return batch.map((_, index) => ({ status: 'stored', id: 100 * bodies.length + index }));
      },
    },
  });
  const first = send(log, { body: 'first' });
  await endTurn();
  const second = send(log, { body: 'waits for the first' });
  commits[0]?.();
  await first;
  // Members are shown the first at the end of this turn, and its sender's answer is read in the next one.
  await endTurn();
  const third = send(log, { body: 'answers the first' });
  await endTurn();
  t.deepEqual(bodies, [['first'], ['waits for the first', 'answers the first']]);
  commits[1]?.();
  await Promise.all([second, third]);
});

test('messages of one turn are one batch, those that come during a commit the next', async (t) => {
  const { log, batches } = newLog();
  const first = [send(log, { body: 'a' }), send(log, { body: 'b' })];
  t.is(log.pending, 2);
  await Promise.race(first);
  const second = [send(log, { body: 'c' }), send(log, { body: 'd', roomId: 2 })];
  const outcomes = await Promise.all([...first, ...second]);
  t.deepEqual(
    batches.map((batch) => batch.map((message) => message.body)),
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  );
  t.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'stored' ? outcome.id : outcome.status)),
    [1, 2, 3, 1],
  );
  await log.idle();
  t.is(log.pending, 0);
});

test('outcomes of a batch come synchronously, in order', async (t) => {
  const { log } = newLog();
  const seen: string[] = [];
  await new Promise<void>((resolve) => {
    log.append({ roomId: 1, userId: 1, body: 'a' }, () => {
      seen.push('a');
      queueMicrotask(() => seen.push('microtask'));
    });
    log.append({ roomId: 1, userId: 2, body: 'b' }, () => {
      seen.push('b');
      setImmediate(resolve);
    });
  });
  t.deepEqual(seen, ['a', 'b', 'microtask']);
});

test('a batch has at most the named number of messages and characters', async (t) => {
  const { log, batches } = newLog();
  const many = Array.from({ length: messageLogLimits.batchMessages + 1 }, (_, index) => send(log, { userId: index }));
  await Promise.all(many);
  t.deepEqual(
    batches.map((batch) => batch.length),
    [messageLogLimits.batchMessages, 1],
  );
  const body = 'x'.repeat(messageLogLimits.batchCharacters);
  await Promise.all([send(log, { body }), send(log, { body }), send(log, { body: 'y' })]);
  t.deepEqual(
    batches.slice(2).map((batch) => batch.length),
    [1, 1, 1],
  );
});

test('a message without a ref gets a unique one of at most 64 characters', async (t) => {
  const { log, rows } = newLog();
  await Promise.all(Array.from({ length: 200 }, () => send(log)));
  const refs = rows.map((row) => row.ref);
  t.is(new Set(refs).size, 200);
  t.true(refs.every((ref) => ref.startsWith('~') && ref.length <= 64));
});

test('a busy or unreachable store is asked again, without another batch overtaking', async (t) => {
  for (const fault of ['busy', 'conflict', 'unavailable'] as const) {
    const { log, batches, rows } = newLog([fault, fault]);
    const first = send(log, { body: 'a' });
    await new Promise((resolve) => setImmediate(resolve));
    const outcomes = await Promise.all([first, send(log, { body: 'b' })]);
    t.deepEqual(statuses(outcomes), ['stored', 'stored']);
    t.deepEqual(
      rows.map((row) => row.body),
      ['a', 'b'],
    );
    t.is(batches.length, 4);
    t.deepEqual(batches[2], batches[0]);
  }
});

test('each outage is told once, and its first wait is as short as that of the one before', async (t) => {
  const warned: string[] = [];
  const waits: number[] = [];
  const clock = jumpingClock();
  const log = createMessageLog({
    ...scriptedStore(['unavailable', 'unavailable', undefined, 'unavailable']),
    clock: { ...clock, after: (ms, run) => (waits.push(ms), clock.after(ms, run)) },
    random: (bytes) => Buffer.alloc(bytes, 128).toString('base64url'),
    log: { warn: (_details, sentence) => warned.push(sentence), error: () => t.fail() },
  });
  for (const body of ['a', 'b']) t.is((await send(log, { body })).status, 'stored');
  t.deepEqual(warned, Array(2).fill('Messages could not be stored; trying again.'));
  t.deepEqual(waits, [26, 51, 26]);
});

test('a message stored by an attempt that lost its answer is answered stored, once', async (t) => {
  for (const fault of ['lost', 'done', 'late'] as const) {
    const { log, rows, batches, abandoned } = newLog([fault]);
    const outcomes = await Promise.all([send(log, { body: 'a', ref: 'r' }), send(log, { body: 'b' })]);
    t.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'stored' ? outcome.id : outcome.status)),
      [1, 2],
      fault,
    );
    t.is(rows.length, 2);
    t.deepEqual(batches[1], batches[0]);
    t.deepEqual(abandoned, []);
  }
});

test('a message that was sent again stays a repeat when the attempt loses its answer', async (t) => {
  const { log, clock, script } = newLog();
  const first = await send(log, { ref: 'r' });
  t.deepEqual(first, { status: 'stored', id: 1, createdAt: clock.time });
  const createdAt = clock.time;
  script.push('done');
  t.deepEqual(await send(log, { ref: 'r' }), { status: 'repeat', id: 1, createdAt }, 'within the same millisecond');
  clock.time += 5_000;
  script.push('done');
  t.deepEqual(await send(log, { ref: 'r' }), { status: 'repeat', id: 1, createdAt }, 'later');
});

test('the same ref twice in one batch is stored once and repeated once when the attempt loses its answer', async (t) => {
  for (const fault of [undefined, 'done', 'late'] as const) {
    const { log, rows } = newLog([fault]);
    t.deepEqual(statuses(await Promise.all([send(log, { ref: 'r' }), send(log, { ref: 'r' })])), ['stored', 'repeat']);
    t.is(rows.length, 1);
  }
});

test('a rejected batch is split until the guilty message alone is unavailable', async (t) => {
  const { log, rows } = newLog();
  const bodies = ['a', 'b', 'poison', 'c', 'd', 'poison too', 'e'];
  const outcomes = await Promise.all(bodies.map((body) => send(log, { body })));
  t.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'stored' ? outcome.id : outcome.status)),
    [1, 2, 'unavailable', 3, 4, 'unavailable', 5],
  );
  t.deepEqual(
    rows.map((row) => row.body),
    ['a', 'b', 'c', 'd', 'e'],
  );
});

test('all that waits is unavailable when the node was marked dead, which is said; what comes later is tried', async (t) => {
  const { log, rows, fencedNodes, abandoned } = newLog(['fenced']);
  // More than one batch.
  const waiting = Array.from({ length: messageLogLimits.batchMessages + 1 }, (_, userId) => send(log, { userId }));
  t.deepEqual(new Set(statuses(await Promise.all(waiting))), new Set(['unavailable']));
  t.deepEqual([rows, fencedNodes, abandoned], [[], ['this node'], []]);
  t.deepEqual(statuses([await send(log, { body: 'c' })]), ['stored']);
});

test('what was taken by a node that is another one since is not stored, and reported where it may have been', async (t) => {
  const { log, rows, batches, fencedNodes, abandoned, self } = newLog(['late']);
  const sent = [send(log, { roomId: 7 }), send(log, { roomId: 7, userId: 2 })];
  await new Promise((resolve) => setImmediate(resolve));
  t.is(batches.length, 1);
  sent.push(send(log, { roomId: 9 }));
  self.node = 'the next';
  sent.push(send(log, { roomId: 9, body: 'of the next' }));
  t.deepEqual(statuses(await Promise.all(sent)), ['unavailable', 'unavailable', 'unavailable', 'stored']);
  t.deepEqual(abandoned, [[7]]);
  t.deepEqual(fencedNodes, []);
  t.is(batches.length, 2);
  // The first two arrived late at a store that had not heard of the death.
  t.deepEqual(
    rows.map(({ body }) => body),
    ['hello', 'hello', 'of the next'],
  );
});

test('an error that is not the store’s splits the batch too and is doubted', async (t) => {
  const { log, abandoned } = newLog(['bug', 'bug']);
  t.deepEqual(statuses(await Promise.all([send(log), send(log)])), ['unavailable', 'stored']);
  t.deepEqual(abandoned, [[1]]);
});

test('past the deadline messages are unavailable, and rooms of doubtful ones are reported', async (t) => {
  const { log, abandoned, script, clock, rows } = newLog();
  script.push('done', ...Array.from({ length: 1000 }, () => 'unavailable' as const));
  const start = clock.time;
  const outcomes = await Promise.all([send(log, { roomId: 7 }), send(log, { roomId: 7 }), send(log, { roomId: 9 })]);
  t.deepEqual(statuses(outcomes), ['unavailable', 'unavailable', 'unavailable']);
  t.deepEqual(abandoned, [[7, 9]]);
  t.true(clock.time - start >= messageLogLimits.deadlineMs);
  t.is(rows.length, 3);
});

test('messages that wait behind a failing batch share its fate at their own deadline, and later ones are stored', async (t) => {
  const { log, abandoned, script, clock } = newLog();
  script.push(...Array.from({ length: 1000 }, () => 'unavailable' as const));
  const first = send(log);
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(statuses(await Promise.all([first, send(log)])), ['unavailable', 'unavailable']);
  t.deepEqual(abandoned, []);
  script.length = 0;
  clock.time += 60_000;
  t.is((await send(log)).status, 'stored');
});

test('a store that answers takes messages however late they come to it', async (t) => {
  const { log, clock } = newLog();
  const sent = send(log);
  clock.time += 10 * messageLogLimits.deadlineMs;
  t.is((await sent).status, 'stored');
});

test('a user’s messages beyond the limit are unavailable at once, others’ are taken', async (t) => {
  const { log } = newLog();
  const taken = Array.from({ length: messageLogLimits.perUser }, () => send(log));
  let refused: LogOutcome | undefined;
  log.append({ roomId: 1, userId: 1, body: 'one more' }, (outcome) => {
    refused = outcome;
  });
  t.deepEqual(refused, { status: 'unavailable' });
  taken.push(send(log, { userId: 2 }));
  t.true((await Promise.all(taken)).every((outcome) => outcome.status === 'stored'));
  t.is((await send(log)).status, 'stored');
});

test('messages beyond the limit of the queue are unavailable at once', async (t) => {
  const { log } = newLog();
  const { inAll, perUser } = messageLogLimits;
  const taken = Array.from({ length: inAll }, (_, index) => send(log, { userId: Math.floor(index / perUser) }));
  t.is(log.pending, inAll);
  t.is((await send(log, { userId: 1_000_000 })).status, 'unavailable');
  t.is(log.pending, inAll);
  await Promise.all(taken);
  t.is(log.pending, 0);
});

test('a closed log settles what is pending and refuses the rest', async (t) => {
  const { log, rows } = newLog(['busy', 'done']);
  const sent = [send(log, { body: 'a' }), send(log, { body: 'b' })];
  const closing = log.close();
  t.is((await send(log)).status, 'unavailable');
  await closing;
  t.is(log.pending, 0);
  t.deepEqual(statuses(await Promise.all(sent)), ['stored', 'stored']);
  t.is(rows.length, 2);
  await log.close();
});

test('a listener that throws costs nobody else an outcome', async (t) => {
  const { log } = newLog();
  log.append({ roomId: 1, userId: 1, body: 'a' }, () => {
    throw new Error('broken listener');
  });
  t.deepEqual(statuses([await send(log), await send(log)]), ['stored', 'stored']);
});

test('other outcomes of the store are passed on', async (t) => {
  const { log, gone } = newLog();
  await send(log, { ref: 'r', body: 'a' });
  t.deepEqual(await send(log, { ref: 'r', body: 'b' }), { status: 'ref-reused' });
  gone.add(1);
  t.deepEqual(await send(log), { status: 'room-gone' });
});

const anyFault = fc.constantFrom<Fault | undefined>(
  ...Array.from({ length: 6 }, () => undefined),
  ...(['busy', 'unavailable', 'rejected', 'lost', 'done', 'late', 'bug'] as const),
);
const anyStep = fc.record({
  roomId: fc.integer({ min: 1, max: 3 }),
  userId: fc.integer({ min: 1, max: 2 }),
  body: fc.constantFrom('a', 'b', 'poison'),
  ref: fc.option(fc.constantFrom('r1', 'r2', 'r3'), { nil: undefined }),
  /** What happens before this message is sent: nothing, a turn of the event loop, or time. */
  pause: fc.constantFrom('none', 'none', 'turn', 'time'),
});

test('whatever fails, each message has one outcome and what is stored was shown once or is reported', async (t) => {
  const property = fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), fc.array(anyFault), async (steps, faults) => {
    const { log, rows, clock, abandoned, flushLate } = newLog([...faults]);
    const outcomes: { entry: LogEntry; outcome: LogOutcome }[] = [];
    for (const { pause, ref, ...rest } of steps) {
      if (pause === 'turn') await new Promise((resolve) => setImmediate(resolve));
      if (pause === 'time') clock.time += 20_000;
      const entry: LogEntry = ref === undefined ? rest : { ...rest, ref };
      log.append(entry, (outcome) => outcomes.push({ entry, outcome }));
    }
    await log.close();
    flushLate();
    t.is(outcomes.length, steps.length);
    t.is(log.pending, 0);
    const shown = new Map<string, LogEntry>();
    const lastShown = new Map<number, number>();
    for (const { entry, outcome } of outcomes) {
      if (outcome.status !== 'stored') continue;
      t.true(outcome.id > (lastShown.get(entry.roomId) ?? 0), 'ids ascend in each room');
      lastShown.set(entry.roomId, outcome.id);
      shown.set(`${entry.roomId}/${outcome.id}`, entry);
    }
    for (const row of rows) {
      const entry = shown.get(`${row.roomId}/${row.id}`);
      shown.delete(`${row.roomId}/${row.id}`);
      if (entry === undefined) t.true(abandoned.flat().includes(row.roomId), 'stored, not shown and not reported');
      else t.deepEqual([entry.userId, entry.body, entry.ref ?? row.ref], [row.userId, row.body, row.ref]);
    }
    t.is(shown.size, 0, 'all that was shown is stored');
    const keys = rows.map((row) => `${row.roomId}/${row.userId}/${row.ref}`);
    t.is(new Set(keys).size, keys.length, 'no ref is stored twice');
  });
  await fc.assert(property, { numRuns: 500 });
});
