/**
 * All sessions of this node and the rule of one session per user: who gets in, who goes on with a session, who has to
 * prove that it lives, who is refused. It must not know rooms, frames of the chat beyond the refusals, or transports
 * beyond the port.
 */
import type { CloseName } from '../protocol/close-codes.ts';
import { type FatalCode, fatalCodes } from '../protocol/errors.ts';
import { type Accounts, hashToken, type Principal } from './accounts.ts';
import { type Counters, countError } from './counters.ts';
import type { Credentials } from './credentials.ts';
import { parseCursor } from './cursor.ts';
import { EndedSessions } from './ended-sessions.ts';
import { AuthenticationError } from './errors.ts';
import type { Clock, RandomText } from './ports.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import type { ConnectionEvents, Transport, TransportKind } from './transport.ts';

/** How long a revocation is remembered: above what an opening can take (a deadline of the store and the proof). */
const revocationMs = 60_000;
/** A session outlives its token's time by this at most. (Uses are recorded at most hourly: a look each minute is plenty.) */
const tokenSweepMs = 60_000;

/** Bytes of a session's key: not to be guessed, and as text well below `limits.sessionIdLength`. */
const sessionIdBytes = 16;

/** How a connection wants to chat. */
export type OpenRequest = {
  credentials: Credentials;
  /** End an older session without asking it for a proof. */
  takeover: boolean;
  /** Whether the session shall outlive the connection. */
  resumable: boolean;
  /** What the client says that it has, as it came. */
  cursor: string | undefined;
};

/** Decides whether a connection may chat: where to tell what happens on it, or undefined after it was refused and closed. */
export type OpenConnection = (transport: Transport, request: OpenRequest) => Promise<ConnectionEvents | undefined>;

export type SessionsOptions = {
  accounts: Accounts;
  clock: Clock;
  random: RandomText;
  counters: Counters;
  context: SessionContext;
  motd: string;
  log: { warn(details: object, sentence: string): void };
};

/** What administrators see of a session. `rooms`: names, sorted. */
export type SessionState = { transport: TransportKind | 'detached'; beganAt: number; rooms: string[] };

