import test from 'ava';
import { createTurnstile } from './turnstile.ts';

/** Calls that end when they are told to. */
function openCalls(places: number) {
  const enter = createTurnstile(places);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const call = (n: number, failure?: Error): Promise<number> =>
    enter(async () => {
      begun.push(n);
      await new Promise<void>((resolve) => {
        ends[n] = resolve;
      });
      if (failure !== undefined) throw failure;
      return n;
    });
  return { call, begun, end: (n: number) => ends[n]?.() };
}

test('so many are inside at once, and the others follow in order', async (t) => {
  const { call, begun, end } = openCalls(2);
  const calls = [0, 1, 2, 3, 4].map((n) => call(n));
  t.deepEqual(begun, [0, 1]);
  end(1);
  t.is(await calls[1], 1);
  t.deepEqual(begun, [0, 1, 2]);
  end(0);
  end(2);
  await Promise.all([calls[0], calls[2]]);
  t.deepEqual(begun, [0, 1, 2, 3, 4]);
  end(3);
  end(4);
  t.deepEqual(await Promise.all(calls), [0, 1, 2, 3, 4]);
  // All places are free again.
  const more = [5, 6, 7].map((n) => call(n));
  t.deepEqual(begun.slice(5), [5, 6]);
  for (const n of [5, 6, 7]) {
    end(n);
    await more[n - 5];
  }
});

test('a call that fails makes room as well', async (t) => {
  const { call, begun, end } = openCalls(1);
  const first = call(0, new Error('broken'));
  const second = call(1);
  end(0);
  await t.throwsAsync(first, { message: 'broken' });
  t.deepEqual(begun, [0, 1]);
  end(1);
  t.is(await second, 1);
});
