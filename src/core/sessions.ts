/**
 * All sessions of this node and the rule of one session per user: who gets in, who goes on with a session, who has to
 * prove that it lives, who is refused. It must not know rooms, frames of the chat beyond the refusals, transports beyond
 * the port, or how other nodes are asked.
 */
import type { CloseName } from '../protocol/close-codes.ts';
import { type FatalCode, fatalCodes } from '../protocol/errors.ts';
import { type Accounts, hashOf, type Principal } from './accounts.ts';
import { type Counters, countError } from './counters.ts';
import type { Credentials } from './credentials.ts';
import { type Cursor, parseCursor } from './cursor.ts';
import {
  type Claimant,
  type Claims,
  createLoneClaims,
  type Moves,
  type SessionState,
  type TellEnded,
  type TellOwed,
} from './elsewhere.ts';
import { encode } from './encode.ts';
import { EndedSessions } from './ended-sessions.ts';
import { createIdentifier, type Identity } from './identify.ts';
import { Openings } from './openings.ts';
import type { Clock, RandomText } from './ports.ts';
import { Revocations } from './revocations.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import { SessionIndex } from './session-index.ts';
import type { SessionExport } from './session-state.ts';
import { type TokenUses, watchTokens } from './token-uses.ts';
import type { ConnectionEvents, EncodedFrame, OpenRequest, Transport } from './transport.ts';

/** Bytes of a session's key: not to be guessed, and as text well below `limits.sessionIdLength`. */
const sessionIdBytes = 16;
/** Of what a user has sent lately, less than this is not worth telling all nodes: a fifth of the burst. */
const owedMs = 1_000;

export type SessionsOptions = {
  accounts: Accounts;
  clock: Clock;
  random: RandomText;
  counters: Counters;
  context: SessionContext;
  motd: string;
  log: { warn(details: object, sentence: string): void };
  /** Left out, with `moves`: this node is alone. */
  claims?: Claims;
  moves?: Moves;
  /** A session was ended by a fatal that its client may not have heard. */
  onEnded?: TellEnded;
  /** A session has ended whose user may begin the next one on any node. */
  onOwed?: TellOwed;
};

/** A session that is about to move to another node. `finish`: to be called when it has moved, or stays. */
export type LentSession = { session: Session; tokenHash: string; beganAt: number; finish: () => void };

/** Who comes over a connection. `begun`: the latest revocation when it came. */
type Comer = { principal: Principal; cursor: Cursor | undefined; hash: string; begun: number };

