/** One session without a server: its time and its turns move when a test says so. */
import type { Principal } from '../../src/core/accounts.ts';
import { createCounters } from '../../src/core/counters.ts';
import type { Clock } from '../../src/core/ports.ts';
import { Session } from '../../src/core/session.ts';
import type { SessionContext } from '../../src/core/session-context.ts';
import type { SessionExport } from '../../src/core/session-state.ts';
import type { EncodedFrame, Transport, TransportKind } from '../../src/core/transport.ts';
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

export type Line = { transport: Transport; told: string[]; hold: { unwritten: number; keeps: boolean } };

/** A line that notes numbers of messages, texts without one, fatals and close names; `keeps`: its client reads nothing. */
export function openLine(kind: TransportKind = 'sse', keeps = false): Line {
  const told: string[] = [];
  const hold = { unwritten: 0, keeps };
  const transport: Transport = {
    kind,
    unwritten: () => hold.unwritten,
    write(frames, first) {
      for (const [index, { bytes }] of frames.entries()) {
        if (first !== undefined) told.push(String(first.n + index));
        if (hold.keeps) hold.unwritten += bytes.length;
      }
    },
    refuse: (code) => void told.push(code),
    close: (name) => void told.push(name),
    ping() {},
  };
  return { transport, told, hold };
}

export function frames(...sizes: number[]): EncodedFrame[] {
  return sizes.map((size) => ({ bytes: Buffer.alloc(size) }));
}

/** Which messages a client that has `n` gets when it comes back; undefined: it cannot. */
export function comeBack({ session }: SessionWorld, n: number): string[] | undefined {
  const line = openLine();
  return session.resume(line.transport, worldPrincipal, n) === undefined ? undefined : line.told;
}
