/**
 * Who gets in over a connection, goes on with a session, or is refused: the rule of one session per user, with the proof
 * of life, and what was revoked while a connection was being opened. It must not know rooms, frames of the chat beyond
 * the refusals, transports beyond the port, or how other nodes are asked.
 */
import type { CloseName } from '../protocol/close-codes.ts';
import { type FatalCode, fatalCodes } from '../protocol/errors.ts';
import { hashOf, type Principal } from './accounts.ts';
import { type Counters, countError } from './counters.ts';
import type { Credentials } from './credentials.ts';
import { type Cursor, parseCursor } from './cursor.ts';
import type { Claims, Moves, TellEnded } from './elsewhere.ts';
import { encode } from './encode.ts';
import type { EndedSessions } from './ended-sessions.ts';
import type { Identity } from './identify.ts';
import type { Openings } from './openings.ts';
import type { Clock, RandomText } from './ports.ts';
import type { Revocations } from './revocations.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import type { SessionIndex } from './session-index.ts';
import type { ConnectionEvents, EncodedFrame, OpenRequest, Transport } from './transport.ts';

/** Bytes of a session's key: not to be guessed, and as text well below `limits.sessionIdLength`. */
const sessionIdBytes = 16;

export type AdmissionOptions = {
  clock: Clock;
  random: RandomText;
  counters: Counters;
  context: SessionContext;
  motd: string;
  claims: Claims;
  index: SessionIndex;
  openings: Openings;
  revocations: Revocations;
  ended: EndedSessions;
  /** Never rejects. */
  identify: (credentials: Credentials) => Promise<Identity>;
  /** Takes a session in that has begun. */
  adopt: (session: Session, tokenHash: string, beganAt: number) => void;
  /** Left out: this node is alone. */
  moves?: Moves | undefined;
  onEnded?: TellEnded | undefined;
};

/** Who comes over a connection. `begun`: the latest revocation when it came. */
type Comer = { principal: Principal; cursor: Cursor | undefined; hash: string; begun: number };

/** What came of an attempt to resume; `refused`: the transport was told so. */
type Resumed = ConnectionEvents | 'refused' | undefined;

