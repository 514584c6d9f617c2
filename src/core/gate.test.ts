import test from 'ava';
import fc from 'fast-check';
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
