import test from 'ava';
import fc from 'fast-check';
import { createManualTimers } from '../../test/support/manual-timers.ts';
import { systemClock } from './clock.ts';
import { OrderingGate } from './gate.ts';
import type { StoredMessage } from './ports.ts';

function message(id: number): StoredMessage {
  return { id, userId: 1, username: 'u', body: `m${id}`, createdAt: 0 };
}

/** A gate over a log in memory, with the list of what passed. */
function gateOver(log: readonly number[], options: { position?: number; fails?: () => boolean } = {}) {
  const passed: number[] = [];
  const reads: [from: number, to: number][] = [];
  const pending: Promise<unknown>[] = [];
  const gate = new OrderingGate<string>({
    clock: { ...systemClock, after: (_ms, run) => (setImmediate(run), () => {}) },
    position: options.position ?? 0,
    read: (from, to, limit) => {
      reads.push([from, to]);
      const found = log.filter((id) => id >= from && id <= to).slice(0, limit);
      const answer = options.fails?.() ? Promise.reject(new Error('away')) : Promise.resolve(found.map(message));
      pending.push(answer.catch(() => undefined));
      return answer;
    },
    release: ({ message: { id } }) => passed.push(id),
  });
  const settle = async (): Promise<void> => {
    for (let seen = -1; seen !== reads.length; ) {
      seen = reads.length;
      await Promise.all(pending);
      await new Promise((resolve) => {
        setImmediate(() => setImmediate(resolve));
      });
    }
  };
  return { gate, passed, reads, settle };
}

test('messages in order pass at once, without asking the store', (t) => {
  const { gate, passed, reads } = gateOver([]);
  for (const id of [1, 2, 3]) gate.offer({ message: message(id), origin: undefined });
  t.deepEqual(passed, [1, 2, 3]);
  t.deepEqual(reads, []);
  t.is(gate.position, 3);
});

test('a hole is read from the store, and a deleted id is passed', async (t) => {
  const { gate, passed, reads, settle } = gateOver([1, 2, 4, 5]);
  gate.offer({ message: message(5), origin: undefined });
  t.deepEqual(passed, []);
  await settle();
  t.deepEqual(passed, [1, 2, 4, 5]);
  t.deepEqual(reads, [[1, 4]]);
  t.is(gate.position, 5);
});

test('a message that comes with its origin while its hole is read passes with it', async (t) => {
  const origins: unknown[] = [];
  let answer: (found: StoredMessage[]) => void = () => {};
  const gate = new OrderingGate<string>({
    clock: systemClock,
    position: 0,
    read: () => new Promise((resolve) => (answer = resolve)),
    release: ({ origin }) => origins.push(origin),
  });
  gate.offer({ message: message(3), origin: 'third' });
  gate.offer({ message: message(2), origin: 'second' });
  answer([message(1), message(2)]);
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(origins, [undefined, 'second', 'third']);
});

test('what the store holds beyond the last message seen is caught up with', async (t) => {
  const { gate, passed, settle } = gateOver([1, 2, 3]);
  gate.offer({ message: message(1), origin: undefined });
  gate.catchUp(4);
  await settle();
  t.deepEqual(passed, [1, 2, 3]);
  t.is(gate.position, 4);
});

test('a hole longer than one reading is filled to its end', async (t) => {
  const log = Array.from({ length: 1700 }, (_, index) => index + 1);
  const { gate, passed, settle } = gateOver(log);
  gate.catchUp(1700);
  await settle();
  t.deepEqual(passed, log);
});

test('a store that fails is asked again', async (t) => {
  let failures = 2;
  const { gate, passed, settle } = gateOver([1, 2], { fails: () => failures-- > 0 });
  gate.catchUp(2);
  await settle();
  t.deepEqual(passed, [1, 2]);
});

