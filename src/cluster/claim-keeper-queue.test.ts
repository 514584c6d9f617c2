/** What a keeper has to do, and when it tries: alone, on a store that does what a test says. */
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createManualTimers, type ManualTimers } from '../../test/support/manual-timers.ts';
import { patienceMs, until } from '../../test/support/services.ts';
import { systemClock } from '../core/clock.ts';
import type { ClaimStore } from '../core/cluster-ports.ts';
import { StoreError } from '../core/ports.ts';
import { type ClaimKeeper, createClaimKeeper } from './claim-keeper.ts';

/** A keeper on a store that does what a test says; `asked`: what it was asked, as `release one`. */
function openKeeper(
  t: ExecutionContext,
  answer: (asked: string) => Promise<void>,
  node: () => string = () => 'a',
): { keeper: ClaimKeeper; timers: ManualTimers; asked: string[] } {
  const asked: string[] = [];
  const act = (name: string) => {
    return async ({ session }: { session: string }, tokenHash?: string): Promise<void> => {
      asked.push([name, session, tokenHash].filter((word) => word !== undefined).join(' '));
      await answer(asked.at(-1) ?? '');
    };
  };
  const timers = createManualTimers();
  const store = { release: act('release'), bind: act('bind') } as Partial<ClaimStore> as ClaimStore;
  const keeper = createClaimKeeper({
    store,
    node,
    clock: {
      ...systemClock,
      after(ms, run) {
        const timer = timers.setTimeout(run, ms);
        return () => timers.clearTimeout(timer);
      },
    },
    ask: async () => 'free',
    onFenced: () => t.fail(),
    log: { warn() {}, error: () => t.fail() },
  });
  t.teardown(() => keeper.close());
  return { keeper, timers, asked };
}

/** Lets whatever waits for an answer have it. */
async function someTurns(): Promise<void> {
  for (let turns = 0; turns < 10; turns += 1) await turn();
}

test('a keeper that is closed while a claim is freed in vain does nothing more', async (t) => {
  let fail: (error: Error) => void = () => t.fail('Nothing was asked.');
  const answer = new Promise<void>((_, reject) => {
    fail = reject;
  });
  const { keeper, timers } = openKeeper(t, () => answer);
  keeper.release({ userId: 1, key: 'one' });
  keeper.close();
  fail(new StoreError('unavailable', 'away'));
  await someTurns();
  // A pause that began now would end in a loop without an end: there is work, and nobody may do it.
  t.deepEqual(timers.waits, []);
});

test('pauses grow while the store is away, begin small again, and end with the keeper', async (t) => {
  let isAway = true;
  const { keeper, timers, asked } = openKeeper(t, async () => {
    if (isAway) throw new StoreError('unavailable', 'away');
  });
  keeper.release({ userId: 1, key: 'one' });
  await someTurns();
  const first = timers.waits[0] ?? 0;
  for (let tries = 0; tries < 10; tries += 1) {
    timers.advance(timers.waits[0] ?? 0);
    await someTurns();
  }
  t.true((timers.waits[0] ?? 0) > 4 * first);
  t.is(asked.length, 11);
  isAway = false;
  timers.advance(timers.waits[0] ?? 0);
  await someTurns();
  t.deepEqual([asked.length, timers.waits], [12, []]);
  isAway = true;
  keeper.release({ userId: 1, key: 'one' });
  await someTurns();
  t.deepEqual(timers.waits, [first]);
  keeper.close();
  t.deepEqual(timers.waits, []);
});

test('of what comes for one user while the store is slow the last is done last, and is what is tried again', async (t) => {
  let isAway = true;
  let goOn = (): void => {};
  const slow = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const { keeper, timers, asked } = openKeeper(t, async (what) => {
    if (what === 'bind one first') await slow;
    if (isAway && what.includes('one')) throw new StoreError('unavailable', 'away');
  });
  keeper.bind({ userId: 1, key: 'one' }, 'first');
  // Others have enough to do to come to whatever is due.
  for (const userId of [2, 3, 4]) keeper.release({ userId, key: `other-${userId}` });
  keeper.bind({ userId: 1, key: 'one' }, 'second');
  await someTurns();
  const others = [2, 3, 4].map((userId) => `release other-${userId}`);
  t.deepEqual(asked.splice(0), ['bind one first', ...others]);
  goOn();
  await someTurns();
  t.deepEqual(asked.splice(0), []);
  isAway = false;
  timers.advance(60_000);
  await someTurns();
  t.deepEqual(asked, ['bind one second']);
});

test('what has to be kept of one session says nothing of another one of its user', async (t) => {
  let isAway = true;
  const { keeper, timers, asked } = openKeeper(t, async () => {
    if (isAway) throw new StoreError('unavailable', 'away');
  });
  keeper.release({ userId: 1, key: 'former' });
  await someTurns();
  keeper.keep({ userId: 1, key: 'present' });
  isAway = false;
  asked.splice(0);
  timers.advance(60_000);
  await someTurns();
  t.deepEqual(asked, ['release former']);
});

test('what a node was to do under a name that it has lost is not done under the next', async (t) => {
  let node = 'a';
  let isAway = true;
  const { keeper, timers, asked } = openKeeper(
    t,
    async () => {
      if (isAway) throw new StoreError('unavailable', 'away');
    },
    () => node,
  );
  keeper.release({ userId: 1, key: 'one' });
  await someTurns();
  asked.splice(0);
  node = 'a2';
  isAway = false;
  timers.advance(60_000);
  await someTurns();
  t.deepEqual(asked, []);
});

test('what waits for a store that does not answer is bounded', async (t) => {
  let goOn = (): void => {};
  const answered = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const { keeper, asked } = openKeeper(t, () => answered);
  for (let userId = 1; userId <= 30_000; userId += 1) keeper.release({ userId, key: String(userId) });
  // One that waits already may change.
  keeper.release({ userId: 20_000, key: 'later' });
  goOn();
  await until(patienceMs, async () => {
    if (asked.length < 20_000) throw new Error(`Only ${asked.length} were asked.`);
  });
  await someTurns();
  t.true(asked.length < 20_010, `${asked.length}`);
  t.true(asked.includes('release later'));
});
