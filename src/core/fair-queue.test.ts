import test from 'ava';
import { Overloaded } from './errors.ts';
import { createFairQueue, type FairQueue } from './fair-queue.ts';

type Gate = {
  begun: string[];
  open(): Promise<void>;
  add(queue: FairQueue, key: string, name: string): Promise<string>;
};

/** Work that notes its beginning and ends one piece at a time. */
function createGate(): Gate {
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  return {
    begun,
    async open() {
      ends.shift()?.();
      // The end is heard in this turn, and what follows it begins in the next.
      await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
    },
    add: (queue, key, name) =>
      queue.run(key, async () => {
        begun.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
        return name;
      }),
  };
}

const options = { concurrency: 1, maxQueued: 4, retryAfterMs: 1000 };

test('keys take turns, and the work of one key is begun in its order', async (t) => {
  const gate = createGate();
  const queue = createFairQueue(options);
  const names = ['a1', 'a2', 'a3', 'b1', 'c1'];
  const all = Promise.all(names.map((name) => gate.add(queue, name.slice(0, 1), name)));
  for (const _ of names) await gate.open();
  t.deepEqual(await all, names);
  t.deepEqual(gate.begun, ['a1', 'a2', 'b1', 'c1', 'a3']);
});

test('a full queue refuses the key that has most waiting, not the newcomer of another', async (t) => {
  const gate = createGate();
  const queue = createFairQueue(options);
  const flood = Promise.allSettled(['a1', 'a2', 'a3', 'a4', 'a5'].map((name) => gate.add(queue, 'a', name)));
  await t.throwsAsync(gate.add(queue, 'a', 'a6'), { instanceOf: Overloaded });
  const victim = gate.add(queue, 'b', 'b1');
  for (let n = 0; n < 6; n += 1) await gate.open();
  t.is(await victim, 'b1');
  t.deepEqual(gate.begun, ['a1', 'a2', 'b1', 'a3', 'a4']);
  t.deepEqual(
    (await flood).map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected'],
  );
});

test('no more of one key than its share runs at once, and its failures leave the place free', async (t) => {
  const gate = createGate();
  const queue = createFairQueue({ ...options, concurrency: 10, perKey: 1 });
  await t.throwsAsync(
    queue.run('a', () => Promise.reject(new Error('failed'))),
    { message: 'failed' },
  );
  // The place is free in the next turn.
  await gate.open();
  const all = Promise.all(['a1', 'a2', 'b1'].map((name) => gate.add(queue, name.slice(0, 1), name)));
  await gate.open();
  t.deepEqual(gate.begun, ['a1', 'b1', 'a2']);
  await gate.open();
  await gate.open();
  t.deepEqual(await all, ['a1', 'a2', 'b1']);
});

test('of one place no more than one piece of work is begun in a turn, even when work keeps arriving', async (t) => {
  const queue = createFairQueue({ ...options, maxQueued: 1000 });
  let done = 0;
  const work = async (): Promise<void> => void (done += 1);
  const all = Array.from({ length: 50 }, () => queue.run('a', work));
  for (let n = 0; n < 50; n += 1) {
    await Promise.resolve();
    all.push(queue.run('a', work));
  }
  t.is(done, 1);
  await Promise.all(all);
  t.is(done, 100);
});