test('whatever order messages come in, each stored one passes once, in order', async (t) => {
  const scenario = fc.record({
    log: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 40 }),
    offers: fc.array(fc.nat(), { maxLength: 80 }),
    pauses: fc.array(fc.boolean(), { maxLength: 80 }),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ log, offers, pauses }) => {
      const stored = log.toSorted((a, b) => a - b);
      const { gate, passed, settle } = gateOver(stored);
      for (const [index, offer] of offers.entries()) {
        gate.offer({ message: message(stored[offer % stored.length] ?? 1), origin: undefined });
        if (pauses[index] === true) await settle();
      }
      gate.catchUp(stored.at(-1) ?? 0);
      await settle();
      t.deepEqual(passed, stored);
    }),
    { numRuns: 300 },
  );
});

const patienceMs = 50;

/** A gate that waits for what is missing, on a clock of the test's own. */
function patientGate(log: readonly number[], patience: () => number = () => patienceMs) {
  const timers = createManualTimers();
  const passed: (number | string)[] = [];
  const reads: [from: number, to: number][] = [];
  const gate = new OrderingGate<string>({
    clock: {
      ...systemClock,
      after: (ms, run) => {
        const handle = timers.setTimeout(run, ms);
        return () => timers.clearTimeout(handle);
      },
    },
    position: 0,
    read: (from, to, limit) => {
      reads.push([from, to]);
      return Promise.resolve(
        log
          .filter((id) => id >= from && id <= to)
          .slice(0, limit)
          .map(message),
      );
    },
    release: ({ message: { id } }) => passed.push(id),
    patienceMs: patience,
  });
  const offer = (id: number): boolean => gate.offer({ message: message(id), origin: undefined });
  return { gate, offer, passed, reads, timers };
}