type Revocation = { at: number; sequence: number; userId: number; tokenId: number | undefined };

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #byUser = new Map<number, Session>();
  /** Resumable sessions by the hash of the token that they are attached with. */
  readonly #byToken = new Map<string, Session>();
  readonly #hashes = new WeakMap<Session, string>();
  readonly #beganAt = new WeakMap<Session, number>();
  /** Users for whom a newcomer waits until the older session has proved itself or ended. */
  readonly #newcomers = new Set<number>();
  readonly #ended: EndedSessions;
  #revocations: Revocation[] = [];
  #sequence = 0;
  #isClosing = false;
  #cancelSweep: () => void = () => {};

  constructor(options: SessionsOptions) {
    this.#options = options;
    const { graceSeconds, pollGapSeconds } = options.context;
    this.#ended = new EndedSessions(options.clock, (graceSeconds + pollGapSeconds) * 1000);
    this.#scheduleTokenSweep();
  }

  get size(): number {
    return this.#byUser.size;
  }

  all(): Iterable<Session> {
    return this.#byUser.values();
  }

  /**
   * A connection wants to chat. Resolves where to tell what happens on it, or undefined after it was refused and closed.
   * The transport tells nothing before that.
   */
  async open(transport: Transport, request: OpenRequest): Promise<ConnectionEvents | undefined> {
    // Polls still come for what is due to their session.
    const isForRest = transport.kind === 'poll' && request.cursor !== undefined;
    if (this.#isClosing && !isForRest) return this.#sendAway(transport);
    const begun = this.#sequence;
    const principal = this.#known(request) ?? (await this.#authenticate(transport, request.credentials));
    if (principal === undefined) return undefined;
    const { cursor } = request;
    if (cursor !== undefined) {
      // A browser's EventSource comes back by itself after a fatal, and brings the fatal's name as its last id.
      if (Object.hasOwn(fatalCodes, cursor)) return this.#refuse(transport, cursor as FatalCode);
      const revoked = this.#revokedSince(principal, begun);
      if (revoked !== undefined) return this.#refuse(transport, revoked);
      const session = this.#byUser.get(principal.user.id);
      if (session?.mayResume() === false) return this.#sendAway(transport, 'flooding');
      const events = resume(session, transport, principal, cursor);
      this.#options.counters[events === undefined ? 'notResumed' : 'resumed'] += 1;
      if (session !== undefined && events !== undefined) {
        this.#bind(session, hashOf(request.credentials));
        return events;
      }
      if (this.#isClosing) return this.#sendAway(transport);
      const ended = this.#ended.codeOf(cursor);
      if (ended !== undefined) return this.#refuse(transport, ended);
      if (transport.kind === 'poll') return this.#refuse(transport, 'session-expired');
    }
    if (!(await this.#makeRoom(transport, principal, request.takeover))) return undefined;
    if (this.#isClosing) return this.#sendAway(transport);
    // Another connection of the user may have got through at the same instant.
    if (this.#byUser.has(principal.user.id)) return this.#refuse(transport, 'already-chatting');
    const revoked = this.#revokedSince(principal, begun);
    if (revoked !== undefined) return this.#refuse(transport, revoked);
    return this.#start(transport, principal, request);
  }

  /**
   * The resumable session of the user that is attached with this token, or was last. `id`: what the client takes for the
   * session's id, where it says so.
   */
  find(credentials: Credentials, id: string | undefined): Session | undefined {
    const session = this.#byToken.get(hashOf(credentials));
    return session?.isOpen === true && (id === undefined || id === session.id) ? session : undefined;
  }

  /** How the user chats now; undefined: does not. */
  stateOf(userId: number): SessionState | undefined {
    const session = this.#byUser.get(userId);
    const beganAt = session && this.#beganAt.get(session);
    if (session?.isOpen !== true || beganAt === undefined) return undefined;
    const rooms = Array.from(session.rooms.values(), (room) => room.name).sort();
    return { transport: session.transportKind, beganAt, rooms };
  }

  /** The user was deactivated, banned or kicked: the session ends, and so does what is being opened. Whoever may comes back. */
  kickUser(userId: number): void {
    this.#remember(userId, undefined);
    const session = this.#byUser.get(userId);
    if (session !== undefined) this.#endWithFatal(session, 'kicked');
  }

  /** The token is valid no more: the session that was opened with it ends. */
  revokeToken(userId: number, tokenId: number): void {
    this.#remember(userId, tokenId);
    const session = this.#byUser.get(userId);
    if (session?.principal.token.id === tokenId) session.endLoggedOut();
  }

  /** Refuses newcomers from now on; sessions go on until they are stopped. */
  close(): void {
    this.#isClosing = true;
    this.#cancelSweep();
  }

  #start(transport: Transport, principal: Principal, { credentials, resumable }: OpenRequest): ConnectionEvents {
    const { context, motd, random } = this.#options;
    const session = new Session(context, principal, random(sessionIdBytes), resumable);
    this.#byUser.set(session.userId, session);
    this.#beganAt.set(session, this.#options.clock.now());
    if (resumable) this.#bind(session, hashOf(credentials));
    void session.ended.then(() => {
      if (this.#byUser.get(session.userId) === session) this.#byUser.delete(session.userId);
      this.#unbind(session);
    });
    const events = session.begin(transport);
    session.answer({ type: 'notification', code: 'api-motd', content: motd });
    return events;
  }

  #bind(session: Session, hash: string): void {
    this.#unbind(session);
    this.#byToken.set(hash, session);
    this.#hashes.set(session, hash);
  }

  #unbind(session: Session): void {
    const hash = this.#hashes.get(session);
    if (hash !== undefined && this.#byToken.get(hash) === session) this.#byToken.delete(hash);
  }

  /** Who goes on with the token that the session is attached with was authenticated already: a store that is away stops no poll. */
  #known({ credentials, cursor }: OpenRequest): Principal | undefined {
    const principal = cursor === undefined ? undefined : this.find(credentials, undefined)?.principal;
    const expiresAt = principal?.token.expiresAt ?? null;
    return expiresAt !== null && expiresAt <= this.#options.clock.now() ? undefined : principal;
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
      if (takeover) this.#endWithFatal(older, 'resumed-elsewhere');
      else older.end('tooSlow');
      await older.ended;
      return true;
    } finally {
      this.#newcomers.delete(userId);
    }
  }

  #endWithFatal(session: Session, code: FatalCode): void {
    this.#ended.note(session.id, code);
    session.endWithFatal(code);
  }

  #refuse(transport: Transport, code: FatalCode): undefined {
    countError(this.#options.counters, code);
    transport.refuse(code);
  }

  #sendAway(transport: Transport, close: CloseName = 'restarting'): undefined {
    transport.close(close);
  }

  #remember(userId: number, tokenId: number | undefined): void {
    const now = this.#options.clock.now();
    this.#sequence += 1;
    this.#revocations = this.#revocations.filter((one) => one.at > now - revocationMs);
    this.#revocations.push({ at: now, sequence: this.#sequence, userId, tokenId });
  }

  /** What happened to the principal after `begun`, while its connection was being opened. */
  #revokedSince({ user, token }: Principal, begun: number): FatalCode | undefined {
    const one = this.#revocations.find(
      ({ sequence, userId, tokenId }) =>
        sequence > begun && userId === user.id && (tokenId === undefined || tokenId === token.id),
    );
    return one && (one.tokenId === undefined ? 'kicked' : 'not-authenticated');
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

/** Undefined: the cursor is not of this session, or it cannot go on from there. */
function resume(
  session: Session | undefined,
  transport: Transport,
  principal: Principal,
  text: string,
): ConnectionEvents | undefined {
  const cursor = parseCursor(text);
  if (cursor === undefined || session === undefined || session.id !== cursor.session) return undefined;
  return session.resume(transport, principal, cursor.n);
}

/** Of credentials without a token: a text that is no hash. */
function hashOf(credentials: Credentials): string {
  return credentials.kind === 'token' ? hashToken(credentials.token) : '';
}
