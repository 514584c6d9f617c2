import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { createManualTimers } from '../../test/support/manual-timers.ts';
import { openSessionWorld } from '../../test/support/session-world.ts';
import type { Peers } from '../core/cluster-ports.ts';
import { limits } from '../protocol/limits.ts';
import { openLending } from './lending.ts';

test('who gives up while a session settles leaves no timer behind, and the session stays', async (t) => {
  const { session } = openSessionWorld(limits.outboxBytes);
  const timers = createManualTimers();
  let answer: Parameters<Peers['serve']>[1] | undefined;
  const never = (): never => t.fail('not asked for');
  const lending = openLending({
    peers: { id: 'a', ask: never, serve: (_kind, serve) => void (answer = serve), on() {} },
    claims: { take: never },
    keeper: { release: never },
    sessions: {
      lend: async () => ({ session, tokenHash: 'x', beganAt: 0, finish() {} }),
      forget: never,
      isClosing: false,
    },
    readChanges: async () => {},
    clock: {
      now: () => timers.now(),
      after(ms, run) {
        const handle = timers.setTimeout(run, ms);
        return () => timers.clearTimeout(handle);
      },
      endOfTurn() {},
    },
    onFenced: never,
    log: { warn() {} },
  });
  t.teardown(() => lending.close());
  const settled = session.beginAppend();
  for (const isEarly of [false, true]) {
    const asker = new AbortController();
    if (isEarly) queueMicrotask(() => asker.abort());
    const question = { userId: 1, session: session.key, n: 0, rooms: [], isPoll: false };
    const answered = answer?.(question, 'b', asker.signal);
    await turn();
    if (!isEarly) t.is(timers.waits.length, 1);
    asker.abort();
    t.deepEqual(await answered, { status: 'later' });
    t.deepEqual(timers.waits, []);
    t.false(session.isMoving);
  }
  settled();
});
