/**
 * How a session of this node goes to another one, seen from here, its owner. Owns the copy that stays until the other
 * node has said that the session has come, or the claim says where it lives; it must not know transports or frames.
 *
 * While a session is lent nobody else comes for it here: who resumes it, and newcomers of its user, wait or are refused.
 *
 * 1. The cursor is checked, as for a resume here; a session that cannot go on from there is not disturbed.
 * 2. The connection that it is attached to ends. What its client has sent gets its outcome; what waits, waits.
 * 3. In one step all that it is, and all that it has seen, is exported. The copy goes on being filled.
 * 4. `moved`: the copy is dropped, and nobody is told of a part. Without it the claim decides: it is claimed anew, which
 *    succeeds when the other node has not taken it, and can then not take it any more. Then it stays. Where the other node
 *    has taken it, that one is asked what came of it.
 */
import { type Claim, type ClaimStore, NodeSilent, type Peers } from '../core/cluster-ports.ts';
import type { Claims } from '../core/elsewhere.ts';
import type { MemberState } from '../core/member-state.ts';
import { type Clock, StoreError } from '../core/ports.ts';
import type { Session } from '../core/session.ts';
import type { SessionExport } from '../core/session-state.ts';
import type { LentSession, Sessions } from '../core/sessions.ts';
import {
  type CameQuestion,
  type MoveAnswer,
  type MovedNotice,
  type MoveQuestion,
  readMovedNotice,
  readMoveQuestion,
} from './move-frames.ts';

/** For what a client has sent to get its outcome: commits take milliseconds, and its client waits. */
export const settleMs = 2_000;
/** Taking the claim and bringing the session up to date are some round trips; without a word after this the claim is looked at. */
export const movedWithinMs = 3_000;
/** Between two looks at the claim after the first, and for the other node to say whether the session has come. */
const lookMs = 1_000;
/** Looks at a claim that the other node holds without having said so. Far above the time that a node needs that is slow. */
const maxLooks = 15;
/**
 * Characters of what a session has to carry. Redis cuts who has 32 MB to read by default, and a node gives up a connection
 * on which more waits: for one session all would be without the others for a moment.
 */
const maxLength = 8 * 1024 * 1024;
/** Characters of one member in a list, roughly. */
const memberLength = 50;

export type LendingOptions = {
  peers: Pick<Peers, 'id' | 'ask' | 'serve' | 'on'>;
  claims: Pick<ClaimStore, 'take'>;
  keeper: Pick<Claims, 'release'>;
  sessions: Pick<Sessions, 'lend' | 'forget' | 'isClosing'>;
  /** Rejects with StoreError. */
  readChanges: () => Promise<void>;
  clock: Clock;
  /** This node, as it was when it asked, was marked dead. */
  onFenced: (node: string) => void;
  log: { warn(details: object, sentence: string): void };
};

export interface Lending {
  close(): void;
}

/** Lends these sessions from now on. */
export function openLending(options: LendingOptions): Lending {
  return new Lender(options);
}

type Lent = LentSession & { to: string; looks: number; cancel: () => void; isOver: boolean };

class Lender implements Lending {
  readonly #options: LendingOptions;
  /** By key of session. */
  readonly #lent = new Map<string, Lent>();

  constructor(options: LendingOptions) {
    this.#options = options;
    const { peers } = options;
    peers.serve('move', (value, from, signal) => this.#answer(value, from, signal));
    peers.on('moved', (value, from) => this.#handleMoved(value, from));
  }

  close(): void {
    for (const lent of Array.from(this.#lent.values())) this.#finish(lent);
  }

  async #answer(value: unknown, from: string, signal: AbortSignal): Promise<MoveAnswer> {
    const question = readMoveQuestion(value);
    if (question === undefined) throw new Error('A question for a session has another form.');
    const lent = await this.#options.sessions.lend({ userId: question.userId, key: question.session });
    if (lent === undefined) return { status: 'no' };
    let isGoing = false;
    try {
      // Whoever has given up meanwhile does not disturb it.
      const answer = signal.aborted ? { status: 'later' as const } : await this.#export(lent, question, signal);
      isGoing = answer.status === 'comes';
      if (isGoing) this.#keep(lent, from);
      return answer;
    } finally {
      if (!isGoing) {
        lent.session.stay();
        lent.finish();
      }
    }
  }

  async #export(
    { session, beganAt }: LentSession,
    { n, rooms, isPoll }: MoveQuestion,
    signal: AbortSignal,
  ): Promise<MoveAnswer> {
    const open = new Map(rooms.map(({ id, roster }) => [id, roster]));
    if (isPoll && !this.#options.sessions.isClosing) return { status: 'later' };
    if (!session.mayResume()) return { status: 'flooding' };
    if (!session.reaches(n)) return { status: 'no' };
    if (!isWithin(session, open)) return { status: 'rooms', rooms: session.rooms.ids() };
    if (!session.mayMove()) return { status: 'flooding' };
    // A kick that the other node has read of, before its client came there, would find the session nowhere.
    await this.#options.readChanges();
    if (!session.reaches(n)) return { status: 'no' };
    session.beginMove(n);
    if (!(await this.#settles(session, signal))) return { status: 'later' };
    // What it had sent may have taken it to another one.
    if (!isWithin(session, open)) return { status: 'rooms', rooms: session.rooms.ids() };
    const state = session.export();
    if (state === undefined) return { status: 'no' };
    const seen = Array.from(session.rooms.all(), (room) => room.exportMember(session, open.get(room.id)));
    if (lengthOf(state, seen) > maxLength) {
      const sentence = 'A session does not move, because it has too much to carry; its client begins a new one.';
      this.#options.log.warn({ user: session.userId }, sentence);
      return { status: 'no' };
    }
    return { status: 'comes', session: state, rooms: seen, beganAt };
  }

  /** False: not within the time, or nobody waits for it any more. */
  #settles(session: Session, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isSettled: boolean): void => {
        cancel();
        signal.removeEventListener('abort', handleAbort);
        resolve(isSettled);
      };
      const handleAbort = (): void => end(false);
      const cancel = this.#options.clock.after(settleMs, () => end(false));
      signal.addEventListener('abort', handleAbort, { once: true });
      void session.settled().then(() => end(true));
      if (signal.aborted) end(false);
    });
  }

  // ---- the copy ----

  #keep(session: LentSession, to: string): void {
    const lent: Lent = { ...session, to, looks: 0, cancel: () => {}, isOver: false };
    this.#lent.set(lent.session.key, lent);
    lent.cancel = this.#options.clock.after(movedWithinMs, () => void this.#look(lent));
    // Sent away, or the server stops.
    void lent.session.ended.then(() => this.#finish(lent));
  }

  #finish(lent: Lent): void {
    if (lent.isOver) return;
    lent.isOver = true;
    lent.cancel();
    this.#lent.delete(lent.session.key);
    lent.finish();
  }

