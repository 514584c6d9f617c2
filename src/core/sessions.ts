/**
 * All sessions of this node and the rule of one session per user: who gets in, who has to prove that it lives, who is
 * refused. It must not know rooms, frames of the chat beyond the refusals, or transports beyond the port.
 */
import type { FatalCode } from '../protocol/errors.ts';
import type { Accounts, Principal } from './accounts.ts';
import { type Counters, countError } from './counters.ts';
import type { Credentials } from './credentials.ts';
import { refuse } from './encode.ts';
import { AuthenticationError } from './errors.ts';
import type { Clock } from './ports.ts';
import { Session, type SessionContext } from './session.ts';
import type { Transport } from './transport.ts';

/** How long a revocation is remembered: above what an opening can take (a deadline of the store and the proof). */
const revocationMs = 60_000;
/** A session outlives its token's time by this at most. (Uses are recorded at most hourly: a look each minute is plenty.) */
const tokenSweepMs = 60_000;

export type SessionsOptions = {
  accounts: Accounts;
  clock: Clock;
  counters: Counters;
  context: SessionContext;
  motd: string;
  log: { warn(details: object, sentence: string): void };
};

type Revocation = { at: number; sequence: number; userId: number; tokenId: number | undefined };

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #byUser = new Map<number, Session>();
  /** Users for whom a newcomer waits until the older session has proved itself or ended. */
  readonly #newcomers = new Set<number>();
  #revocations: Revocation[] = [];
  #sequence = 0;
  #isClosing = false;
  #cancelSweep: () => void = () => {};

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#scheduleTokenSweep();
  }

  get size(): number {
    return this.#byUser.size;
  }

  all(): Iterable<Session> {
    return this.#byUser.values();
  }

  /**
   * A connection wants to chat. Resolves its session, or undefined after the connection was refused and closed. The
   * transport hands nothing to the session before that.
   * `takeover`: end an older session without asking it for a proof.
   */
  async open(transport: Transport, credentials: Credentials, takeover: boolean): Promise<Session | undefined> {
    if (this.#isClosing) {
      transport.close('restarting');
      return undefined;
    }
    const begun = this.#sequence;
    const principal = await this.#authenticate(transport, credentials);
    if (principal === undefined) return undefined;
    if (!(await this.#makeRoom(transport, principal, takeover))) return undefined;
    if (this.#isClosing) {
      transport.close('restarting');
      return undefined;
    }
    // Another connection of the user may have got through at the same instant.
    if (this.#byUser.has(principal.user.id)) return this.#refuse(transport, 'already-chatting');
    if (this.#wasRevoked(principal, begun)) return this.#refuse(transport, 'not-authenticated');
    return this.#start(transport, principal);
  }

  /** The user was deactivated or removed. */
  kickUser(userId: number): void {
    this.#remember(userId, undefined);
    this.#byUser.get(userId)?.endWithFatal('kicked');
  }

  /** The token is valid no more: the session that was opened with it ends. */
  revokeToken(userId: number, tokenId: number): void {
    this.#remember(userId, tokenId);
    const session = this.#byUser.get(userId);
    if (session?.principal.token.id === tokenId) session.endLoggedOut();
  }

  /** Refuses newcomers from now on. */
  close(): void {
    this.#isClosing = true;
    this.#cancelSweep();
  }

  #start(transport: Transport, principal: Principal): Session {
    const { context, motd } = this.#options;
    const session = new Session(context, principal, transport);
    this.#byUser.set(session.userId, session);
    void session.ended.then(() => {
      if (this.#byUser.get(session.userId) === session) this.#byUser.delete(session.userId);
    });
    session.answer({ type: 'notification', code: 'api-motd', content: motd });
    return session;
  }

  async #authenticate(transport: Transport, credentials: Credentials): Promise<Principal | undefined> {
    if (credentials.kind !== 'token') return this.#refuse(transport, 'not-authenticated');
    try {
      const principal = await this.#options.accounts.authenticate(credentials.token);
      void this.#touch(principal);
      return principal;
    } catch (error: unknown) {
      if (error instanceof AuthenticationError) return this.#refuse(transport, 'not-authenticated');
      this.#options.log.warn(
        { err: error },
        'A connection was sent away, because the store could not be asked who it is.',
      );
      transport.close('unavailable');
      return undefined;
    }
  }

  /** True when the user has no session, or none any more. */
  async #makeRoom(transport: Transport, principal: Principal, takeover: boolean): Promise<boolean> {
    const userId = principal.user.id;
    if (this.#newcomers.has(userId)) {
      this.#refuse(transport, 'already-chatting');
      return false;
    }
    const older = this.#byUser.get(userId);
    if (older === undefined) return true;
    this.#newcomers.add(userId);
    try {
      if (!takeover && older.isOpen && (await older.prove())) {
        this.#refuse(transport, 'already-chatting');
        return false;
      }
      if (takeover) older.endWithFatal('resumed-elsewhere');
      else older.end('tooSlow');
      await older.ended;
      return true;
    } finally {
      this.#newcomers.delete(userId);
    }
  }

  #refuse(transport: Transport, code: FatalCode): undefined {
    countError(this.#options.counters, code);
    refuse(transport, code);
  }

  #remember(userId: number, tokenId: number | undefined): void {
    const now = this.#options.clock.now();
    this.#sequence += 1;
    this.#revocations = this.#revocations.filter((one) => one.at > now - revocationMs);
    this.#revocations.push({ at: now, sequence: this.#sequence, userId, tokenId });
  }

  /** Whether the principal was revoked after `begun`, while its connection was being opened. */
  #wasRevoked(principal: Principal, begun: number): boolean {
    return this.#revocations.some(
      (one) =>
        one.sequence > begun &&
        one.userId === principal.user.id &&
        (one.tokenId === undefined || one.tokenId === principal.token.id),
    );
  }

  /** A chatting session counts as use of its token, and ends with it. */
  #scheduleTokenSweep(): void {
    const { clock } = this.#options;
    this.#cancelSweep = clock.after(tokenSweepMs, () => {
      for (const session of Array.from(this.#byUser.values())) {
        const { expiresAt } = session.principal.token;
        if (expiresAt !== null && expiresAt <= clock.now()) session.endLoggedOut();
      }
      void this.#touchAll();
    });
  }

  /**
   * One after the other: sessions that came at once, after a restart, would keep everybody else from the store an hour
   * later. After a failure the others wait for the next sweep.
   */
  async #touchAll(): Promise<void> {
    for (const session of Array.from(this.#byUser.values())) {
      if (this.#isClosing || (session.isOpen && !(await this.#touch(session.principal)))) break;
    }
    if (!this.#isClosing) this.#scheduleTokenSweep();
  }

  /** False: it could not be recorded. */
  async #touch(principal: Principal): Promise<boolean> {
    try {
      await this.#options.accounts.touch(principal);
      return true;
    } catch (error: unknown) {
      const sentence = 'The use of a token could not be recorded; it is tried again in an hour.';
      this.#options.log.warn({ err: error }, sentence);
      return false;
    }
  }
}