const turns = async (): Promise<void> => {
  for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('a message that comes late by itself is waited for, and nothing is read', async (t) => {
  const { offer, passed, reads, timers } = patientGate([1, 2, 3]);
  offer(3);
  offer(1);
  timers.advance(patienceMs - 1);
  offer(2);
  timers.advance(patienceMs);
  await turns();
  t.deepEqual(passed, [1, 2, 3]);
  t.deepEqual(reads, []);
  t.deepEqual(timers.waits, []);
});

test('what does not come in time is read, with patience for each hole anew', async (t) => {
  const { offer, passed, reads, timers } = patientGate([1, 2, 3, 4, 5, 6]);
  offer(2);
  offer(6);
  timers.advance(patienceMs);
  await turns();
  t.deepEqual(passed, [1, 2]);
  t.deepEqual(reads, [[1, 1]]);
  offer(3);
  timers.advance(patienceMs - 1);
  await turns();
  t.deepEqual(reads.length, 1);
  timers.advance(1);
  await turns();
  t.deepEqual(passed, [1, 2, 3, 4, 5, 6]);
  t.deepEqual(reads, [
    [1, 1],
    [4, 5],
  ]);
});

test('without reason for patience a hole is read at once', async (t) => {
  const { offer, passed, reads } = patientGate([1, 2], () => 0);
  offer(2);
  t.deepEqual(reads, [[1, 1]]);
  await turns();
  t.deepEqual(passed, [1, 2]);
});

test('what belongs after a message runs before the next one, in the order in which it came', async (t) => {
  const { gate, offer, passed } = patientGate([1, 2, 3, 4]);
  gate.after(0, () => passed.push('at once'));
  gate.after(3, () => passed.push('c'));
  gate.after(2, () => passed.push('a'));
  gate.after(2, () => passed.push('b'));
  for (const id of [4, 3, 2, 1]) offer(id);
  t.deepEqual(passed, ['at once', 1, 2, 'a', 'b', 3, 'c', 4]);
});

test('what is held for a message has the gate catch up with it, also where it was deleted', async (t) => {
  const { gate, passed, timers } = patientGate([1]);
  gate.after(2, () => passed.push('after 2'));
  timers.advance(patienceMs);
  await turns();
  t.deepEqual(passed, [1, 'after 2']);
  t.is(gate.position, 2);
});

test('a gate that closes says so to what it holds, and to what comes later', (t) => {
  const { gate, passed } = patientGate([]);
  const closed = (): void => void passed.push('closed');
  gate.after(1, () => passed.push('ran'), closed);
  gate.close();
  gate.after(0, () => passed.push('ran'), closed);
  t.deepEqual(passed, ['closed', 'closed']);
});

test('no more is held than a bound, and what is over it goes first', (t) => {
  const { gate, passed } = patientGate([]);
  for (let n = 1; n <= 2_002; n += 1) gate.after(n, () => passed.push(n));
  t.deepEqual(passed, [1, 2]);
});

test('whatever order messages and events come in, each passes once, an event right behind its message', async (t) => {
  const scenario = fc.record({
    log: fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
    steps: fc.array(
      fc.record({ do: fc.constantFrom('offer', 'after', 'wait', 'turn'), pick: fc.nat(), sender: fc.nat({ max: 2 }) }),
      { maxLength: 80 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(scenario, async ({ log, steps }) => {
      const stored = log.toSorted((a, b) => a - b);
      const { gate, offer, passed, timers } = patientGate(stored);
      const events: { at: number; begun: number; sender: number; ran: number; position: number }[] = [];
      const ats = [0, 0, 0];
      for (const { do: what, pick, sender } of steps) {
        const id = stored[pick % stored.length] ?? 1;
        if (what === 'offer') offer(id);
        else if (what === 'wait') timers.advance(patienceMs / 2);
        else if (what === 'turn') await turns();
        else {
          // The positions of one sender ascend.
          const at = Math.max(ats[sender] ?? 0, id);
          ats[sender] = at;
          const event = { at, begun: gate.position, sender, ran: 0, position: 0 };
          events.push(event);
          gate.after(at, () => Object.assign(event, { ran: passed.push('event'), position: gate.position }));
        }
      }
      gate.catchUp(stored.at(-1) ?? 0);
      for (let n = 0; n < 60; n += 1) {
        timers.advance(patienceMs);
        await turns();
      }
      t.deepEqual(
        passed.filter((one) => one !== 'event'),
        stored,
      );
      for (const { at, begun, ran, position } of events) {
        t.true(ran > 0);
        t.is(position, Math.max(at, begun));
      }
      for (const sender of [0, 1, 2]) {
        const order = events.filter((event) => event.sender === sender).map(({ ran }) => ran);
        t.deepEqual(
          order,
          order.toSorted((a, b) => a - b),
        );
      }
    }),
    { numRuns: 150 },
  );
});

test('a gate that was told of more than the store has goes back, and lets pass what has come meanwhile', async (t) => {
  const log = [1, 2];
  const { gate, passed, settle } = gateOver(log);
  let ran = 0;
  gate.after(500, () => {
    ran += 1;
  });
  t.false(gate.compare(500, 2), 'it is still read');
  await settle();
  t.deepEqual([gate.position, ran], [500, 1]);
  log.push(3);
  t.false(gate.offer({ message: message(3), origin: undefined }));
  t.false(gate.compare(400, 3), 'it was asked before that');
  t.true(gate.compare(500, 3));
  await settle();
  t.true(gate.offer({ message: message(4), origin: undefined }));
  t.deepEqual(passed, [1, 2, 3, 4]);
  gate.close();
  t.false(gate.compare(4, 1));
});

test('a gate does not go back before what the store has confirmed', async (t) => {
  const { gate, passed, settle } = gateOver([1, 4]);
  gate.catchUp(4);
  await settle();
  // 2 and 3 were deleted.
  t.false(gate.compare(4, 4));
  gate.after(500, () => {});
  await settle();
  t.true(gate.compare(500, 4));
  await settle();
  t.is(gate.position, 4);
  t.deepEqual(passed, [1, 4]);
});
