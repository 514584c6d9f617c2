/** A chatting session counts as use of its token, and ends with it: the look each minute. Knows no transports. */
import type { Accounts, Principal } from './accounts.ts';
import type { Clock } from './ports.ts';
import type { Session } from './session.ts';

/** A session outlives its token's time by this at most. (Uses are recorded at most hourly: a look each minute is plenty.) */
const sweepMs = 60_000;
/** Uses by those who come are gathered for so long: after a restart all come at once, and a write for each would be most of what that costs. */
const gatherMs = 100;
/** Uses recorded by one write: some milliseconds on SQLite, whose writes stop the event loop. */
const recordedAtOnce = 100;
/** Uses that wait while the store is slow; some megabytes. Those of sessions that stay are recorded by the next sweep. */
const maxNoted = 10_000;

export type TokenUsesOptions = {
  accounts: Pick<Accounts, 'touch'>;
  clock: Clock;
  sessions: () => Iterable<Session>;
  log: { warn(details: object, sentence: string): void };
};

export interface TokenUses {
  /** The token is used. It is recorded soon. */
  note(principal: Principal): void;
  /** Records what was noted; nothing is noted any more. */
  close(): void;
}

export function watchTokens({ accounts, clock, sessions, log }: TokenUsesOptions): TokenUses {
  let isClosed = false;
  let noted: Principal[] = [];
  /** What is noted meanwhile waits: a store that is slow must not have all its connections taken by such writes. */
  let isRecording = false;
  let cancelRecord: () => void = () => {};
  let cancelSweep: () => void = () => {};

  /**
   * One write after the other, and a turn of the event loop after each: they must not keep everybody else from the store.
   * (A driver that is synchronous would do those of 10,000 sessions in one turn, of a tenth of a second.) After a failure
   * the others wait for the next sweep. `goesOn`: whether to.
   */
  async function record(principals: readonly Principal[], goesOn: () => boolean): Promise<void> {
    try {
      for (let from = 0; from < principals.length && goesOn(); from += recordedAtOnce) {
        await accounts.touch(principals.slice(from, from + recordedAtOnce));
        await new Promise<void>((resolve) => clock.endOfTurn(resolve));
      }
    } catch (error: unknown) {
      log.warn({ err: error }, 'The use of a token could not be recorded; it is tried again in an hour.');
    }
  }

  async function recordNoted(): Promise<void> {
    const principals = noted;
    noted = [];
    isRecording = true;
    await record(principals, () => true);
    isRecording = false;
    if (noted.length > 0 && !isClosed) recordSoon();
  }

  function recordSoon(): void {
    cancelRecord = clock.after(gatherMs, () => void recordNoted());
  }

  async function touchAll(): Promise<void> {
    const open = Array.from(sessions()).filter(({ isOpen }) => isOpen);
    await record(
      open.map(({ principal }) => principal),
      () => !isClosed,
    );
    if (!isClosed) schedule();
  }

  function schedule(): void {
    cancelSweep = clock.after(sweepMs, () => {
      for (const session of Array.from(sessions())) {
        const { expiresAt } = session.principal.token;
        if (expiresAt !== null && expiresAt <= clock.now()) session.endLoggedOut();
      }
      void touchAll();
    });
  }

  schedule();
  return {
    note(principal) {
      if (isClosed || noted.length >= maxNoted) return;
      if (noted.push(principal) === 1 && !isRecording) recordSoon();
    },
    close() {
      isClosed = true;
      cancelSweep();
      cancelRecord();
      void recordNoted();
    },
  };
}
