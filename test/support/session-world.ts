/** One session without a server: its time and its turns move when a test says so. */
import type { Principal } from '../../src/core/accounts.ts';
import { createCounters } from '../../src/core/counters.ts';
import type { Clock } from '../../src/core/ports.ts';
import { Session } from '../../src/core/session.ts';
import type { SessionContext } from '../../src/core/session-context.ts';
import type { SessionExport } from '../../src/core/session-state.ts';
import { createTurn, type Turn } from '../../src/core/turn.ts';
import { limits } from '../../src/protocol/limits.ts';
import { createManualTimers, type ManualTimers } from './manual-timers.ts';

export const worldPrincipal = { user: { id: 1, username: 'alice' }, token: { id: 1 } } as Principal;

export type SessionWorld = {
  session: Session;
  timers: ManualTimers;
  turn: Turn;
  endTurn: () => void;
  /** A session that goes on where another one was. */
  importSession: (state: SessionExport) => Session;
};

export function openSessionWorld(
  outboxBytes: number,
  isResumable = true,
  graceSeconds: number = limits.graceSeconds,
): SessionWorld {
  const timers = createManualTimers();
  let due: (() => void)[] = [];
  const clock: Clock = {
    now: () => timers.now(),
    after(ms, run) {
      const handle = timers.setTimeout(run, ms);
      return () => timers.clearTimeout(handle);
    },
    endOfTurn: (run) => void due.push(run),
  };
  const turn = createTurn(clock);
  const context = {
    clock,
    turn,
    counters: createCounters(),
    rateLimits: true,
    messageBuckets: { take: () => 0, debtMs: () => 0, owe() {} },
    moveBuckets: { take: () => 0 },
    graceSeconds,
    pollGapSeconds: limits.pollGapSeconds,
    outboxBytes,
  } as Partial<SessionContext> as SessionContext;
  const endTurn = (): void => {
    while (due.length > 0) {
      const now = due;
      due = [];
      for (const run of now) run();
    }
  };
  return {
    session: new Session(context, worldPrincipal, 'session', isResumable),
    timers,
    turn,
    endTurn,
    importSession: (state) => new Session(context, worldPrincipal, state.key, true, state),
  };
}
