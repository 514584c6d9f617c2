/**
 * How a session of another node comes here, because its client has come here with its cursor. Owns the order in which it
 * is asked for, claimed, taken into its rooms and attached to its client; what its owner does meanwhile is in lending.ts.
 *
 * 1. The claim says who has it. Its rooms are opened here first, so that nothing said in them from then on is missed.
 * 2. The owner exports it. Nothing has changed for anybody but the client; until the claim is here it may stay there.
 * 3. The claim is taken from the owner, under the number that it had before the owner was asked.
 * 4. It goes on in each room from what it had seen, then over its client's connection, and the owner is told.
 *
 * Of each room the question has the digest of the roster here (2), and the moment of that roster is kept. The owner leaves
 * a list of members out where the session had seen just these, so what happens here on the way (3, 4) does no harm: it is
 * what has changed since that moment. Each question has its own digests and moments, and only its own answer is used.
 */
import type { Principal } from '../core/accounts.ts';
import type { Chat } from '../core/chat.ts';
import { type Claim, type ClaimStore, NodeSilent, type Peers } from '../core/cluster-ports.ts';
import type { Cursor } from '../core/cursor.ts';
import type { Moved, Moves } from '../core/elsewhere.ts';
import type { MemberState } from '../core/member-state.ts';
import { partedFrom } from '../core/moving.ts';
import { type Clock, StoreError } from '../core/ports.ts';
import type { Session } from '../core/session.ts';
import type { Transport } from '../core/transport.ts';
import type { ClaimKeeper } from './claim-keeper.ts';
import { type Lending, movedWithinMs, openLending, settleMs } from './lending.ts';
import {
  type MoveAnswer,
  type MovedNotice,
  type MoveQuestion,
  type MovingSession,
  readCameQuestion,
  readMoveAnswer,
} from './move-frames.ts';
import { Seats } from './seats.ts';

/**
 * For one answer of the owner: it may be about to lend the session to somebody else, or have got it a moment ago, and what
 * the client has sent gets its outcome.
 */
const answerMs = movedWithinMs + settleMs + 1_000;
/** Questions for one session: for its rooms, once more for one that it had just joined, and after it was elsewhere. */
const maxRounds = 6;
/** Attempts to claim a session, and the time between: its owner waits for about so long. */
const maxTries = 4;
const retryMs = 500;

export type MovesOptions = {
  peers: Peers;
  claims: Pick<ClaimStore, 'take' | 'findByUser'>;
  keeper: Pick<ClaimKeeper, 'keep' | 'release'>;
  clock: Clock;
  /** This node, as it was when it asked, was marked dead. */
  onFenced: (node: string) => void;
  log: { warn(details: object, sentence: string): void; error(details: object, sentence: string): void };
};

export interface ClusterMoves extends Moves {
  /** Moves sessions to and from this chat from now on. */
  serve(chat: Here): void;
  close(): void;
}

export function createMoves(options: MovesOptions): ClusterMoves {
  return new Mover(options);
}

/** Who comes for which session. */
type Comer = { transport: Transport; principal: Principal; cursor: Cursor; tokenHash: string; here: Here };
/** When the owner was asked, and what the rooms were then. */
type Question = { at: number; seats: Seats };
/** The chat of this node. */
type Here = Pick<Chat, 'sessions' | 'hub' | 'directory' | 'readChanges'>;

