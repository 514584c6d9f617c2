/**
 * All sessions of this node: how they are found, ended for what happens elsewhere, lent to other nodes and taken from
 * them. Who gets in is admission.ts's. It must not know rooms, frames, transports beyond the port, or how other nodes are
 * asked.
 */
import type { FatalCode } from '../protocol/errors.ts';
import { type Accounts, hashOf, type Principal } from './accounts.ts';
import { Admission } from './admission.ts';
import type { Counters } from './counters.ts';
import type { Credentials } from './credentials.ts';
import {
  type Claimant,
  type Claims,
  createLoneClaims,
  type Moves,
  type SessionState,
  type TellEnded,
  type TellOwed,
} from './elsewhere.ts';
import { EndedSessions } from './ended-sessions.ts';
import { createIdentifier } from './identify.ts';
import { Openings } from './openings.ts';
import type { Clock, RandomText } from './ports.ts';
import { Revocations } from './revocations.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import { SessionIndex } from './session-index.ts';
import type { SessionExport } from './session-state.ts';
import { type TokenUses, watchTokens } from './token-uses.ts';
import type { ConnectionEvents, OpenRequest, Transport } from './transport.ts';

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

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #claims: Claims;
  readonly #index = new SessionIndex();
  readonly #openings = new Openings();
  readonly #ended: EndedSessions;
  readonly #revocations: Revocations;
  readonly #tokenUses: TokenUses;
  readonly #admission: Admission;

  constructor(options: SessionsOptions) {
    this.#options = options;
    const { accounts, clock, log, claims = createLoneClaims() } = options;
    const { graceSeconds, pollGapSeconds } = options.context;
    this.#claims = claims;
    this.#ended = new EndedSessions(clock, (graceSeconds + pollGapSeconds) * 1000);
    this.#revocations = new Revocations(clock);
    this.#tokenUses = watchTokens({ accounts, clock, sessions: () => this.all(), log });
    this.#admission = new Admission({
      ...options,
      claims,
      index: this.#index,
      openings: this.#openings,
      revocations: this.#revocations,
      ended: this.#ended,
      identify: createIdentifier({ accounts, tokenUses: this.#tokenUses, log }),
      adopt: (session, tokenHash, beganAt) => this.adopt(session, tokenHash, beganAt),
    });
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
  open(transport: Transport, request: OpenRequest): Promise<ConnectionEvents | undefined> {
    return this.#admission.open(transport, request);
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
    if (session !== undefined) this.#admission.endWithFatal(session, 'kicked');
  }

  /** The token is valid no more: the session that was opened with it ends. */
  revokeToken(userId: number, tokenId: number): void {
    this.#revocations.note(userId, tokenId);
    const session = this.#index.ofUser(userId);
    if (session?.principal.token.id === tokenId) session.endLoggedOut();
  }

  /** Refuses newcomers from now on; sessions go on until they are stopped. */
  close(): void {
    this.#admission.isClosing = true;
    this.#tokenUses.close();
  }

  /** Sends newcomers away until `goOn`: this node counts as dead for the others. */
  pause(): void {
    this.#admission.isClosing = true;
  }

  goOn(): void {
    this.#admission.isClosing = false;
  }

  /** Sends away everybody who comes from now on, also to what is here: they are to go on elsewhere. */
  drain(): void {
    this.#admission.isDraining = true;
  }

  // ---- for other nodes ----

  /** Whether nobody begins here any more. */
  get isClosing(): boolean {
    return this.#admission.isClosing;
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
      return await this.#admission.end(session, takeover);
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
}