export class Admission {
  /** Nobody begins here any more. */
  isClosing = false;
  /** Nobody goes on here any more either. */
  isDraining = false;
  readonly #options: AdmissionOptions;
  readonly #motd: EncodedFrame;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#motd = encode({ type: 'notification', code: 'api-motd', content: options.motd });
  }

  /** See `Sessions.open`. */
  async open(transport: Transport, request: OpenRequest): Promise<ConnectionEvents | undefined> {
    const { openings, revocations, counters, ended, identify } = this.#options;
    // Polls still come for what is due to their session.
    const isForRest = transport.kind === 'poll' && request.cursor !== undefined;
    if (this.isDraining || (this.isClosing && !isForRest)) return this.#sendAway(transport);
    const begun = revocations.latest;
    const hash = hashOf(request.credentials);
    const principal = this.#known(request, hash) ?? (await identify(request.credentials));
    if (principal === 'not-authenticated') return this.#refuse(transport, principal);
    if (principal === 'unavailable') return this.#sendAway(transport, principal);
    const text = request.cursor;
    // A browser's EventSource comes back by itself after a fatal, and brings the fatal's name as its last id.
    if (text !== undefined && Object.hasOwn(fatalCodes, text)) return this.#refuse(transport, text as FatalCode);
    const comer: Comer = { principal, cursor: text === undefined ? undefined : parseCursor(text), hash, begun };
    if (text !== undefined) {
      const wanted = { userId: principal.user.id, key: comer.cursor?.session ?? text };
      if (!openings.isSettled(wanted)) await openings.settled(wanted);
      const resumed = this.#resumeHere(transport, comer) ?? (await this.#fetch(transport, comer));
      if (resumed !== undefined) return resumed === 'refused' ? undefined : resumed;
      counters.notResumed += 1;
      if (this.isClosing) return this.#sendAway(transport);
      const code = ended.codeOf(text) ?? (transport.kind === 'poll' ? 'session-expired' : undefined);
      if (code !== undefined) return this.#refuse(transport, code);
    }
    return this.#enter(transport, comer, request);
  }

  /** Resolves true when the session has ended: it did not prove that it lives, or nobody asked it. */
  async end(session: Session, takeover: boolean): Promise<boolean> {
    if (!takeover && session.isOpen && (await session.prove())) return false;
    if (takeover) this.endWithFatal(session, 'resumed-elsewhere');
    else session.end('tooSlow');
    // For what it has sent to be stored.
    this.#options.openings.noteSlow(session.userId);
    await session.ended;
    return true;
  }

  /** Whoever comes for the session again is told the fatal, too. */
  endWithFatal(session: Session, code: FatalCode): void {
    this.#options.ended.note(session.id, code);
    if (session.id !== undefined) this.#options.onEnded?.(session.id, code);
    session.endWithFatal(code);
  }

  #resumeHere(transport: Transport, { principal, cursor, hash, begun }: Comer): Resumed {
    const { index, revocations, counters, claims } = this.#options;
    const revoked = revocations.since(begun, principal);
    if (revoked !== undefined) {
      this.#refuse(transport, revoked);
      return 'refused';
    }
    const session = index.ofUser(principal.user.id);
    if (session?.mayResume() === false) {
      this.#sendAway(transport, 'flooding');
      return 'refused';
    }
    if (session === undefined || session.id === undefined || session.id !== cursor?.session) return undefined;
    const events = session.resume(transport, principal, cursor.n);
    if (events === undefined) return undefined;
    counters.resumed += 1;
    if (index.bind(session, hash)) claims.bind(session, hash);
    return events;
  }

  /** Resumes a session that is on another node. A poll is passed on to that node, and comes here only when that one stops. */
  async #fetch(transport: Transport, comer: Comer): Promise<Resumed> {
    const { moves, counters, index, openings, revocations } = this.#options;
    const { principal, cursor, hash, begun } = comer;
    if (moves === undefined || cursor === undefined) return undefined;
    const userId = principal.user.id;
    // Another connection may be fetching it already, or a newcomer may be asking whether it lives.
    const others = openings.has(userId);
    while (openings.has(userId)) await openings.done(userId);
    const here = others ? this.#resumeHere(transport, comer) : undefined;
    // Who has a session here has none elsewhere.
    if (here !== undefined || this.isClosing || index.ofUser(userId)?.isOpen === true) return here;
    const finish = openings.begin(userId, cursor.session);
    try {
      await index.ofUser(userId)?.ended;
      const moved = await moves.resume(transport, principal, cursor, hash);
      if (moved === 'not-resumable') return undefined;
      if (moved === 'unavailable' || moved === 'flooding') {
        this.#sendAway(transport, moved);
        return 'refused';
      }
      counters.resumed += 1;
      // Whatever happened meanwhile found no session here to end.
      const revoked = revocations.since(begun, principal);
      const session = index.ofUser(userId);
      if (session === undefined || revoked === undefined) return moved;
      if (revoked === 'kicked') this.endWithFatal(session, revoked);
      else session.endLoggedOut();
      return moved;
    } finally {
      finish();
    }
  }

  /** Begins a session, under the rule of one session per user. */
  async #enter(transport: Transport, comer: Comer, request: OpenRequest): Promise<ConnectionEvents | undefined> {
    const { openings, index, claims, random } = this.#options;
    const userId = comer.principal.user.id;
    // A store or another node that is slow: the client may have given that one up, and be this one.
    if (openings.isSlow(userId)) await openings.done(userId);
    if (openings.has(userId)) return this.#refuse(transport, 'already-chatting');
    const key = random(sessionIdBytes);
    const finish = openings.begin(userId, key);
    try {
      const older = index.ofUser(userId);
      if (older !== undefined && !(await this.end(older, request.takeover))) {
        return this.#refuse(transport, 'already-chatting');
      }
      if (this.#isTooLate(transport, comer)) return undefined;
      const wish = { userId, key, tokenHash: comer.hash, takeover: request.takeover };
      const asked = claims.take(wish);
      if (asked instanceof Promise) openings.noteSlow(userId);
      // No step lies between on a node that is alone.
      const claimed = asked instanceof Promise ? await asked : asked;
      if ('refused' in claimed) {
        const { refused } = claimed;
        return refused === 'already-chatting' ? this.#refuse(transport, refused) : this.#sendAway(transport, refused);
      }
      if (asked instanceof Promise && this.#isTooLate(transport, comer)) {
        claims.release(wish);
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
    const { context, clock, adopt } = this.#options;
    const session = new Session(context, principal, key, resumable);
    session.claim = number;
    adopt(session, hash, clock.now());
    const events = session.begin(transport);
    session.pushDirect(this.#motd);
    return events;
  }

  /** While the connection was being opened the server began to stop, or its user was sent away: then it is refused. */
  #isTooLate(transport: Transport, { principal, begun }: Comer): boolean {
    const revoked = this.#options.revocations.since(begun, principal);
    if (this.isClosing) this.#sendAway(transport);
    else if (revoked !== undefined) this.#refuse(transport, revoked);
    return this.isClosing || revoked !== undefined;
  }

  /** Who goes on with the token that the session is attached with was authenticated already: a store that is away stops no poll. */
  #known({ cursor }: OpenRequest, hash: string): Principal | undefined {
    const principal = cursor === undefined ? undefined : this.#options.index.find(hash, undefined)?.principal;
    const expiresAt = principal?.token.expiresAt ?? null;
    return expiresAt !== null && expiresAt <= this.#options.clock.now() ? undefined : principal;
  }

  #refuse(transport: Transport, code: FatalCode): undefined {
    countError(this.#options.counters, code);
    transport.refuse(code);
  }

  #sendAway(transport: Transport, close: CloseName = 'restarting'): undefined {
    transport.close(close);
  }
}