  #handleMoved(value: unknown, from: string): void {
    const notice = readMovedNotice(value);
    const lent = notice && this.#lent.get(notice.session);
    if (notice !== undefined && lent?.to === from) this.#drop(lent, notice);
  }

  #drop(lent: Lent, { claim, ended }: MovedNotice): void {
    if (ended) return this.#end(lent);
    this.#options.sessions.forget(lent.session);
    lent.session.vanish({ node: lent.to, claim });
    this.#finish(lent);
  }

  /** It has ended elsewhere: whoever has not been told of that is told here. */
  #end(lent: Lent): void {
    this.#options.sessions.forget(lent.session);
    lent.session.end('normal');
    this.#finish(lent);
  }

  async #look(lent: Lent): Promise<void> {
    const claim = await this.#claimAnew(lent);
    if (lent.isOver) {
      // It ended while it was claimed, and was freed before.
      if (claim !== 'failed' && claim !== undefined) this.#options.keeper.release(lent.session);
      return;
    }
    if (claim !== 'failed' && claim !== undefined) return this.#stay(lent, claim);
    const notice = claim === undefined ? await this.#askAgain(lent) : undefined;
    if (lent.isOver) return;
    if (claim === undefined) lent.looks += 1;
    if (notice !== undefined) this.#drop(lent, notice);
    else if (lent.looks >= maxLooks) this.#end(lent);
    else lent.cancel = this.#options.clock.after(lookMs, () => void this.#look(lent));
  }

  /** The notice is lost, or it takes long. Undefined: it is not there; then the claim becomes free, and a next look finds that. */
  async #askAgain({ session: { userId, key }, to }: Lent): Promise<MovedNotice | undefined> {
    const question: CameQuestion = { userId, session: key };
    try {
      const notice = readMovedNotice(await this.#options.peers.ask(to, 'came', question, { timeoutMs: lookMs }));
      return notice?.session === key && !notice.ended ? notice : undefined;
    } catch (error: unknown) {
      if (error instanceof NodeSilent) return undefined;
      throw error;
    }
  }

  /** Undefined: somebody else has it. */
  async #claimAnew({ session, tokenHash }: Lent): Promise<Claim | 'failed' | undefined> {
    const { peers, claims, onFenced, log } = this.#options;
    const { userId, key } = session;
    const node = peers.id;
    try {
      return await claims.take({ userId, session: key, node, tokenHash });
    } catch (error: unknown) {
      if (error instanceof StoreError && error.kind === 'fenced') onFenced(node);
      log.warn({ err: error }, 'It is not known whether a session has moved; it is looked at again.');
      return 'failed';
    }
  }

  #stay(lent: Lent, { number }: Claim): void {
    const { session } = lent;
    session.claim = number;
    // The other node may have told that it is there.
    for (const room of session.rooms.all()) room.enroll(session);
    session.stay();
    this.#finish(lent);
  }
}

function lengthOf({ outbox }: SessionExport, rooms: readonly MemberState[]): number {
  const frames = outbox.frames.reduce((sum, frame) => sum + frame.length, 0);
  return rooms.reduce((sum, { users = [] }) => sum + users.length * memberLength, frames);
}

/** Whether it is in no other rooms than these. */
function isWithin(session: Session, open: ReadonlyMap<number, unknown>): boolean {
  return session.rooms.ids().every((id) => open.has(id));
}