/** What came of an attempt to resume; `refused`: the transport was told so. */
type Resumed = ConnectionEvents | 'refused' | undefined;

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #claims: Claims;
  readonly #index = new SessionIndex();
  readonly #openings = new Openings();
  readonly #identify: (credentials: Credentials) => Promise<Identity>;
  readonly #ended: EndedSessions;
  readonly #revocations: Revocations;
  readonly #tokenUses: TokenUses;
  readonly #motd: EncodedFrame;
  #isClosing = false;
  #isDraining = false;

  constructor(options: SessionsOptions) {
    this.#options = options;
    const { accounts, clock, log, claims = createLoneClaims() } = options;
    const { graceSeconds, pollGapSeconds } = options.context;
    this.#claims = claims;
    this.#motd = encode({ type: 'notification', code: 'api-motd', content: options.motd });
    this.#ended = new EndedSessions(clock, (graceSeconds + pollGapSeconds) * 1000);
    this.#revocations = new Revocations(clock);
    this.#tokenUses = watchTokens({ accounts, clock, sessions: () => this.all(), log });
    this.#identify = createIdentifier({ accounts, tokenUses: this.#tokenUses, log });
  }

  get size(): number {
    return this.#index.size;
  }

  all(): Iterable<Session> {
    return this.#index.all();
  }

  /**
   * A connection wants to chat. Resolves where to tell what happens on it, or undefined after it was refused and closed.
   * The transport tells nothing before that.
   */
  async open(transport: Transport, request: OpenRequest): Promise<ConnectionEvents | undefined> {
    // Polls still come for what is due to their session.
    const isForRest = transport.kind === 'poll' && request.cursor !== undefined;
    if (this.#isDraining || (this.#isClosing && !isForRest)) return this.#sendAway(transport);
    const begun = this.#revocations.latest;
    const hash = hashOf(request.credentials);
    const principal = this.#known(request, hash) ?? (await this.#identify(request.credentials));
    if (principal === 'not-authenticated') return this.#refuse(transport, principal);
    if (principal === 'unavailable') return this.#sendAway(transport, principal);
    const text = request.cursor;
    // A browser's EventSource comes back by itself after a fatal, and brings the fatal's name as its last id.
    if (text !== undefined && Object.hasOwn(fatalCodes, text)) return this.#refuse(transport, text as FatalCode);
    const comer: Comer = { principal, cursor: text === undefined ? undefined : parseCursor(text), hash, begun };
    if (text !== undefined) {
      const wanted = { userId: principal.user.id, key: comer.cursor?.session ?? text };
      if (!this.isSettled(wanted)) await this.settled(wanted);
      const resumed = this.#resumeHere(transport, comer) ?? (await this.#fetch(transport, comer));
      if (resumed !== undefined) return resumed === 'refused' ? undefined : resumed;
      this.#options.counters.notResumed += 1;
      if (this.#isClosing) return this.#sendAway(transport);
      const ended = this.#ended.codeOf(text) ?? (transport.kind === 'poll' ? 'session-expired' : undefined);
      if (ended !== undefined) return this.#refuse(transport, ended);
    }
    return this.#enter(transport, comer, request);
  }

  /**
   * The resumable session that is attached with this token, or was last. `id`: what the client takes for the session's id,
   * where it says so. None while it moves to another node.
   */
  find(credentials: Credentials, id: string | undefined): Session | undefined {
    const session = this.#index.find(hashOf(credentials), id);
    return session !== undefined && this.isSettled(session) ? session : undefined;
  }

  /** A session that is here and can be resumed, by its id; also while it moves to another node. */
  withId(id: string): Session | undefined {
    return this.#index.withId(id);
  }

  /** How the user chats now; undefined: does not, on this node. */
  stateOf(userId: number): SessionState | undefined {
    return this.#index.stateOf(userId);
  }

  /** The user was deactivated, banned or kicked: the session ends, and so does what is being opened. Whoever may comes back. */
  kickUser(userId: number): void {
    this.#revocations.note(userId, undefined);
    const session = this.#index.ofUser(userId);
    if (session !== undefined) this.#endWithFatal(session, 'kicked');
  }

  /** The token is valid no more: the session that was opened with it ends. */
  revokeToken(userId: number, tokenId: number): void {
    this.#revocations.note(userId, tokenId);
    const session = this.#index.ofUser(userId);
    if (session?.principal.token.id === tokenId) session.endLoggedOut();
  }

  /** Refuses newcomers from now on; sessions go on until they are stopped. */
  close(): void {
    this.#isClosing = true;
    this.#tokenUses.close();
  }

  /** Sends newcomers away until `goOn`: this node counts as dead for the others. */
  pause(): void {
    this.#isClosing = true;
  }

  goOn(): void {
    this.#isClosing = false;
  }

  /** Sends away everybody who comes from now on, also to what is here: they are to go on elsewhere. */
  drain(): void {
    this.#isDraining = true;
  }

  // ---- for other nodes ----

  /** Whether nobody begins here any more. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /**
   * A newcomer on another node wants the place of this session. Resolves whether it is free: the session proved that it
   * does not live, was ended for the takeover, or is not here.
   */
  async giveWay({ userId, key }: Claimant, takeover: boolean): Promise<boolean> {
    await this.settled({ userId, key });
    const session = this.#index.ofUser(userId);
    if (session?.key !== key) return true;
    // One that leaves keeps nobody away; who waits for the proof of one that lives is alone there.
    if (!session.isOpen) await session.ended;
    if (this.#openings.has(userId)) return !session.isOpen;
    // It stays found meanwhile, by whoever comes to resume it.
    const finish = this.#openings.begin(userId, undefined);
    try {
      return await this.#end(session, takeover);
    } finally {
      finish();
    }
  }

  /** Whether it is known if the session is here: not while it is about to begin, to come or to move away. */
  isSettled(session: Claimant): boolean {
    return this.#openings.isSettled(session);
  }

  /** Resolves when it is known whether the session is here. */
  settled(session: Claimant): Promise<void> {
    return this.#openings.settled(session);
  }

  /**
   * The session is about to move to another node: until `finish` is called, who comes for it waits, and newcomers of its
   * user are refused. Undefined: it is not here any more.
   */
  async lend({ userId, key }: Claimant): Promise<LentSession | undefined> {
    while (this.#openings.has(userId)) await this.#openings.done(userId);
    const session = this.#index.ofUser(userId);
    const known = session && this.#index.detailsOf(session);
    if (known === undefined || session?.isOpen !== true || session.id !== key) return undefined;
    return { session, ...known, finish: this.#openings.begin(userId, key) };
  }

  /** Whether the user's claim is in use here, or about to be. */
  holds({ userId, key }: Claimant): boolean {
    return this.#openings.has(userId) || this.#index.ofUser(userId)?.key === key;
  }

  /**
   * A session that comes here from another node, under this claim; in no room yet. To be called while `Moves.resume` is
   * under way for its user, and to be resumed then.
   */
  bring(
    principal: Principal,
    state: SessionExport,
    { claim, tokenHash, beganAt }: { claim: number; tokenHash: string; beganAt: number },
  ): Session {
    const session = new Session(this.#options.context, principal, state.key, true, state);
    session.claim = claim;
    this.adopt(session, tokenHash, beganAt);
    return session;
  }

  /** Takes a session in with its claim. */
  adopt(session: Session, tokenHash: string, beganAt: number): void {
    this.#index.add(session, beganAt, tokenHash);
    session.onEnded = this.#onEnded;
  }

  readonly #onEnded = (session: Session): void => {
    if (!this.#index.remove(session)) return;
    // Before the claim is free: the next session's node has heard of it by then.
    this.#tellOwed(session.userId);
    this.#claims.release(session);
  };

  /** The session has moved away: from now on it is not found here any more, and its claim is not this node's business. */
  forget(session: Session): void {
    this.#index.remove(session);
  }

  /** A session on another node was ended by a fatal: its client may come here. */
  noteEnded(id: string, code: FatalCode): void {
    this.#ended.note(id, code);
  }

  /** A user has sent much on another node: the rate is one for all nodes. */
  noteOwed(userId: number, ms: number): void {
    const { rateLimits, messageBuckets } = this.#options.context;
    if (rateLimits) messageBuckets.owe(userId, ms);
  }

  #tellOwed(userId: number): void {
    const { rateLimits, messageBuckets } = this.#options.context;
    const ms = rateLimits ? messageBuckets.debtMs(userId) : 0;
    if (ms >= owedMs) this.#options.onOwed?.(userId, ms);
  }

  // ---- one session per user ----

  #resumeHere(transport: Transport, { principal, cursor, hash, begun }: Comer): Resumed {
    const revoked = this.#revocations.since(begun, principal);
    if (revoked !== undefined) {
      this.#refuse(transport, revoked);
      return 'refused';
    }
    const session = this.#index.ofUser(principal.user.id);
    if (session?.mayResume() === false) {
      this.#sendAway(transport, 'flooding');
      return 'refused';
    }
    if (session === undefined || session.id === undefined || session.id !== cursor?.session) return undefined;
    const events = session.resume(transport, principal, cursor.n);
    if (events === undefined) return undefined;
    this.#options.counters.resumed += 1;
    if (this.#index.bind(session, hash)) this.#claims.bind(session, hash);
    return events;
  }

  /** Resumes a session that is on another node. A poll is passed on to that node, and comes here only when that one stops. */
  async #fetch(transport: Transport, comer: Comer): Promise<Resumed> {
    const { moves, counters } = this.#options;
    const { principal, cursor, hash, begun } = comer;
    if (moves === undefined || cursor === undefined) return undefined;
    const userId = principal.user.id;
    // Another connection may be fetching it already, or a newcomer may be asking whether it lives.
    const others = this.#openings.has(userId);
    while (this.#openings.has(userId)) await this.#openings.done(userId);
    const here = others ? this.#resumeHere(transport, comer) : undefined;
    // Who has a session here has none elsewhere.
    if (here !== undefined || this.#isClosing || this.#index.ofUser(userId)?.isOpen === true) return here;
    const finish = this.#openings.begin(userId, cursor.session);
    try {
      await this.#index.ofUser(userId)?.ended;
      const moved = await moves.resume(transport, principal, cursor, hash);
      if (moved === 'not-resumable') return undefined;
      if (moved === 'unavailable' || moved === 'flooding') {
        this.#sendAway(transport, moved);
        return 'refused';
      }
      counters.resumed += 1;
      // Whatever happened meanwhile found no session here to end.
      const revoked = this.#revocations.since(begun, principal);
      const session = this.#index.ofUser(userId);
      if (session === undefined || revoked === undefined) return moved;
      if (revoked === 'kicked') this.#endWithFatal(session, revoked);
      else session.endLoggedOut();
      return moved;
    } finally {
      finish();
    }
  }

  /** Begins a session, under the rule of one session per user. */
  async #enter(transport: Transport, comer: Comer, request: OpenRequest): Promise<ConnectionEvents | undefined> {
    const userId = comer.principal.user.id;
    // A store or another node that is slow: the client may have given that one up, and be this one.
    if (this.#openings.isSlow(userId)) await this.#openings.done(userId);
    if (this.#openings.has(userId)) return this.#refuse(transport, 'already-chatting');
    const key = this.#options.random(sessionIdBytes);
    const finish = this.#openings.begin(userId, key);
    try {
      const older = this.#index.ofUser(userId);
      if (older !== undefined && !(await this.#end(older, request.takeover))) {
        return this.#refuse(transport, 'already-chatting');
      }
      if (this.#isTooLate(transport, comer)) return undefined;
      const wish = { userId, key, tokenHash: comer.hash, takeover: request.takeover };
      const asked = this.#claims.take(wish);
      if (asked instanceof Promise) this.#openings.noteSlow(userId);
      // No step lies between on a node that is alone.
      const claimed = asked instanceof Promise ? await asked : asked;
      if ('refused' in claimed) {
        const { refused } = claimed;
        return refused === 'already-chatting' ? this.#refuse(transport, refused) : this.#sendAway(transport, refused);
      }
      if (asked instanceof Promise && this.#isTooLate(transport, comer)) {
        this.#claims.release(wish);
        return undefined;
      }
      return this.#start(transport, comer, { key, number: claimed.number, resumable: request.resumable });
    } finally {
      finish();
    }
  }

  #start(
    transport: Transport,
    { principal, hash }: Comer,
    { key, number, resumable }: { key: string; number: number; resumable: boolean },
  ): ConnectionEvents {
    const { context, clock } = this.#options;
    const session = new Session(context, principal, key, resumable);
    session.claim = number;
    this.adopt(session, hash, clock.now());
    const events = session.begin(transport);
    session.pushDirect(this.#motd);
    return events;
  }

  /** Resolves true when the session has ended: it did not prove that it lives, or nobody asked it. */
  async #end(session: Session, takeover: boolean): Promise<boolean> {
    if (!takeover && session.isOpen && (await session.prove())) return false;
    if (takeover) this.#endWithFatal(session, 'resumed-elsewhere');
    else session.end('tooSlow');
    // For what it has sent to be stored.
    this.#openings.noteSlow(session.userId);
    await session.ended;
    return true;
  }

  /** While the connection was being opened the server began to stop, or its user was sent away: then it is refused. */
  #isTooLate(transport: Transport, { principal, begun }: Comer): boolean {
    const revoked = this.#revocations.since(begun, principal);
    if (this.#isClosing) this.#sendAway(transport);
    else if (revoked !== undefined) this.#refuse(transport, revoked);
    return this.#isClosing || revoked !== undefined;
  }

  /** Who goes on with the token that the session is attached with was authenticated already: a store that is away stops no poll. */
  #known({ cursor }: OpenRequest, hash: string): Principal | undefined {
    const principal = cursor === undefined ? undefined : this.#index.find(hash, undefined)?.principal;
    const expiresAt = principal?.token.expiresAt ?? null;
    return expiresAt !== null && expiresAt <= this.#options.clock.now() ? undefined : principal;
  }

  #endWithFatal(session: Session, code: FatalCode): void {
    this.#ended.note(session.id, code);
    if (session.id !== undefined) this.#options.onEnded?.(session.id, code);
    session.endWithFatal(code);
  }

  #refuse(transport: Transport, code: FatalCode): undefined {
    countError(this.#options.counters, code);
    transport.refuse(code);
  }

  #sendAway(transport: Transport, close: CloseName = 'restarting'): undefined {
    transport.close(close);
  }
}