class Mover implements ClusterMoves {
  readonly #options: MovesOptions;
  #here: Here | undefined;
  #lending: Lending | undefined;

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  serve(chat: Here): void {
    this.#here = chat;
    this.#lending = openLending({
      ...this.#options,
      sessions: chat.sessions,
      readChanges: () => chat.readChanges(),
    });
    this.#options.peers.serve('came', (value) => this.#tellAgain(value, chat));
  }

  close(): void {
    this.#lending?.close();
  }

  async resume(transport: Transport, principal: Principal, cursor: Cursor, tokenHash: string): Promise<Moved> {
    const { log } = this.#options;
    if (this.#here === undefined) return 'unavailable';
    const seats = new Seats(this.#here);
    try {
      return await this.#fetch({ transport, principal, cursor, tokenHash, here: this.#here }, seats);
    } catch (error: unknown) {
      if (!(error instanceof StoreError)) log.error({ err: error }, 'A session could not be fetched.');
      else log.warn({ err: error }, 'A session could not be fetched; its client comes again.');
      return 'unavailable';
    } finally {
      seats.leave();
    }
  }

  async #fetch(comer: Comer, seats: Seats): Promise<Moved> {
    const { peers, claims } = this.#options;
    const { principal, cursor } = comer;
    let last: { claim: Claim; status: 'no' | 'silent' } | undefined;
    for (let round = 0; round < maxRounds; round += 1) {
      const claim = await claims.findByUser(principal.user.id);
      if (claim?.session !== cursor.session || claim.node === peers.id) return 'not-resumable';
      // Nobody else has got it meanwhile, and it was not freed.
      if (last?.claim.number === claim.number) return last.status === 'no' ? 'not-resumable' : 'unavailable';
      const asked: Question = { at: this.#options.clock.now(), seats };
      const answer = await this.#ask(claim, comer, seats);
      if (answer.status === 'no' || answer.status === 'silent') last = { claim, status: answer.status };
      else if (answer.status === 'flooding') return 'flooding';
      else if (answer.status === 'later') return 'unavailable';
      else if (answer.status === 'rooms') await seats.take(answer.rooms);
      else if (answer.status === 'comes') {
        const moved = await this.#bring(comer, claim, answer, asked);
        if (moved !== undefined) return moved;
      }
    }
    return 'unavailable';
  }

  async #ask(
    { userId, session, node }: Claim,
    { transport, cursor }: Comer,
    seats: Seats,
  ): Promise<MoveAnswer | { status: 'silent' }> {
    const { peers, log } = this.#options;
    const isPoll = transport.kind === 'poll';
    const question: MoveQuestion = { userId, session, n: cursor.n, rooms: seats.ask(), isPoll };
    try {
      const value = await peers.ask(node, 'move', question, { timeoutMs: answerMs });
      const answer = readMoveAnswer(value);
      const isMeant =
        answer?.status !== 'comes' || (answer.session.userId === userId && answer.session.key === session);
      if (answer !== undefined && isMeant) return answer;
      log.warn({ node }, 'What a node answered has not the form of a session.');
      return { status: 'silent' };
    } catch (error: unknown) {
      if (error instanceof NodeSilent) return { status: 'silent' };
      throw error;
    }
  }

  /** Undefined: the owner has not let it go, or somebody else has got it. */
  async #bring(comer: Comer, former: Claim, moving: MovingSession, asked: Question): Promise<Moved | undefined> {
    const { peers, clock } = this.#options;
    const node = peers.id;
    const claim = await this.#claim(comer, former, node);
    // Marked dead meanwhile: the claim is gone with the node that this one was.
    if (node !== peers.id) return 'unavailable';
    if (claim === undefined) return undefined;
    const { transport, principal, cursor, tokenHash, here } = comer;
    const beganAt = Math.min(moving.beganAt, clock.now());
    const session = here.sessions.bring(principal, moving.session, { claim: claim.number, tokenHash, beganAt });
    const isComplete = await this.#enterAll(here, session, moving.rooms, asked);
    if (!isComplete) session.end('unavailable');
    const events = session.resume(transport, principal, cursor.n);
    // With more than it has room for it would end with this turn.
    if (events === undefined) session.end('tooSlow');
    const notice: MovedNotice = { session: session.key, claim: claim.number, ended: events === undefined };
    // Its rooms tell all others with this turn. Should this node die before that, the owner is who lets it part.
    clock.endOfTurn(() => clock.endOfTurn(() => peers.tell(former.node, 'moved', notice)));
    return events ?? (isComplete ? 'not-resumable' : 'unavailable');
  }

  async #claim({ principal, tokenHash }: Comer, former: Claim, node: string): Promise<Claim | undefined> {
    const { claims, keeper, clock, onFenced } = this.#options;
    const userId = principal.user.id;
    const { session } = former;
    for (let tries = 1; ; tries += 1) {
      try {
        const claim = await claims.take({ userId, session, node, tokenHash }, former);
        if (claim !== undefined) keeper.keep({ userId, key: session });
        return claim;
      } catch (error: unknown) {
        const isFenced = error instanceof StoreError && error.kind === 'fenced';
        if (isFenced) onFenced(node);
        // It may have been done all the same: then its owner gets it back.
        else if (tries === maxTries) keeper.release({ userId, key: session });
        if (isFenced || tries === maxTries) throw error;
        await new Promise<void>((resolve) => {
          clock.after(retryMs, resolve);
        });
      }
    }
  }

  /** The owner has not heard what came of a session that it has let go. */
  async #tellAgain(value: unknown, { sessions }: Here): Promise<MovedNotice> {
    const question = readCameQuestion(value);
    if (question === undefined) throw new Error('A question for a session that has come has another form.');
    const { userId, session: key } = question;
    await sessions.settled({ userId, key });
    const session = sessions.withId(key);
    return { session: key, claim: session?.claim ?? 1, ended: session?.isOpen !== true };
  }

  // ---- rooms ----

  /** False: not into all of them, because the store could not be asked. */
  async #enterAll(here: Here, session: Session, states: readonly MemberState[], asked: Question): Promise<boolean> {
    const { log } = this.#options;
    const entered = await Promise.allSettled(states.map((state) => this.#enter(here, session, state, asked)));
    const failed = entered.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return true;
    log.warn({ err: failed.reason as unknown }, 'A session ends on its way here: a room could not be read.');
    return false;
  }

  async #enter({ hub, directory }: Here, session: Session, state: MemberState, asked: Question): Promise<void> {
    const { clock } = this.#options;
    let room = await hub.open(state.roomId);
    if (room?.name !== state.name || room.epoch !== state.epoch) {
      // Perhaps it was changed a moment ago, and the owner has read of it before.
      await directory.current();
      room = await hub.open(state.roomId);
    }
    if (room === undefined) {
      partedFrom(state.name, session, { clock });
      return;
    }
    try {
      const { at, seats } = asked;
      const isIn = await room.importMember(session, state, { at, roster: seats.rosterOf(room) });
      const isMember = isIn && room.members.has(session);
      if (isMember && session.isOpen) session.rooms.enter(room);
      else if (isMember) room.remove(session, undefined);
    } finally {
      hub.release(room);
    }
  }
}
