/** A chatting session counts as use of its token, and ends with it: the look each minute. Knows no transports. */
import type { Accounts, Principal } from './accounts.ts';
import type { Clock } from './ports.ts';
import type { Session } from './session.ts';

/** A session outlives its token's time by this at most. (Uses are recorded at most hourly: a look each minute is plenty.) */
const sweepMs = 60_000;

export type TokenUsesOptions = {
  accounts: Pick<Accounts, 'touch'>;
  clock: Clock;
  sessions: () => Iterable<Session>;
  log: { warn(details: object, sentence: string): void };
};

export interface TokenUses {
  /** Records a use. False: it could not be recorded. */
  touch(principal: Principal): Promise<boolean>;
  close(): void;
}

export function watchTokens({ accounts, clock, sessions, log }: TokenUsesOptions): TokenUses {
  let isClosed = false;
  let cancel: () => void = () => {};

  async function touch(principal: Principal): Promise<boolean> {
    try {
      await accounts.touch(principal);
      return true;
    } catch (error: unknown) {
      log.warn({ err: error }, 'The use of a token could not be recorded; it is tried again in an hour.');
      return false;
    }
  }

  /**
   * One after the other: sessions that came at once, after a restart, would keep everybody else from the store an hour
   * later. After a failure the others wait for the next sweep.
   */
  async function touchAll(): Promise<void> {
    for (const session of Array.from(sessions())) {
      if (isClosed || (session.isOpen && !(await touch(session.principal)))) break;
    }
    if (!isClosed) schedule();
  }

  function schedule(): void {
    cancel = clock.after(sweepMs, () => {
      for (const session of Array.from(sessions())) {
        const { expiresAt } = session.principal.token;
        if (expiresAt !== null && expiresAt <= clock.now()) session.endLoggedOut();
      }
      void touchAll();
    });
  }

  schedule();
  return {
    touch,
    close() {
      isClosed = true;
      cancel();
    },
  };
}
